"""System checks: each reports a mistake with the line to write as its hint.

========== =============================================================================
``E001``   a ``*_MODEL`` setting names a model that is not installed
``E002``   a setting has the wrong type or an unknown value
``E003``   a dotted path cannot be imported, or what it names cannot be used
``E004``   a model was created after its app's first migration
``E005``   the unmaintained ``django-fsm`` is installed beside ``django-fsm-2``
``E006``   this app's predecessor ``mroudai-django-bookings`` is still installed
``E007``   ``USE_TZ`` is off
``E009``   a migration of the predecessor is among ours
``E010``   a database stores the local times of a zone other than UTC
``W001``   an unknown ``BOOKINGS_*`` setting
``W002``   starts are not validated, because the default slot engine is not installed
``W003``   SQLite without ``transaction_mode: IMMEDIATE``
``W004``   a foreign key in the database points at another table than its setting
``W005``   a grace is to be counted in business days, and nothing knows of any
========== =============================================================================
"""

from bookings.checks import environment, migrations, models, settings

__all__ = ["environment", "migrations", "models", "settings"]
