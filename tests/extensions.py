"""Extensions for tests, made of functions."""

from __future__ import annotations

from typing import Any

import pytest

from bookings import extensions
from bookings.extensions import Extension


def extension(name: str, *, order: int = 100, **methods: Any) -> Extension:
    """An extension of that name whose methods are these functions, which take no ``self``."""
    members = {method: staticmethod(function) for method, function in methods.items()}
    return type(name, (Extension,), {"name": name, "order": order, **members})()


def unregister_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start without any extension, for as long as the test runs."""
    monkeypatch.setattr(extensions, "_extensions", {})
