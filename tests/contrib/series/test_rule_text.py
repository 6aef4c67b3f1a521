"""A rule of RFC 5545 in words; what has no words is left as it is."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from django.utils.translation import override

from bookings.contrib.series.rrule import parse_rrule
from bookings.contrib.series.rule_text import rule_text

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("rrule", "text"),
    [
        ("FREQ=WEEKLY;COUNT=8", "every week, 8 times"),
        ("FREQ=DAILY;COUNT=1", "every day, 1 time"),
        (
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=WE,MO;UNTIL=20270303T225900Z",
            "every 2 weeks on Mon and Wed until March 3, 2027",
        ),
        # In Berlin it is the next day already.
        ("FREQ=YEARLY;UNTIL=20270303T230000Z", "every year until March 4, 2027"),
        (
            "FREQ=MONTHLY;BYDAY=2TU,-1FR;COUNT=3",
            "every month on the 2nd Tue and last Fri of the month, 3 times",
        ),
        ("FREQ=MONTHLY;BYMONTHDAY=15;COUNT=3", "every month on day 15 of the month, 3 times"),
        (
            "FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=-1,1;COUNT=3",
            "every 3 months on days 1 and the last day of the month, 3 times",
        ),
        ("FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3", "every month on the last day of the month, 3 times"),
        ("FREQ=YEARLY;BYMONTH=1,7;COUNT=4", "every year in January and July, 4 times"),
        (
            "FREQ=DAILY;BYHOUR=9,13;BYMINUTE=0;COUNT=4",
            "every day at 9 a.m. and 1 p.m., 4 times",
        ),
        # The minutes are those of the first start.
        ("FREQ=DAILY;BYHOUR=9,13;COUNT=4", "every day (BYHOUR=9,13), 4 times"),
        (
            "FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1;COUNT=3",
            "every month on Mon and Tue (BYSETPOS=-1), 3 times",
        ),
        ("FREQ=MONTHLY;BYDAY=MO,2TU;COUNT=3", "every month (BYDAY=MO,2TU), 3 times"),
        ("FREQ=MONTHLY;BYMONTHDAY=-5;COUNT=3", "every month (BYMONTHDAY=-5), 3 times"),
        # Of the year, not of a month.
        ("FREQ=YEARLY;BYDAY=2TU;COUNT=3", "every year (BYDAY=2TU), 3 times"),
    ],
)
def test_a_rule_in_words(rrule: str, text: str) -> None:
    with override("en"):
        assert rule_text(parse_rrule(rrule), BERLIN) == text
