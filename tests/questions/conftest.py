"""Services that ask questions: ten, one of each type, and short ways to book with answers."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.services.conftest import (  # noqa: F401 - fixtures
    Make,
    book,
    group,
    make_addon,
    make_provider,
    make_service,
    other_provider,
    provider,
    service,
    staff,
    user,
)

TEN: Final[list[dict[str, Any]]] = [
    {"name": "nickname", "label": "What do friends call you?"},
    {"name": "story", "label": "Tell us more", "type": "long_text"},
    {
        "name": "size",
        "label": "Your size",
        "type": "choice",
        "choices": [["s", "Small"], ["l", "Large"]],
        "required": True,
    },
    {"name": "days", "label": "Which days?", "type": "choices", "choices": ["Mon", "Tue", "Wed"]},
    {"name": "terms", "label": "I accept", "type": "boolean", "required": True},
    {"name": "height", "label": "Height in metres", "type": "number"},
    {"name": "born", "label": "Born on", "type": "date", "help_text": "As in your passport."},
    {"name": "parent", "label": "A parent's address", "type": "email"},
    {"name": "rings", "label": "Where can we ring?", "type": "phone"},
    {"name": "site", "label": "Your page", "type": "url", "for": "staff"},
]
REQUIRED: Final[dict[str, Any]] = {"size": "l", "terms": True}
ANSWERS: Final[dict[str, Any]] = {
    "nickname": "Mo",
    "story": "Twice\na week",
    "size": "l",
    "days": ["Tue", "Mon"],
    "terms": True,
    "height": 1.75,
    "born": "2001-02-28",
    "parent": "pa@example.com",
    "rings": "+49 (30) 123-45",
    "site": "https://example.com/mo",
}


@pytest.fixture
def curious(make_service: Make) -> Any:  # noqa: F811
    """A service that asks ten questions."""
    return make_service(name="Course", questions=TEN)
