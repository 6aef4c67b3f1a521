"""Requests that are sent again: each is carried out once, and answered as the first time.

A request names itself by an ``Idempotency-Key``. Its answer is stored in the transaction of the
change that it makes. So if a worker dies before the commit there is neither, and after the commit
there are both. A second request with the same key that comes meanwhile waits where the first one
has locked something, and then finds the answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from django.db import router
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.contrib.api.conf import api_settings
from bookings.contrib.api.exceptions import IdempotencyKeyRequired, InvalidHeader
from bookings.contrib.api.models import StoredResponse
from bookings.exceptions import BookingError, IdempotencyKeyReused
from bookings.ledger.transactions import atomic_with_retry
from bookings.models import Booking

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
STORED_HEADERS: Final = ("ETag", "Location")
MINIMUM_AGE: Final = timedelta(hours=24)

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")


class OnceOnly:
    """Carries a request out once, if it has an ``Idempotency-Key``.

    Raises ``IdempotencyKeyRequired`` if it ``creates`` something and has none, unless the setting
    says otherwise, and ``InvalidHeader`` if the key cannot be one.
    """

    def __init__(self, request: Request, principal: str, *, creates: bool) -> None:
        self.principal = principal
        self.key = request.headers.get(HEADER)
        self.using = router.db_for_write(Booking)
        if self.key is None:
            if creates and api_settings.API_REQUIRE_IDEMPOTENCY_KEY:
                raise IdempotencyKeyRequired
            return
        if not _KEY.fullmatch(self.key):
            raise InvalidHeader(
                _("%(header)s must be 1 to 255 letters, digits and signs, without spaces.")
                % {"header": HEADER}
            )
        body = json.dumps(request.data, sort_keys=True, separators=(",", ":"))
        parts = (request.method, request.path, body)
        self.fingerprint = sha256("\n".join(map(str, parts)).encode()).hexdigest()

    def replay(self) -> Response | None:
        """Return the stored answer, or ``None``.

        Raises ``IdempotencyKeyReused`` if the key belongs to another request.
        """
        if self.key is None:
            return None
        rows = StoredResponse.objects.using(self.using)
        stored = rows.filter(principal=self.principal, key=self.key).first()
        if stored is None:
            return None
        if stored.fingerprint != self.fingerprint:
            raise _key_reused_error("")
        headers = {**stored.headers, REPLAYED: "true"}
        return Response(json.loads(stored.body), status=stored.status_code, headers=headers)

    def run(self, carry_out: Callable[[], tuple[Response, Booking | None]]) -> Response:
        """Return the answer of ``carry_out``, and store it in one transaction with what it does.

        It may be called several times, and returns the answer with the booking that it is about.
        """
        if self.key is None:
            return carry_out()[0]
        attempts = 0

        def write() -> Response:
            nonlocal attempts
            attempts += 1
            # The key may have been stored since, which is why it is run again.
            if attempts > 1 and (replayed := self.replay()):
                return replayed
            response, booking = carry_out()
            self._store(response, booking)
            return response

        try:
            return atomic_with_retry(
                write,
                using=self.using,
                unique_model=StoredResponse,
                unique_error=_key_reused_error,
            )
        except BookingError:
            # What is in the way may be the booking that the first request has made.
            if replayed := self.replay():
                return replayed
            raise

    def _store(self, response: Response, booking: Booking | None) -> None:
        StoredResponse.objects.using(self.using).create(
            principal=self.principal,
            key=str(self.key),
            fingerprint=self.fingerprint,
            status_code=response.status_code,
            headers={
                name: response.headers[name] for name in STORED_HEADERS if name in response.headers
            },
            body=json.dumps(response.data, separators=(",", ":"), default=str),
            booking=booking,
        )


def purge_idempotency_keys(*, older_than: timedelta, now_dt: datetime | None = None) -> int:
    """Delete stored answers that are older than this; return their number.

    Raises ``ValueError`` for less than 24 hours.
    """
    if older_than < MINIMUM_AGE:
        raise ValueError("Keep idempotency keys for 24 hours at least.")
    old = StoredResponse.objects.filter(created_at__lt=(now_dt or timezone.now()) - older_than)
    return old.delete()[0]


def _key_reused_error(_constraint: str) -> BookingError:
    return IdempotencyKeyReused(
        _("This idempotency key belongs to another request. Make a new key for a new request.")
    )
