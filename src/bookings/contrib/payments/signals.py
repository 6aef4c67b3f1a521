"""What happened to money, told once the transaction has committed.

Receivers get ``booking`` and ``using`` (the database's alias), and what is said below. A receiver
that fails is logged and does not keep the others from being called. Whatever is told here is also
stored, so that nothing depends on a signal's being heard.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from django.db import transaction
from django.dispatch import Signal

payment_recorded: Final = Signal()
"""``payment``: it has been recorded, or its status has changed."""

refund_recorded: Final = Signal()
"""``refund``: money went back."""

refund_due: Final = Signal()
"""``refund_due``: more has to go back than before; ``refund_due.outstanding`` is how much."""


def announce(signal: Signal, sender: type[Any], *, using: str, **said: Any) -> None:
    transaction.on_commit(
        partial(signal.send_robust, sender=sender, using=using, **said), using=using, robust=True
    )
