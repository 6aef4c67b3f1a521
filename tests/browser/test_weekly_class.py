"""A weekly class: how many actions it takes to publish it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bookings.contrib.group_sessions.models import Session
from tests.browser.jobs import assert_within_limits
from tests.browser.staff import Clicks


def test_a_weekly_class_takes_twelve_actions(
    staff: Clicks, salon: dict[str, Any], day: datetime
) -> None:
    """From the list of sessions. A click is an action, and so is a field that is filled in."""
    staff.page.goto("/desk/bookings_group_sessions/session/")
    staff.click(".object-tools a:has-text('Publish a weekly class')")
    staff.page.wait_for_load_state("networkidle")
    staff.click(".field-service .select2-selection")
    staff.click(".select2-results__option:has-text('Yoga')")
    staff.click(".field-provider .select2-selection")
    staff.click(".select2-results__option:has-text('Ana')")
    staff.type("[name='start_at_0']", f"{day + timedelta(days=1):%Y-%m-%d}")
    staff.type("[name='start_at_1']", "14:00")
    staff.type("[name='count']", "8")
    staff.type("[name='title']", "Flow")
    staff.click("[type='submit'].default")
    staff.page.wait_for_selector(".messagelist .success")
    assert Session.objects.filter(title="Flow").count() == 8
    assert_within_limits("publish a weekly class", staff)
