"""Charts as SVG, made by the server: no script, and no inline style, which a policy may forbid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.utils.dates import WEEKDAYS_ABBR
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH: Final = 720
LABEL: Final = 180
BAR: Final = 22
HEIGHT: Final = 160
CELL: Final = 26

Bar = tuple[str, float, str]
"""A label, a height, and what its tooltip says."""


def bar_chart(title: Any, bars: Sequence[Bar]) -> SafeString:
    """Return horizontal bars, each with its label, as of services."""
    most = max((value for _label, value, _text in bars), default=0) or 1
    room = WIDTH - LABEL - 60
    shapes = format_html_join(
        "",
        '<g><title>{}</title><text x="{}" y="{}" text-anchor="end">{}</text>'
        '<rect x="{}" y="{}" width="{}" height="{}"/><text x="{}" y="{}">{}</text></g>',
        (
            (
                text,
                LABEL - 8,
                BAR * row + 15,
                label if len(label) <= 26 else f"{label[:25]}…",
                LABEL,
                BAR * row + 3,
                round(room * value / most, 1),
                BAR - 6,
                LABEL + 6 + round(room * value / most, 1),
                BAR * row + 15,
                f"{value:g}",
            )
            for row, (label, value, text) in enumerate(bars)
        ),
    )
    return _svg(title, WIDTH, BAR * len(bars) + 4, shapes)


def column_chart(title: Any, bars: Sequence[Bar]) -> SafeString:
    """Return columns from the first to the last, as of days; only these two have labels."""
    most = max((value for _label, value, _text in bars), default=0) or 1
    step = WIDTH / max(len(bars), 1)
    shapes = format_html_join(
        "",
        '<g><title>{}</title><rect x="{}" y="{}" width="{}" height="{}"/></g>',
        (
            (
                text,
                round(number * step, 2),
                round(HEIGHT - HEIGHT * value / most, 1),
                round(step * 0.8, 2),
                round(HEIGHT * value / most, 1),
            )
            for number, (_label, value, text) in enumerate(bars)
        ),
    )
    ends = [("start", 0, bars[0][0]), ("end", WIDTH, bars[-1][0])] if bars else []
    labels = format_html_join(
        "",
        '<text x="{}" y="{}" text-anchor="{}">{}</text>',
        ((x, HEIGHT + 16, anchor, label) for anchor, x, label in ends),
    )
    return _svg(title, WIDTH, HEIGHT + 22, format_html("{}{}", shapes, labels))


def heat_map(title: Any, values: Mapping[tuple[int, int], tuple[float, str]]) -> SafeString:
    """Return a cell for each hour of the week, the darker the more."""
    most = max((value for value, _text in values.values()), default=0) or 1
    cells = format_html_join(
        "",
        '<rect x="{}" y="{}" width="{}" height="{}" fill-opacity="{}"><title>{}</title></rect>',
        (
            (
                60 + CELL * hour,
                20 + CELL * weekday,
                CELL - 2,
                CELL - 2,
                round(0.06 + 0.94 * value / most, 3),
                text,
            )
            for weekday in range(7)
            for hour in range(24)
            for value, text in [values.get((weekday, hour), (0, f"{hour:02}:00: 0"))]
        ),
    )
    days = format_html_join(
        "",
        '<text x="52" y="{}" text-anchor="end">{}</text>',
        ((20 + CELL * day + 16, WEEKDAYS_ABBR[day]) for day in range(7)),
    )
    hours = format_html_join(
        "",
        '<text x="{}" y="14" text-anchor="middle">{}</text>',
        ((60 + CELL * hour + CELL // 2, hour) for hour in range(0, 24, 3)),
    )
    return _svg(title, 60 + 24 * CELL, 20 + 7 * CELL, format_html("{}{}{}", days, hours, cells))


def _svg(title: Any, width: int, height: int, content: SafeString) -> SafeString:
    return format_html(
        '<svg class="bookings-chart" role="img" viewBox="0 0 {} {}" width="{}" height="{}" '
        'fill="currentColor" font-size="12" aria-label="{}"><title>{}</title>{}</svg>',
        width,
        height,
        width,
        height,
        title,
        title,
        content,
    )
