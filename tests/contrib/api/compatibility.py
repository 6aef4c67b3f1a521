"""Which changes of an OpenAPI schema break a client that was written for the older one.

``python -m tests.contrib.api.compatibility`` writes ``docs/_static/openapi.json`` anew, and refuses
to, if that would break one; ``--breaking`` writes it anyway, for a new major version.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.databases import ROOT

COMMITTED: Final = ROOT / "docs/_static/openapi.json"


def incompatibilities(old: Any, new: Any) -> list[str]:
    """Return what of ``old`` a client relies on and ``new`` has not, in words."""
    return list(_incompatibilities(old, new))


def _incompatibilities(old: Any, new: Any) -> Iterator[str]:
    for path, methods in old["paths"].items():
        for method, operation in methods.items():
            place = f"{method.upper()} {path}"
            other = new["paths"].get(path, {}).get(method)
            if other is None:
                yield f"{place} is gone"
                continue
            yield from _parameters(place, operation, other)
            for status, response in operation["responses"].items():
                if status not in other["responses"]:
                    yield f"{place} does not answer with {status} any more"
                elif status.startswith("2"):
                    sent, others = _schema(response), _schema(other["responses"][status])
                    yield from _narrowed(f"{place} {status}", old, new, sent, others)
            body, others = (_schema(each.get("requestBody", {})) for each in (operation, other))
            yield from _demanded(f"{place} body", old, new, body, others)


def _parameters(place: str, old: Any, new: Any) -> Iterator[str]:
    before, after = (
        {(each["in"], each["name"]): each for each in operation.get("parameters", ())}
        for operation in (old, new)
    )
    for key in before.keys() - after.keys():
        yield f"{place} has no parameter {key[1]} any more"
    for key, parameter in after.items():
        if parameter.get("required") and not before.get(key, {}).get("required"):
            yield f"{place} demands the parameter {key[1]}"


def _schema(holder: Any) -> Any:
    for content in holder.get("content", {}).values():
        return content.get("schema", {})
    return {}


def _resolve(document: Any, schema: Any) -> Any:
    while "$ref" in schema or "allOf" in schema:
        reference = schema.get("$ref") or schema["allOf"][0]["$ref"]
        schema = document["components"][reference.split("/")[2]][reference.rpartition("/")[2]]
    return schema


def _narrowed(place: str, old: Any, new: Any, before: Any, after: Any) -> Iterator[str]:
    """Yield what an answer had and has not any more."""
    before, after = _resolve(old, before), _resolve(new, after)
    if before.get("type") != after.get("type"):
        yield f"{place} is of another type"
    if after.get("nullable") and not before.get("nullable"):
        yield f"{place} may be null"
    for name, inner in before.get("properties", {}).items():
        if name not in after.get("properties", {}):
            yield f"{place}.{name} is gone"
        else:
            yield from _narrowed(f"{place}.{name}", old, new, inner, after["properties"][name])
    for name in set(before.get("required", ())) - set(after.get("required", ())):
        yield f"{place}.{name} may be missing"
    if "items" in before and "items" in after:
        yield from _narrowed(f"{place}[]", old, new, before["items"], after["items"])


def _demanded(place: str, old: Any, new: Any, before: Any, after: Any) -> Iterator[str]:
    """Yield what a request may not say any more, or has to say."""
    before, after = _resolve(old, before), _resolve(new, after)
    if before.get("type") != after.get("type"):
        yield f"{place} is of another type"
    for name in set(after.get("required", ())) - set(before.get("required", ())):
        yield f"{place}.{name} is demanded"
    for value in set(before.get("enum", ())) - set(after.get("enum", before.get("enum", ()))):
        yield f"{place} may not be {value} any more"
    for name, inner in before.get("properties", {}).items():
        if name not in after.get("properties", {}):
            yield f"{place}.{name} is refused"
        else:
            yield from _demanded(f"{place}.{name}", old, new, inner, after["properties"][name])


def main(arguments: list[str], path: Path = COMMITTED) -> int:
    from bookings.contrib.api.schema import generate_schema

    schema = generate_schema()
    broken = incompatibilities(json.loads(path.read_text()), schema) if path.exists() else []
    print("\n".join(broken) or "Nothing breaks.")
    if broken and "--breaking" not in arguments:
        return 1
    path.write_text(json.dumps(schema, indent=1, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings.default")
    django.setup()
    sys.exit(main(sys.argv[1:]))
