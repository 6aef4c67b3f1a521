"""The example's settings. What django-bookings needs is at the end; the rest is Django as usual."""

import os
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent

# For your own machine only: a site that others can reach needs a secret of its own, and no DEBUG.
SECRET_KEY = "not a secret, because this example runs on your own machine only"
DEBUG = True

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "bookings",
    "bookings.contrib.schedule",
    "clinic",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    # Staff read the admin, bookings included, in the language of their browser.
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
ROOT_URLCONF = "example.urls"
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("EXAMPLE_DATABASE", FOLDER / "db.sqlite3"),
        # A transaction that will write takes SQLite's lock when it begins. Without this line two
        # writers can both begin by reading, and one of them gets "database is locked".
        "OPTIONS": {"transaction_mode": "IMMEDIATE"},
    }
}

# Bookings are instants, so USE_TZ stays on. Staff see this zone; clients see their own.
USE_TZ = True
TIME_ZONE = "Europe/Berlin"

# Whose models the bookings point at. Without the first line there are no tenants.
BOOKINGS_TENANT_MODEL = "clinic.Clinic"
BOOKINGS_SERVICE_MODEL = "clinic.Treatment"
BOOKINGS_PROVIDER_MODEL = "clinic.Practitioner"
BOOKINGS_ADDON_MODEL = "clinic.Extra"

# Which starts can be booked: the schedules say. A function of your own can do so as well.
BOOKINGS_SLOTS_AVAILABLE_FUNC = "bookings.contrib.schedule.selectors.list_available_slots"

# What the clinic decides differently: here, the price for several people.
BOOKINGS_ADAPTER = "clinic.adapter.ClinicAdapter"

BOOKINGS_DEFAULT_CURRENCY = "EUR"
