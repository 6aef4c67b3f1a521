"""Bookings that cannot overlap: a reusable Django app."""

__version__ = "0.1.0"
