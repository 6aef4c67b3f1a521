"""The REST API: bookings over HTTP, by the same services and selectors."""
