"""The client's details that are given when a booking is confirmed or submitted."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bookings.exceptions import InvalidBooking
from bookings.models import Booking, field_validation
from bookings.models.arguments import saved_booking
from bookings.questions import given_answers, merge_answers
from bookings.rules import validation
from bookings.services import references
from bookings.services.history import field_values, old_and_new
from bookings.services.limit_check import LimitCheck
from bookings.services.metadata import merge_metadata_into

TEXT_FIELDS: Final = ("client_name", "client_email", "client_phone", "notes_client")
CLIENT_FIELDS: Final = ("client_name", "client_email", "client_phone", "client_user")


def known_client(
    client_name: Any, client_email: Any, client_phone: Any, client_user: Any
) -> dict[str, Any]:
    """Return what is known of a client who may book, by field; raise ``InvalidBooking`` if invalid.

    Selectors take it to tell what they should not offer to this client.
    """
    values = {
        "client_name": validation.validate_text("client_name", client_name),
        "client_email": validation.validate_text("client_email", client_email),
        "client_phone": validation.validate_text("client_phone", client_phone),
        "client_user": references.saved_user(client_user, "client_user"),
    }
    return {name: value for name, value in values.items() if value}


@dataclass(frozen=True, slots=True)
class ClientDetails:
    """The details to store; ``None`` keeps the stored value. ``metadata`` is a merge patch."""

    client_name: str | None = None
    client_email: str | None = None
    client_phone: str | None = None
    client_user: Any = None
    notes_client: str | None = None
    metadata: dict[str, Any] | None = None
    answers: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        # The limit check locks a digest of these texts, before the fields are validated.
        for name in TEXT_FIELDS:
            if getattr(self, name) is not None:
                validation.validate_text(name, getattr(self, name))
        if self.metadata is not None:
            validation.validate_document("metadata", self.metadata)
        given_answers(self.answers)

    def limit_check(self, booking: Booking, *, override_policy: bool) -> LimitCheck | None:
        """Return the check of the limits, if a client is given here; else ``None``."""
        saved_booking(booking)
        given = self._given()
        if not given.keys() & set(CLIENT_FIELDS):
            return None
        draft = copy(booking)
        for name, value in given.items():
            setattr(draft, name, value)
        return LimitCheck(draft, override_policy=override_policy)

    def fill_in(self, row: Booking) -> dict[str, Any]:
        """Set the details on the row; return the old and new values of those that differ.

        Raises ``InvalidBooking`` for a value that cannot be stored, and if the client has no name.
        """
        given = self._given()
        new = {name: value for name, value in given.items() if value != getattr(row, name)}
        old = field_values(row, new)
        for name, value in new.items():
            setattr(row, name, value)
        field_validation.clean_fields(row, new.keys() - {"client_user"})
        if not row.client_name.strip():
            raise InvalidBooking(
                _("Nobody is named whom the booking is for. Pass client_name."), "no_client"
            )
        merged = {} if self.metadata is None else merge_metadata_into(row, self.metadata)
        return old_and_new(old, field_values(row, new)) | merged

    def fill_in_answers(self, row: Booking, *, is_complete: bool) -> dict[str, Any]:
        """Set the answers on the row, whose service is loaded; return the old and new ones.

        With ``is_complete``, the client's required questions have to be answered then. Raises
        ``InvalidBooking`` by question.
        """
        old = row.answers
        row.answers = merge_answers(
            row.service, old, given_answers(self.answers), is_complete=is_complete
        )
        if row.answers == old:
            return {}
        return old_and_new({"answers": old}, {"answers": row.answers})

    def _given(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in (*CLIENT_FIELDS, "notes_client")}
        values["client_user"] = references.saved_user(self.client_user, "client_user")
        return {name: value for name, value in values.items() if value is not None}
