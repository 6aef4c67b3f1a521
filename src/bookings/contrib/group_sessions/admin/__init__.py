"""The bundled admin of sessions: seats, attendance, the waitlist, and sessions from hours.

To change it, subclass :class:`SessionAdmin`, unregister ours and register yours.
"""

from bookings.contrib.group_sessions.admin.session import SessionAdmin

__all__ = ["SessionAdmin"]
