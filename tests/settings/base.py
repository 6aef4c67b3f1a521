"""What every host configuration of the tests shares; the database comes from the environment."""

from __future__ import annotations

from tests import databases

SECRET_KEY = "only for tests"
DEBUG = False
ALLOWED_HOSTS = ["*"]

DATABASES = {"default": databases.from_environment()}
# MySQL and MariaDB leave out a unique constraint that has a condition, and Django warns of each.
# What ours are for is also checked under the calendar's lock, so the warning has nothing to say.
SILENCED_SYSTEM_CHECKS = ["models.W036"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "bookings",
    # All of ours but the catalogue, whose models a host has instead of its own.
    "bookings.contrib.schedule",
    "bookings.contrib.series",
    "bookings.contrib.payments",
    "bookings.contrib.group_sessions",
    "bookings.contrib.reports",
    "bookings.contrib.api",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
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
ROOT_URLCONF = "tests.admin.urls"
STATIC_URL = "static/"
# Hashing is most of what a test that logs somebody in would otherwise wait for.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# The slot engine is a host's; the tests that are about it switch it on.
BOOKINGS_SLOT_VALIDATION_MODE = "NONE"
