"""The check of the files beside our migrations."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Final

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register
from django.db.migrations.loader import MigrationLoader

Configs = Sequence[AppConfig] | None
ROOT_MIGRATION: Final = "0001_tenant"
"""The migration from which all others of this app descend."""


@register()
def check_foreign_migrations(app_configs: Configs, **kwargs: Any) -> list[CheckMessage]:
    """The predecessor's ``makemigrations`` wrote a file that ``pip uninstall`` leaves behind.

    ``migrate`` and ``makemigrations`` run the checks before they read the graph of the migrations,
    which would end in a ``NodeNotFoundError``.
    """
    package, is_of_the_host = MigrationLoader.migrations_module("bookings")
    if package is None or is_of_the_host:
        return []
    return [
        Error(
            f"The file {module.__file__} is not a migration of django-bookings; "
            "mroudai-django-bookings has left it behind.",
            hint=f"rm {shlex.quote(str(module.__file__))}",
            id="bookings.E009",
        )
        for module in _foreign_migrations(import_module(package))
    ]


def _foreign_migrations(package: Any) -> list[Any]:
    """Return the modules of the migrations that do not descend from our first one."""
    names = sorted(module.name for module in iter_modules(package.__path__))
    modules = {name: import_module(f"{package.__name__}.{name}") for name in names}
    parents = {
        name: {key for label, key in module.Migration.dependencies if label == "bookings"}
        for name, module in modules.items()
        if hasattr(module, "Migration")
    }
    descendants = {ROOT_MIGRATION}
    while children := {
        name for name in parents.keys() - descendants if parents[name] & descendants
    }:
        descendants |= children
    return [modules[name] for name in names if name in parents.keys() - descendants]
