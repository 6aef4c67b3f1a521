"""Bookings that repeat by a rule, as every Tuesday at nine, by RFC 5545."""
