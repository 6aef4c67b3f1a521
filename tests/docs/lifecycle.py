"""The lifecycle's diagram and table, drawn from the transitions of the model itself.

``python -m tests.docs.lifecycle`` writes them into the reference; a test holds the page to them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "reference" / "lifecycle.md"
DRAWN: Final = re.compile(r"(<!-- drawn -->\n).*(<!-- end -->)", re.DOTALL)


def transitions() -> Iterator[tuple[str, str, str]]:
    """Verb, source and target of every step that the model knows."""
    from bookings.models import Booking

    field = Booking._meta.get_field("status")
    for step in field.get_all_transitions(Booking):  # type: ignore[union-attr]
        for target in getattr(step.target, "allowed_states", [step.target]):
            yield step.name, str(step.source), str(target)


def diagram() -> str:
    from bookings.models import Booking

    verbs: dict[tuple[str, str], list[str]] = defaultdict(list)
    for verb, source, target in sorted(transitions()):
        verbs[source, target].append(verb)
    order = {status: number for number, status in enumerate(Booking.Status.values)}
    steps = sorted(verbs, key=lambda step: (order[step[0]], order[step[1]]))
    ends = [status for status in order if status not in {source for source, _target in verbs}]
    lines = [
        "stateDiagram-v2",
        *(f"    [*] --> {status}" for status in Booking.ACTIVE_STATUSES),
        *(
            f"    {source} --> {target}: {', '.join(verbs[source, target])}"
            for source, target in steps
        ),
        *(f"    {status} --> [*]" for status in ends),
    ]
    return "\n".join(lines)


def table() -> str:
    from bookings.models import Booking

    leads: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for verb, source, target in sorted(transitions()):
        leads[source][target].append(f"`{verb}`")
    lines = ["| status | holds time | leads to |", "|---|---|---|"]
    for status in Booking.Status.values:
        holds = "yes" if status in Booking.ACTIVE_STATUSES else "no"
        ways = "; ".join(
            f"{target} by {', '.join(leads[status][target])}"
            for target in Booking.Status.values
            if target in leads[status]
        )
        lines.append(f"| `{status}` | {holds} | {ways or 'nothing'} |")
    return "\n".join(lines)


def drawn(page: str) -> str:
    """The page, with what is drawn in it drawn anew."""
    body = f"```mermaid\n{diagram()}\n```\n\n{table()}\n"
    return DRAWN.sub(lambda found: found[1] + body + found[2], page)


if __name__ == "__main__":
    import django

    django.setup()
    PAGE.write_text(drawn(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
