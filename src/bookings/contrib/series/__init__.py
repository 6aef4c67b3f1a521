"""Series: bookings or sessions at every start of an RFC 5545 recurrence rule."""
