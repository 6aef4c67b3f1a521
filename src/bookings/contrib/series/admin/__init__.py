"""The bundled admin of series, and their inline on the page of a booking."""

from bookings.contrib.series.admin.series import SeriesAdmin, SeriesInline

__all__ = ["SeriesAdmin", "SeriesInline"]
