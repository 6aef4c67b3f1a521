"""A client that was written for the committed schema goes on working."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from bookings.contrib.api.schema import generate_schema
from tests.contrib.api.compatibility import COMMITTED, incompatibilities, main

OLD = json.loads(COMMITTED.read_text(encoding="utf-8"))


def outline(schema: Any) -> tuple[Any, Any]:
    """What does not differ from one release of drf-spectacular to the next."""
    schemas = schema["components"]["schemas"]
    return (
        {path: sorted(methods) for path, methods in schema["paths"].items()},
        {name: sorted(each.get("properties", {})) for name, each in schemas.items()},
    )


def test_the_committed_schema_is_that_of_the_code() -> None:
    """If it fails: ``python -m tests.contrib.api.compatibility``, and look at what changes."""
    schema = generate_schema()
    assert incompatibilities(OLD, schema) == []
    assert outline(schema) == outline(OLD)


def changed(*path: str, **values: Any) -> Any:
    new = deepcopy(OLD)
    place = new
    for step in path:
        place = place[step]
    place |= values
    return new


def without(name: str, *path: str) -> Any:
    new = deepcopy(OLD)
    place = new
    for step in path:
        place = place[step]
    del place[name]
    return new


CREATE = ("paths", "/bookings/", "post")
SENT = ("components", "schemas", "Booking", "properties")
BODY = ("components", "schemas", "NewBookingRequest")


def test_what_breaks_a_client_is_noticed() -> None:
    required = sorted({*OLD["components"]["schemas"]["NewBookingRequest"]["required"], "answers"})
    listed = OLD["paths"]["/bookings/"]["get"]
    demanding = [{"in": "query", "name": "tenant", "required": True}]
    breaking = {
        "is gone": [
            without("/holds/", "paths"),
            without("post", "paths", "/bookings/"),
            without("uuid", *SENT),
        ],
        "does not answer with 409": [without("409", *CREATE, "responses")],
        "is of another type": [
            changed(*SENT, "party_size", type="string"),
            changed(*BODY, "properties", "client_name", type="integer"),
        ],
        "may be null": [changed(*SENT, "start_at", nullable=True)],
        "may be missing": [changed("components", "schemas", "Booking", required=[])],
        "is refused": [without("client_name", *BODY, "properties")],
        "is demanded": [changed(*BODY, required=required)],
        "may not be": [changed("components", "schemas", "OnBehalfOf", enum=["provider"])],
        "has no parameter": [changed("paths", "/bookings/", "get", parameters=[])],
        "demands the parameter": [
            changed("paths", "/bookings/", "get", parameters=listed["parameters"] + demanding)
        ],
    }
    for words, schemas in breaking.items():
        for schema in schemas:
            found = incompatibilities(OLD, schema)
            assert found, words
            assert all(words in each for each in found), (words, found)


def test_what_is_new_breaks_nobody() -> None:
    more = changed("paths", **{"/new/": {}})
    assert incompatibilities(OLD, more) == []
    assert incompatibilities(OLD, changed(*SENT, colour={"type": "string"})) == []
    assert incompatibilities(OLD, changed(*BODY, "properties", colour={"type": "string"})) == []


def test_a_breaking_schema_is_written_only_by_who_says_so(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(changed("paths", **{"/old/": {"get": {}}})))
    assert main([], path) == 1
    assert capsys.readouterr().out == "GET /old/ is gone\n"
    assert main(["--breaking"], path) == 0
    assert outline(json.loads(path.read_text())) == outline(OLD)
