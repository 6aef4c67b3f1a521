"""Who is the same client, in a session and in its waitlist."""

from __future__ import annotations

import hashlib
from typing import Any


def client_key(of: Any) -> str:
    """A digest of a booking's or a waitlist entry's client.

    The same client has the same account, else e-mail address, else phone number, else name,
    whichever is the first that there is.
    """
    if of.client_user_id is not None:
        said = f"user:{of.client_user_id}"
    elif of.client_email:
        said = f"email:{of.client_email.casefold()}"
    elif of.client_phone:
        said = f"phone:{of.client_phone}"
    else:
        said = f"name:{of.client_name}"
    return hashlib.sha256(said.encode()).hexdigest()
