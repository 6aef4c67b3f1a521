"""The rules of booking, as pure functions: no ORM, no clock."""
