"""The pages for clients: find a time, and book it."""
