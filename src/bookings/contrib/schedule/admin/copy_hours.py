"""The buttons that copy Monday's hours to other days of the week, on the page of a schedule.

They submit the page, which is shown again with the copied rows, and stored once it is saved. A
script does the same without a request.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _

from bookings.admin.generic_bases import ModelAdmin
from bookings.contrib.schedule.admin.inlines import PREFIXES, WeekdayInline

COPY: Final = "_copy_hours"
SOURCE: Final = PREFIXES[0]
TARGETS: Final = {"weekdays": PREFIXES[1:5], "every_day": PREFIXES[1:]}
"""The days that each value of the buttons copies to."""


class CopyHoursMixin(ModelAdmin):
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        targets = TARGETS.get(request.POST.get(COPY, ""))
        if targets is not None:
            request.POST = copied(request.POST, targets)  # type: ignore[assignment]
            messages.info(request, _("Monday's hours are copied. Save them to keep them."))
        return super().changeform_view(request, object_id, form_url, extra_context)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.is_only_shown = request.POST.get(COPY) in TARGETS
        return form


def copied(data: QueryDict, targets: tuple[str, ...]) -> QueryDict:
    """Return what was sent, with the rows of Monday in place of those of other days."""
    rows = list(_rows(data))
    result = data.copy()
    for target in targets:
        for name in [name for name in result if name.startswith(f"{target}-")]:
            if name.split("-")[1].isdigit():
                del result[name]
        for number, row in enumerate(rows):
            for name, value in row.items():
                result[f"{target}-{number}-{name}"] = value
        # One more, as a browser without scripts cannot add a row.
        result[f"{target}-TOTAL_FORMS"] = str(len(rows) + 1)
        result[f"{target}-INITIAL_FORMS"] = "0"
    return result


def _rows(data: QueryDict) -> Iterator[dict[str, str]]:
    """Yield the values of each row of Monday that is neither blank nor marked for deletion."""
    total = data.get(f"{SOURCE}-TOTAL_FORMS", "")
    # Python refuses to read a number of some thousand digits.
    is_number = total.isdecimal() and len(total) <= MAX_DIGITS
    for number in range(min(int(total), MAX_ROWS) if is_number else 0):
        values = {name: data.get(f"{SOURCE}-{number}-{name}", "") for name in WeekdayInline.fields}
        if any(values.values()) and f"{SOURCE}-{number}-DELETE" not in data:
            yield {name: value for name, value in values.items() if value}


MAX_ROWS: Final = 100
"""So many rows of a day are copied at most; Django takes no more of them that a page sends."""

MAX_DIGITS: Final = 9
"""A longer number of rows is none that a page sends, and copies nothing."""
