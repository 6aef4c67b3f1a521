"""Signals about money, sent once the transaction has been committed.

Receivers get ``booking``, ``using`` (the alias of the database) and what is documented below. A
receiver that fails is logged and does not keep the others from being called. All of it is stored as
well, so nothing depends on a signal that is lost.
"""

from __future__ import annotations

from typing import Final

from django.dispatch import Signal

payment_recorded: Final = Signal()
"""A payment has been recorded, or its status has changed: ``payment``."""

refund_recorded: Final = Signal()
"""A refund has been recorded: ``refund``."""

refund_due: Final = Signal()
"""More is to be refunded than before: ``refund_due``, with ``refund_due.outstanding``."""
