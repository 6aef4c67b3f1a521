"""``manage.py auto_cancel_expired_bookings``: another name for ``expire_bookings``."""

from bookings.management.commands.expire_bookings import Command

__all__ = ["Command"]
