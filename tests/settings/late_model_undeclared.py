"""The mistake that ``BOOKINGS_MIGRATION_DEPENDENCIES`` is for: a late model, and no word of it."""

from tests.settings.late_model import *

BOOKINGS_MIGRATION_DEPENDENCIES = {}
