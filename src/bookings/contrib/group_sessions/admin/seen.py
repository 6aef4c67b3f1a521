"""A page acts on the session that it has shown, or says that this has changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings.contrib.group_sessions.exceptions import StaleSession
from bookings.contrib.group_sessions.locking import Locked, under_lock
from bookings.contrib.group_sessions.models import Session


def mark_of(session: Session) -> str:
    """What is different once the session itself has been changed; its bookings do not matter."""
    return session.updated_at.isoformat()


def check_seen(session: Session, seen: str) -> None:
    """``StaleSession`` where it is not the one that was ``seen``."""
    if mark_of(session) != seen:
        raise StaleSession(
            _(
                "Somebody has changed this session since you opened it, so nothing was done. "
                "Open it again to see what it is now."
            )
        )


def unless_done(
    session: Session,
    seen: str,
    act: Callable[[], Any],
    is_done: Callable[[Session], bool],
    *,
    now: datetime,
    also_lock: Any = None,
) -> bool:
    """``act``, all under the session's lock; ``False`` where it ``is_done``, as by the first click
    of two. ``StaleSession`` where the session is not the one that was ``seen``.
    """

    def write(at: Locked) -> bool:
        if is_done(at.row):
            return False
        check_seen(at.row, seen)
        act()
        return True

    return under_lock(session, write, now=now, also_lock=also_lock)
