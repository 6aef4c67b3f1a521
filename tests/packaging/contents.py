"""What a wheel must hold: the files that are not Python modules are the ones that get lost.

``python tests/packaging/contents.py django_bookings-….whl`` says what is missing, and exits with 1.
It needs nothing but Python: ``publish.sh`` runs it where Django is not installed.
"""

from __future__ import annotations

import re
import sys
import zipfile

NEEDED = {
    "py.typed": r"bookings/py\.typed",
    "migrations": r"bookings/migrations/0002_initial\.py",
    "the catalogue's migrations": r"bookings/contrib/catalog/migrations/0001_initial\.py",
    "templates": r"bookings/templates/.+\.html",
    "locale": r"bookings/locale/\w+/LC_MESSAGES/django\.mo",
    "the license": r"django_bookings-.+\.dist-info/licenses/LICENSE",
}


def missing(wheel: str) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    return [
        what
        for what, pattern in NEEDED.items()
        if not any(re.fullmatch(pattern, name) for name in names)
    ]


def main(wheel: str) -> int:
    lacks = missing(wheel)
    for what in lacks:
        print(f"{wheel} lacks {what}: no file matches {NEEDED[what]}", file=sys.stderr)
    return 1 if lacks else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
