"""The reports once more, slowly: row by row, from the definitions in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from bookings.contrib.reports.figures import Amounts, Figures, Responses
from bookings.contrib.reports.periods import Period


@dataclass
class Story:
    """What is known of a booking: its columns, its events in order, and its payments."""

    values: dict[str, Any]
    events: list[tuple[str, datetime, dict[str, Any]]] = field(default_factory=list)
    payments: list[tuple[str, Decimal, Decimal, str]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return self.values[name]


def is_hold(story: Story) -> bool:
    ended = story.status in {"PENDING", "CANCELLED", "DECLINED"}
    nobody_asked = story.requested_at is None and story.confirmed_at is None
    return ended and story.expires_at is not None and nobody_asked


def group_of(name: str | None, story: Story, at: datetime, period: Period) -> Any:
    local = at.astimezone(period.zone)
    match name:
        case "service" | "provider":
            return story.values[name].pk
        case "day":
            return local.date()
        case "week":
            return local.date() - timedelta(days=local.weekday())
        case "month":
            return local.date().replace(day=1)
        case "weekday_hour":
            return local.weekday(), local.hour
    return None


def is_within(at: datetime | None, period: Period) -> bool:
    return at is not None and period.start_at <= at.astimezone(UTC) < period.end_at


def figures(stories: Iterable[Story], period: Period, name: str | None) -> dict[Any, Figures]:
    found: dict[Any, Figures] = {}
    for story in stories:
        if is_hold(story) or not is_within(story.start_at, period):
            continue
        key = group_of(name, story, story.start_at, period)
        _count(found.setdefault(key, Figures()), story)
    return found


def _count(to: Figures, story: Story) -> None:
    to.bookings += 1
    moves = sum(kind == "RESCHEDULED" for kind, _at, _data in story.events)
    to.reschedules += moves
    to.rescheduled += moves > 0
    start_at = story.start_at.astimezone(UTC)
    if story.created_at <= start_at:
        to.booked_ahead += 1
        whole = [int(at.timestamp()) for at in (start_at, story.created_at)]
        to.lead_seconds += whole[0] - whole[1]
    if story.status != "CANCELLED":
        name = story.status.lower()
        setattr(to, name, getattr(to, name) + 1)
    elif story.auto_cancelled:
        if story.cancellation_reason == "expired":
            to.lapsed += 1
        else:
            to.overdue += 1
    else:
        _count_cancellation(to, story, start_at)
    _add_amounts(to, story)


def _count_cancellation(to: Figures, story: Story, start_at: datetime) -> None:
    to.cancelled_by_person += 1
    cancellations = [data for kind, _at, data in story.events if kind == "CANCELLED"]
    by_provider = bool(cancellations) and cancellations[-1].get("by") == "provider"
    late = False
    if story.cancelled_at is not None:
        left = start_at - story.cancelled_at
        late = left <= timedelta() or left < timedelta(minutes=story.cancellation_notice_minutes)
    to.cancelled_late += late
    to.cancelled_by_provider += by_provider
    to.provider_late += by_provider and late


def _add_amounts(to: Figures, story: Story) -> None:
    if story.status not in {"CANCELLED", "DECLINED"} and story.total_amount is not None:
        amounts = to.values.setdefault(story.currency, Amounts())
        amounts.booked += story.total_amount
        amounts.priced += 1
        if story.status == "COMPLETED":
            amounts.realised += story.total_amount
    for status, paid, refunded, currency in story.payments:
        if status in {"PAID", "PARTIALLY_REFUNDED", "REFUNDED"}:
            amounts = to.values.setdefault(currency, Amounts())
            amounts.paid += paid
            amounts.refunded += refunded


def responses(
    stories: Iterable[Story], period: Period, name: str | None, target: timedelta, now: datetime
) -> dict[Any, Responses]:
    members: dict[Any, list[Story]] = {}
    for story in stories:
        if is_within(story.requested_at, period):
            key = group_of(name, story, story.requested_at, period)
            members.setdefault(key, []).append(story)
    return {key: answer_of(group, target, now) for key, group in members.items()}


def answer_of(stories: Sequence[Story], target: timedelta, now: datetime) -> Responses:
    result = Responses(requests=len(stories))
    times = []
    for story in stories:
        answers = [at for kind, at, _data in story.events if kind in {"CONFIRMED", "DECLINED"}]
        if answers:
            times.append(answers[0] - story.requested_at)
        elif story.confirmed_at is not None:
            continue
        elif story.status == "PENDING":
            result.unanswered += 1
            result.unanswered_too_long += story.requested_at < now - target
        elif story.status == "CANCELLED":
            has_lapsed = story.auto_cancelled and story.cancellation_reason == "expired"
            result.lapsed += has_lapsed
            result.withdrawn += not has_lapsed
    result.answered = len(times)
    result.within_target = sum(time <= target for time in times)
    result.median, result.p90 = rank(times, 0.5), rank(times, 0.9)
    return result


def rank(times: list[timedelta], share: float) -> timedelta | None:
    """The shortest time that at least this share of the times does not exceed."""
    tenths = round(10 * share)
    for limit in sorted(times):
        if 10 * sum(time <= limit for time in times) >= tenths * len(times):
            return limit
    return None
