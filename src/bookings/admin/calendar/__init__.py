"""The calendar of the admin: a day of many providers, a week of one, a week of many."""
