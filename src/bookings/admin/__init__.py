"""The bundled admin: where staff see the day, and confirm, move, cancel and complete bookings.

Everything that it writes goes through :mod:`bookings.services`. To change it, subclass
:class:`BookingAdmin`, unregister ours and register yours.
"""

from bookings.admin.booking import BookingAdmin

__all__ = ["BookingAdmin"]
