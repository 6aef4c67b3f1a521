"""Who is the same client: what identifies one, in one spelling. Pure functions: no ORM, no clock.

Two records are of the same client if they have an identifier in common: the account, the e-mail
address in any case of its letters, or the phone number however it is written. Only a record that
has none of these is identified by its name, so it is of the same client as another such record
with that name.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final

ACCOUNT: Final = "account"
EMAIL: Final = "email"
PHONE: Final = "phone"
NAME: Final = "name"

Identifier = tuple[str, str]

_BETWEEN_DIGITS: Final = re.compile(r"[\W_]+")
# "+44 (0)20 …": the zero is only dialled inside of the country.
_TRUNK_ZERO: Final = re.compile(r"\(\s*0\s*\)")


def identifiers(of: Any) -> list[Identifier]:
    """Return the identifiers of a client, the strongest first; empty if there is no client.

    ``of`` is a booking, or another object with a client's name, e-mail address, phone number and
    account.
    """
    account = "" if of.client_user_id is None else str(of.client_user_id)
    found = [
        (ACCOUNT, account),
        (EMAIL, normalize_email(of.client_email)),
        (PHONE, normalize_phone(of.client_phone)),
    ]
    found = [(kind, value) for kind, value in found if value]
    if not found and (name := normalize_name(of.client_name)):
        return [(NAME, name)]
    return found


def normalize_email(value: Any) -> str:
    """Return an e-mail address without the case of its letters; empty for anything but text."""
    return _text(value).strip().casefold()


def normalize_phone(value: Any) -> str:
    """Return a phone number as its digits.

    Spaces and punctuation do not count, and neither does the ``+`` or ``00`` before the code of a
    country. Letters count, because a number may be spelled with them, and an extension follows
    them. Empty for text without any digit.
    """
    text = _text(value).strip()
    is_international = text.startswith(("+", "00"))
    if is_international:
        text = _TRUNK_ZERO.sub("", text, count=1)
    digits = "".join(
        str(unicodedata.decimal(character)) if character.isdecimal() else character
        for character in _BETWEEN_DIGITS.sub("", text)
    )
    if not any(character.isdecimal() for character in digits):
        return ""
    return digits.removeprefix("00").casefold()


def normalize_name(value: Any) -> str:
    """Return a name without the case of its letters, and with single spaces."""
    return " ".join(_text(value).split()).casefold()


def _text(value: Any) -> str:
    # A value of a wrong type is refused where the fields are validated.
    return unicodedata.normalize("NFKC", value) if isinstance(value, str) else ""
