"""The page of the reports in the admin."""

from __future__ import annotations

from bookings.contrib.reports.admin.page import ReportsPageAdmin

__all__ = ["ReportsPageAdmin"]
