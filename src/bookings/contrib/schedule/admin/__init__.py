"""The bundled admin of schedules and of time off.

To change it, subclass :class:`ScheduleAdmin` or :class:`TimeOffAdmin`, unregister ours and register
yours.
"""

from bookings.contrib.schedule.admin.schedule import ScheduleAdmin
from bookings.contrib.schedule.admin.time_off import TimeOffAdmin

__all__ = ["ScheduleAdmin", "TimeOffAdmin"]
