"""The bundled admin of sessions: seats, who comes, who waits, and a week of classes at once.

To change it, subclass :class:`SessionAdmin`, unregister ours and register yours.
"""

from bookings.contrib.group_sessions.admin.session import SessionAdmin

__all__ = ["SessionAdmin"]
