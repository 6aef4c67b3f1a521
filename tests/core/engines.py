"""Where ``BOOKINGS_SLOTS_AVAILABLE_FUNC`` points in the tests of this folder."""

from __future__ import annotations

from typing import Any

PATH = f"{__name__}.chosen"

chosen: Any = None
"""Set by a test to the slot engine that it is about."""
