"""Who the client is, where that is said when a hold is confirmed or submitted."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bookings.exceptions import InvalidBooking
from bookings.models import Booking
from bookings.services import inputs
from bookings.services.allowance import Allowance
from bookings.services.changes import check_saved
from bookings.services.history import old_and_new, values_of
from bookings.services.metadata import merge_into

TEXTS: Final = ("client_name", "client_email", "client_phone", "notes_client")
CLIENT: Final = ("client_name", "client_email", "client_phone", "client_user")


@dataclass(frozen=True, slots=True)
class Details:
    """What a caller says; ``None`` leaves what is stored as it is."""

    client_name: str | None = None
    client_email: str | None = None
    client_phone: str | None = None
    client_user: Any = None
    notes_client: str | None = None
    metadata: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        # Before who it is becomes a key to lock, and before anything is merged.
        for name in TEXTS:
            if getattr(self, name) is not None:
                inputs.text(name, getattr(self, name))
        if self.metadata is not None:
            inputs.document("metadata", self.metadata)

    def allowance(self, booking: Booking, *, override_policy: bool) -> Allowance | None:
        """What the limits leave for the client who is named here, if one is."""
        check_saved(booking)
        said = self._said()
        if not said.keys() & set(CLIENT):
            return None
        draft = copy(booking)
        for name, value in said.items():
            setattr(draft, name, value)
        return Allowance(draft, override_policy=override_policy)

    def fill_in(self, row: Booking) -> dict[str, Any]:
        """Write them onto the row; the old and the new values of those that differ."""
        said = self._said()
        new = {name: value for name, value in said.items() if value != getattr(row, name)}
        old = values_of(row, new)
        for name, value in new.items():
            setattr(row, name, value)
        inputs.check_fields(row, new.keys() - {"client_user"})
        if not row.client_name.strip():
            raise InvalidBooking(
                _("Nobody is named whom the booking is for. Pass client_name."), "no_client"
            )
        merge = {} if self.metadata is None else merge_into(row, self.metadata)
        return old_and_new(old, values_of(row, new)) | merge

    def _said(self) -> dict[str, Any]:
        said = {name: getattr(self, name) for name in (*CLIENT, "notes_client")}
        said["client_user"] = inputs.user(self.client_user, "client_user")
        return {name: value for name, value in said.items() if value is not None}
