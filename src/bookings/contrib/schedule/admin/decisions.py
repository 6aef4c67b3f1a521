"""The form in which staff decide what becomes of the bookings in the way of time off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from bookings.admin.conflicts import conflict_list
from bookings.admin.display import change_link
from bookings.admin.form_errors import error_message, stale_message
from bookings.contrib.schedule.admin.bookings_in_the_way import BookingInTheWay, Search
from bookings.contrib.schedule.exceptions import BookingChangesRefused
from bookings.contrib.schedule.services import CancelBooking, MoveBooking
from bookings.contrib.schedule.services.booking_changes import MAX_CHANGES, BookingChange
from bookings.models import Booking

PREFIX: Final = "in_the_way"
"""The prefix of the fields. The page was sent with them if ``in_the_way-all`` is there."""

CANCEL, MOVE, GIVE = "cancel", "move", "give"

FOR_ALL: Final = [
    ("", "–––"),
    (MOVE, gettext_lazy("Move each to the first start that is free")),
    (GIVE, gettext_lazy("Give each to a provider who is free")),
    (CANCEL, gettext_lazy("Cancel each")),
]

Window = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Row:
    """A booking on the page, and the field that asks what becomes of it."""

    booking: Booking
    link: SafeString
    heading: str
    field: forms.BoundField | None
    """``None`` if the user may not decide."""
    version_name: str
    """The name of the hidden field for the version that the page shows."""
    notes: list[str]


class DecisionsForm(forms.Form):
    """Asks about each booking in the way. Its choices are what is on offer at the moment."""

    all = forms.ChoiceField(
        label=gettext_lazy("All the others"),
        choices=FOR_ALL,
        required=False,
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason of the cancellations"),
        required=False,
        max_length=255,
        help_text=gettext_lazy("For the clients; kept in the history of each booking."),
    )
    override_policy = forms.BooleanField(
        required=False,
        label=gettext_lazy("Lift the rules of booking"),
        help_text=gettext_lazy("Notice, how far ahead, and whether it is active or may be moved."),
    )

    def __init__(self, data: Any, search: Search) -> None:
        super().__init__(data, prefix=PREFIX)
        self.site, self.request = search.site, search.request
        self.found = search.find(most=MAX_CHANGES)
        self.has_too_many = len(self.found.bookings) > MAX_CHANGES
        self.decided: list[BookingInTheWay] = []
        """The bookings about which the user may decide."""
        if not self.has_too_many:
            self.decided = [row for row in self.found.bookings if row.is_changeable]
        for row in self.decided:
            self.fields[_name(row)] = forms.ChoiceField(
                label=_("What becomes of it"),
                required=False,
                choices=_choices(row),
                error_messages={
                    "invalid_choice": gettext_lazy("That is not on offer any more. Choose again.")
                },
            )
            self.fields[_version_name(row)] = forms.IntegerField(
                widget=forms.HiddenInput, initial=row.booking.version, min_value=0
            )

    @property
    def most(self) -> int:
        return MAX_CHANGES

    def rows(self) -> Iterator[Row]:
        """Yield the bookings of the page."""
        asked = {row.booking.pk for row in self.decided}
        for row in self.found.bookings:
            booking, is_asked = row.booking, row.booking.pk in asked
            yield Row(
                booking,
                change_link(self.site, booking, booking.client_name or booking.reference),
                _booking_text(booking),
                self[_name(row)] if is_asked else None,
                self.add_prefix(_version_name(row)),
                list(row.notes),
            )

    def hidden_list(self) -> SafeString:
        """Return the list of what is in the way and has no page for the user."""
        found = self.found
        if not (found.hidden or found.hidden_intervals):
            return mark_safe("")
        return conflict_list(self.site, self.request, found.hidden, found.hidden_intervals)

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        for row in self.decided:
            version = _version_name(row)
            if version in self.errors:
                # A booking that has come into the way since the page was shown.
                del self.errors[version]
                self.add_error(_name(row), _("This booking is new here. Say what becomes of it."))
            elif values[version] != row.booking.version:
                self._ask_again(row)
        if not self.errors:
            self._decide_for_all(values)
        return values

    def _ask_again(self, row: BookingInTheWay) -> None:
        """Say that the booking was changed, and forget what was chosen for it.

        The page that is shown next has the new version, for which nobody has chosen it.
        """
        self.add_error(_name(row), stale_message())
        data = cast("QueryDict", self.data).copy()
        data[self.add_prefix(_name(row))] = ""
        self.data = data

    def _decide_for_all(self, values: dict[str, Any]) -> None:
        """Set a choice of each row that has none, so that no two take the same time."""
        given = [(row, values[_name(row)]) for row in self.decided if values[_name(row)]]
        taken = [_target(row, value) for row, value in given]
        for row in self.decided:
            name = _name(row)
            if values[name]:
                continue
            if not values["all"]:
                self.add_error(name, _("Say what becomes of it."))
                continue
            options = [(value, _target(row, value)) for value in _values(row, values["all"])]
            free = [one for one in options if not any(_collide(one[1], other) for other in taken)]
            if not free:
                text = _("Nothing of that kind is free for it. Choose something else.")
                self.add_error(name, text)
                continue
            values[name], target = free[0]
            taken.append(target)

    def changes(self) -> list[BookingChange]:
        """Return what the valid form says, for the service."""
        values = self.cleaned_data
        changes: list[BookingChange] = []
        for row in self.decided:
            kind, key = _parse(values[_name(row)])
            version = values[_version_name(row)]
            if kind == CANCEL:
                changes.append(
                    CancelBooking(
                        booking=row.booking, reason=values["reason"], expected_version=version
                    )
                )
                continue
            changes.append(
                MoveBooking(
                    booking=row.booking,
                    start_at=parse_datetime(key) if kind == MOVE else None,
                    provider=_provider(row, key) if kind == GIVE else None,
                    expected_version=version,
                )
            )
        return changes

    def outcomes(self) -> Iterator[tuple[Booking, str]]:
        """Yield each booking that was changed, and what has become of it."""
        for row in self.decided:
            booking, (kind, key) = row.booking, _parse(self.cleaned_data[_name(row)])
            name = booking.client_name or booking.reference
            if kind == CANCEL:
                yield booking, _("%(booking)s was cancelled.") % {"booking": name}
            elif kind == MOVE:
                time = _start_text(booking.start_at)
                text = _("%(booking)s was moved to: %(time)s.")
                yield booking, text % {"booking": name, "time": time}
            else:
                text = _("%(booking)s was given to: %(provider)s.")
                yield booking, text % {"booking": name, "provider": _provider(row, key)}

    def add_refusals(self, error: BookingChangesRefused) -> None:
        """Show what the service has refused at the booking that it is about."""
        for booking, refusal in error.refusals:
            self.add_error(f"booking_{booking.pk}", ValidationError(error_message(refusal)))


def has_decisions(data: Any) -> bool:
    """Return whether a page was sent that has asked about bookings in the way."""
    return f"{PREFIX}-all" in data


def _name(row: BookingInTheWay) -> str:
    return f"booking_{row.booking.pk}"


def _version_name(row: BookingInTheWay) -> str:
    return f"version_{row.booking.pk}"


def _choices(row: BookingInTheWay) -> list[tuple[Any, Any]]:
    choices: list[tuple[Any, Any]] = [("", "–––")]
    if row.starts:
        starts = [
            (value, _start_text(start))
            for value, start in zip(_values(row, MOVE), row.starts, strict=True)
        ]
        choices.append((_("Move to"), starts))
    if row.providers:
        providers = [(_give_value(one), str(one)) for one in row.providers]
        choices.append((_("Same time, with"), providers))
    return [*choices, (CANCEL, pgettext_lazy("a booking in the way", "Cancel it"))]


def _values(row: BookingInTheWay, kind: str) -> list[str]:
    """Return the choices of a kind, the first one first."""
    if kind == MOVE:
        return [_move_value(start) for start in row.starts]
    if kind == GIVE:
        return [_give_value(one) for one in row.providers]
    return [CANCEL]


def _move_value(start_at: datetime) -> str:
    return f"{MOVE}:{start_at.isoformat()}"


def _give_value(provider: Any) -> str:
    return f"{GIVE}:{provider.pk}"


def _parse(value: str) -> tuple[str, str]:
    kind, _colon, key = value.partition(":")
    return kind, key


def _provider(row: BookingInTheWay, key: str) -> Any:
    return next(one for one in row.providers if str(one.pk) == key)


def _target(row: BookingInTheWay, value: str) -> tuple[str, Window]:
    """Return the key of the provider and the time that a choice takes; none for a cancellation."""
    kind, key = _parse(value)
    if kind == MOVE:
        start_at = parse_datetime(key)
        assert start_at is not None  # noqa: S101 - it is one of the choices
        return str(row.booking.provider_id), row.window_at(start_at)
    if kind == GIVE:
        return key, row.window
    return "", (0, 0)


def _collide(one: tuple[str, Window], other: tuple[str, Window]) -> bool:
    (provider, (starts, ends)), (other_provider, (begins, until)) = one, other
    return provider == other_provider != "" and starts < until and begins < ends


def _start_text(start_at: datetime) -> str:
    start = timezone.localtime(start_at)
    return f"{date_format(start, 'D')} {date_format(start, 'DATETIME_FORMAT')}"


def _booking_text(booking: Booking) -> str:
    return _("%(start)s – %(end)s · %(service)s with %(provider)s · %(reference)s") % {
        "start": _start_text(booking.start_at),
        "end": _end_text(booking),
        "service": booking.service,
        "provider": booking.provider,
        "reference": booking.reference,
    }


def _end_text(booking: Booking) -> str:
    start, end = timezone.localtime(booking.start_at), timezone.localtime(booking.end_at)
    return date_format(end, "TIME_FORMAT") if end.date() == start.date() else _start_text(end)
