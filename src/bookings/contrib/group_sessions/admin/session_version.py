"""The version of a session: a page that shows an older one cannot change the session."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings.contrib.group_sessions.exceptions import StaleSession
from bookings.contrib.group_sessions.locked_session import LockedSession, with_locked_session
from bookings.contrib.group_sessions.models import Session


def version_of(session: Session) -> str:
    """Return a text that changes when the session is changed, but not when its bookings are."""
    return session.updated_at.isoformat()


def check_version(session: Session, version: str | None) -> None:
    """Raise ``StaleSession`` if the session has another version; ``None`` stands for any."""
    if version is not None and version_of(session) != version:
        raise StaleSession(
            _(
                "Somebody has changed this session since you opened it, so nothing was done. "
                "Open it again to see what it is now."
            )
        )


def act_unless_done(
    session: Session,
    version: str | None,
    act: Callable[[], Any],
    is_done: Callable[[Session], bool],
    *,
    now: datetime,
    also_lock: Iterable[Any] = (),
) -> bool:
    """Call ``act`` under the session's lock and return ``True``.

    If the stored session ``is_done``, as by the first of two clicks, return ``False`` instead.
    Raise ``StaleSession`` if the session has another ``version``. ``also_lock`` has the keys
    of providers whose calendars ``act`` needs as well.
    """

    def write(locked: LockedSession) -> bool:
        if is_done(locked.row):
            return False
        check_version(locked.row, version)
        act()
        return True

    return with_locked_session(session, write, now=now, also_lock=also_lock)
