"""Racers who are held to limits, and ones who count what there is without the client's lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import sleep
from typing import Any
from unittest.mock import patch

from django.apps import apps
from django.test import override_settings

from bookings.conf import app_settings
from bookings.ledger import locks
from bookings.models import ClientLock
from bookings.services.limit_check import LimitCheck
from tests.races.actions import Run, without_guards


def limited(*, action: Callable[..., Run], limits: dict[str, Any], **values: Any) -> Run:
    """As ``action``, where these settings limit a client."""
    run = action(**values)

    def run_limited() -> Any:
        with override_settings(**limits):
            return run()

    return run_limited


def limited_naively(**values: Any) -> Run:
    """Count first and book afterwards, and nobody waits for anybody."""
    return without_guards(limited(**values), no_client_lock, slow_to_write)


@contextmanager
def no_client_lock() -> Iterator[None]:
    with patch.object(locks, "lock_clients", lambda *args, **kwargs: None):
        yield


@contextmanager
def slow_to_write() -> Iterator[None]:
    check = LimitCheck.check

    def check_and_dawdle(*args: Any, **kwargs: Any) -> None:
        check(*args, **kwargs)
        # For the others, who are counting too.
        sleep(0.3)

    with patch.object(LimitCheck, "check", check_and_dawdle):
        yield


def limit_providers(*, most: int) -> None:
    """Let every provider take so many bookings a day."""
    apps.get_model(app_settings.PROVIDER_MODEL)._base_manager.update(max_bookings_per_day=most)


def forget_clients() -> None:
    """Let the next lock of a client be the first."""
    ClientLock.objects.all().delete()
