"""Schedules, their weekly hours and date overrides, and time off."""

from bookings.contrib.schedule.models.business_hours import BusinessHours
from bookings.contrib.schedule.models.date_override import DateOverride
from bookings.contrib.schedule.models.schedule import Schedule
from bookings.contrib.schedule.models.time_off import TimeOff

__all__ = ["BusinessHours", "DateOverride", "Schedule", "TimeOff"]
