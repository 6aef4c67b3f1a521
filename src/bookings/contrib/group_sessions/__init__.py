"""Sessions with seats: classes, tours, and a waitlist for those that are full."""
