"""When a provider can be booked: a schedule, its weekly hours, its exceptions, and time off."""

from bookings.contrib.schedule.models.hours import BusinessHours
from bookings.contrib.schedule.models.override import DateOverride
from bookings.contrib.schedule.models.schedule import Schedule
from bookings.contrib.schedule.models.time_off import TimeOff

__all__ = ["BusinessHours", "DateOverride", "Schedule", "TimeOff"]
