"""What is on offer, and that it is what can be booked."""
