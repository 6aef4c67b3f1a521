"""Slots, and that they are what can be booked."""
