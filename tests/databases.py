"""Which database the tests run on, read from the environment.

``BOOKINGS_TEST_DATABASE``
    ``sqlite`` (the default), ``postgres`` or ``mariadb``.
``BOOKINGS_TEST_POSTGRES_URL``
    ``postgresql://user:password@host:port/``; without it a server is started for this run alone.
``BOOKINGS_TEST_MARIADB_URL``
    ``mysql://user:password@host:port/``; needed for ``mariadb``: there is nothing to fall back on.
``BOOKINGS_TEST_DATABASE_NAME``
    The database (for SQLite, the file) to use instead of this checkout's own, for a process that
    must find what another one made.

A server that is not named here is never connected to.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

ROOT = Path(__file__).resolve().parent.parent

DATABASE = "BOOKINGS_TEST_DATABASE"
POSTGRES_URL = "BOOKINGS_TEST_POSTGRES_URL"
MARIADB_URL = "BOOKINGS_TEST_MARIADB_URL"
NAME = "BOOKINGS_TEST_DATABASE_NAME"

DatabaseSettings = dict[str, Any]


def from_environment() -> DatabaseSettings:
    """The ``DATABASES["default"]`` that the environment asks for."""
    makers = {"sqlite": sqlite, "postgres": postgres, "mariadb": mariadb}
    kind = os.environ.get(DATABASE) or "sqlite"
    if kind not in makers:
        raise ImproperlyConfigured(f"{DATABASE}={kind!r}: choose one of {', '.join(makers)}.")
    return makers[kind]()


def sqlite() -> DatabaseSettings:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get(NAME) or ":memory:",
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
    }


def postgres() -> DatabaseSettings:
    if not os.environ.get(POSTGRES_URL):
        from tests import embedded_postgres

        # Named for the processes that this one starts: they share its server.
        os.environ[POSTGRES_URL] = embedded_postgres.start()
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name(),
        **server(urlsplit(os.environ[POSTGRES_URL])),
    }


def mariadb() -> DatabaseSettings:
    if not os.environ.get(MARIADB_URL):
        raise ImproperlyConfigured(
            f"{DATABASE}=mariadb needs a server: set {MARIADB_URL}=mysql://user:password@host:port/"
        )
    try:
        import MySQLdb
    except ImportError:
        # Written in Python, so that testing needs neither a compiler nor a client library.
        import pymysql

        pymysql.install_as_MySQLdb()
        import MySQLdb
    options: dict[str, Any] = {"charset": "utf8mb4"}
    if MySQLdb.__name__ == "pymysql":
        # For TLS it would read all of the system's certificates again for every connection.
        options["ssl_disabled"] = True
    return {
        "ENGINE": "django.db.backends.mysql",
        "NAME": name(),
        **server(urlsplit(os.environ[MARIADB_URL])),
        "OPTIONS": options,
        "TEST": {"CHARSET": "utf8mb4"},
    }


def name() -> str:
    """A name that no other checkout and no other tox environment uses on the same server.

    Short, because what the tests append to it has to fit into PostgreSQL's 63 characters.
    """
    whose = f"{ROOT}:{os.environ.get('TOX_ENV_NAME', '')}"
    digest = hashlib.sha256(whose.encode(errors="surrogateescape")).hexdigest()[:8]
    return os.environ.get(NAME) or f"bookings_{digest}"


def server(url: SplitResult) -> DatabaseSettings:
    # An embedded server listens on a socket, which a URL can only carry as a parameter.
    socket_folder = parse_qs(url.query).get("host", [""])[0]
    return {
        "HOST": socket_folder or url.hostname or "",
        "PORT": str(url.port or ""),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
    }
