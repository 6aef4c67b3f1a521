"""Record what happened to the money of bookings, and what has to be refunded. It moves no money."""
