"""The tutorial of the yoga studio, typed as it stands there, into a new project."""

from __future__ import annotations

import pytest

from tests.quickstart.pages import PASSWORD, Reader, blocks

PAGE = "docs/tutorial/yoga-studio.md"

ADMIN = f"""
from django.test import Client
from bookings.contrib.group_sessions.models import Session
client = Client(SERVER_NAME="127.0.0.1")
assert client.login(username="admin", password={PASSWORD!r})
url = "/admin/bookings_group_sessions/session/"
page = client.get(url).content.decode()
first, second = Session.objects.order_by("start_at")[:2]
opened = client.get(f"{{url}}{{second.pk}}/change/").content.decode()
print(
    page.count('role="img"'),
    "2 of 3 seats taken" not in page,
    "3 of 3 seats taken" in page,
    "Generate from hours" in page,
    all(text in opened for text in ("Close booking", "Cancel…")),
)
generate = client.get(f"{{url}}generate/")
print(generate.status_code, "Preview" in generate.content.decode())
"""

Promises = list[tuple[str, str]]


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Reader, Promises]:
    reader = Reader(tmp_path_factory.mktemp("studio"))
    return reader, reader.follow(blocks(PAGE))


def test_everything_that_the_tutorial_shows_is_what_a_reader_sees(
    followed: tuple[Reader, Promises],
) -> None:
    _reader, promises = followed
    assert len(promises) == sum(block.kind == "text" for block in blocks(PAGE)) > 0
    assert [seen for _promised, seen in promises] == [promised for promised, _seen in promises]


def test_its_settings_leave_nothing_to_warn_of(followed: tuple[Reader, Promises]) -> None:
    reader, _promises = followed
    checked = reader.type("python manage.py check --database default")
    assert checked == "System check identified no issues (0 silenced).\n"


def test_it_leaves_a_database_in_which_all_invariants_hold(
    followed: tuple[Reader, Promises],
) -> None:
    reader, _promises = followed
    assert "All invariants hold." in reader.type("python manage.py check_bookings")


def test_the_admin_shows_the_classes(followed: tuple[Reader, Promises]) -> None:
    reader, _promises = followed
    assert reader.type_into_shell([ADMIN]) == ["12 True True True True\n200 True"]
