"""``parse_rrule``: valid rules, and what is refused before the rule is expanded."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bookings.contrib.series.exceptions import InvalidRecurrence
from bookings.contrib.series.rrule import RecurrenceRule, parse_rrule
from bookings.exceptions import InvalidBooking


def test_every_part_is_parsed() -> None:
    rule = parse_rrule("FREQ=MONTHLY;INTERVAL=2;COUNT=10;WKST=SU;BYDAY=1SU,-1SU;BYMONTH=7,1,7")
    assert rule == RecurrenceRule(
        frequency="MONTHLY",
        interval=2,
        count=10,
        until=None,
        week_start=6,
        by_day=((1, 6), (-1, 6)),
        by_parts={"BYMONTH": (1, 7)},
    )


def test_missing_parts_have_the_defaults_of_the_rfc() -> None:
    rule = parse_rrule("FREQ=DAILY;UNTIL=19971224T000000Z")
    assert (rule.interval, rule.week_start, rule.by_day, rule.by_parts) == (1, 0, (), {})
    assert (rule.count, rule.until) == (None, datetime(1997, 12, 24, tzinfo=UTC))


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=WEEKLY;COUNT=2;BYDAY=TU",
        "RRULE:FREQ=WEEKLY;COUNT=2;BYDAY=TU",
        "rrule:freq=weekly;count=2;byday=tu",
        "  BYDAY=TU;COUNT=0002;FREQ=WEEKLY\r\n",
    ],
)
def test_case_order_and_the_rrule_prefix_do_not_matter(text: str) -> None:
    assert parse_rrule(text) == parse_rrule("FREQ=WEEKLY;COUNT=2;BYDAY=TU")


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        (None, "rule_syntax", "must be text, not NoneType"),
        (b"FREQ=DAILY;COUNT=2", "rule_syntax", "must be text, not bytes"),
        ("", "rule_syntax", "'' is not a part of a rule"),
        ("RRULE:", "rule_syntax", "'' is not a part of a rule"),
        ("every Tuesday", "rule_syntax", "'EVERY TUESDAY' is not a part of a rule"),
        ("FREQ=DAILY;COUNT=2;", "rule_syntax", "'' is not a part of a rule"),
        ("FREQ=DAILY;COUNT", "rule_syntax", "'COUNT' is not a part of a rule"),
        ("FREQ=DAILY;COUNT=", "rule_syntax", "'COUNT=' is not a part of a rule"),
        ("FREQ=DAILY;COUNT=2;BYEASTER=1", "rule_syntax", "'BYEASTER=1' is not a part"),
        ("FREQ=DAILY;COUNT=2;RSCALE=CHINESE", "rule_syntax", "is not a part of a rule"),
        ("FREQ=DAILY;COUNT=2;X-OWN=1", "rule_syntax", "is not a part of a rule"),
        ("FREQ=DAILY; COUNT=2", "rule_syntax", "' COUNT=2' is not a part of a rule"),
        ("FREQ=DAILY;COUNT=2\nDTSTART:20260101T090000", "rule_syntax", "without its start"),
        ("DTSTART:20260101T090000\nRRULE:FREQ=DAILY;COUNT=2", "rule_syntax", "without its start"),
        ("FREQ=DAILY;COUNT=2\nEXDATE:20260101T090000", "rule_syntax", "and its exceptions"),
        ("FREQ=DA\u0131LY;COUNT=2", "rule_syntax", "is not a part of a rule"),
        ("FREQ=DAILY;COUNT=\u0662", "rule_syntax", "is not a part of a rule"),
        ("FREQ=DAILY;COUNT=2;COUNT=3", "rule_syntax", "has 'COUNT' twice"),
        (
            "FREQ=DAILY;COUNT=2;" + "X" * 1000,
            "rule_syntax",
            "has 1019 characters; it may have 1000",
        ),
        ("COUNT=2", "rule_frequency", "FREQ must be one of DAILY, WEEKLY, MONTHLY, YEARLY"),
        ("FREQ=FORTNIGHTLY;COUNT=2", "rule_frequency", "FREQ must be one of"),
        ("FREQ=HOURLY;COUNT=2", "rule_frequency", "at most daily"),
        ("FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30;COUNT=2", "rule_frequency", "at most daily"),
        ("FREQ=DAILY", "never_ends", "Add how many starts it has"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20260101T000000Z", "count_and_until", "Remove one of them"),
        ("FREQ=DAILY;COUNT=0", "rule_syntax", "'COUNT=0' is not valid"),
        ("FREQ=DAILY;COUNT=-1", "rule_syntax", "'COUNT=-1' is not valid"),
        ("FREQ=DAILY;COUNT=1.5", "rule_syntax", "'COUNT=1.5' is not valid"),
        ("FREQ=DAILY;COUNT=1" + "0" * 500, "rule_syntax", "is not valid by RFC 5545"),
        ("FREQ=DAILY;COUNT=2;INTERVAL=0", "rule_syntax", "'INTERVAL=0' is not valid"),
        ("FREQ=DAILY;UNTIL=20261231", "until_not_utc", "UNTIL=20261231T225959Z"),
        ("FREQ=DAILY;UNTIL=20261231T090000", "until_not_utc", "instant in UTC"),
        ("FREQ=DAILY;UNTIL=20260230T090000Z", "rule_syntax", "'UNTIL=20260230T090000Z' is not"),
        ("FREQ=DAILY;UNTIL=20260101T240000Z", "rule_syntax", "is not valid by RFC 5545"),
        ("FREQ=DAILY;UNTIL=00000101T000000Z", "rule_syntax", "is not valid by RFC 5545"),
        ("FREQ=DAILY;UNTIL=tomorrow", "rule_syntax", "'UNTIL=TOMORROW' is not valid"),
        ("FREQ=WEEKLY;COUNT=2;WKST=1", "rule_syntax", "'WKST=1' is not valid"),
        ("FREQ=WEEKLY;COUNT=2;BYDAY=XX", "rule_syntax", "'BYDAY=XX' is not valid"),
        ("FREQ=WEEKLY;COUNT=2;BYDAY=TU,", "rule_syntax", "'BYDAY=' is not valid"),
        ("FREQ=MONTHLY;COUNT=2;BYDAY=0TU", "rule_syntax", "'BYDAY=0TU' is not valid"),
        ("FREQ=YEARLY;COUNT=2;BYDAY=54TU", "rule_syntax", "'BYDAY=54TU' is not valid"),
        ("FREQ=YEARLY;COUNT=2;BYMONTH=0", "rule_syntax", "'BYMONTH=0' is not valid"),
        ("FREQ=YEARLY;COUNT=2;BYMONTH=1,13", "rule_syntax", "'BYMONTH=13' is not valid"),
        ("FREQ=YEARLY;COUNT=2;BYMONTH=-1", "rule_syntax", "'BYMONTH=-1' is not valid"),
        ("FREQ=YEARLY;COUNT=2;BYMONTH=March", "rule_syntax", "'BYMONTH=MARCH' is not valid"),
        ("FREQ=MONTHLY;COUNT=2;BYMONTHDAY=0", "rule_syntax", "'BYMONTHDAY=0' is not valid"),
        ("FREQ=MONTHLY;COUNT=2;BYMONTHDAY=32", "rule_syntax", "'BYMONTHDAY=32' is not valid"),
        ("FREQ=YEARLY;COUNT=2;BYYEARDAY=-367", "rule_syntax", "'BYYEARDAY=-367' is not valid"),
        ("FREQ=DAILY;COUNT=2;BYHOUR=24", "rule_syntax", "'BYHOUR=24' is not valid"),
        ("FREQ=DAILY;COUNT=2;BYSECOND=60", "rule_syntax", "'BYSECOND=60' is not valid"),
        ("FREQ=WEEKLY;COUNT=2;BYMONTHDAY=1", "rule_parts", "BYMONTHDAY with FREQ=WEEKLY"),
        ("FREQ=MONTHLY;COUNT=2;BYWEEKNO=1", "rule_parts", "BYWEEKNO with FREQ=MONTHLY"),
        ("FREQ=MONTHLY;COUNT=2;BYYEARDAY=1", "rule_parts", "BYYEARDAY with FREQ=MONTHLY"),
        ("FREQ=WEEKLY;COUNT=2;BYDAY=1TU", "rule_parts", "numbered BYDAY with FREQ=WEEKLY"),
        ("FREQ=YEARLY;COUNT=2;BYWEEKNO=1;BYDAY=1TU", "rule_parts", "BYDAY with BYWEEKNO"),
        ("FREQ=MONTHLY;COUNT=2;BYDAY=6TU", "rule_parts", "five times at most"),
        ("FREQ=YEARLY;COUNT=2;BYMONTH=12;BYDAY=-6TU", "rule_parts", "five times at most"),
        ("FREQ=YEARLY;COUNT=2;BYWEEKNO=-52", "rule_parts", "back to -51"),
        ("FREQ=MONTHLY;COUNT=2;BYSETPOS=1", "rule_parts", "Add one, as BYDAY"),
        ("FREQ=MONTHLY;COUNT=2;BYSETPOS=0;BYDAY=MO", "rule_syntax", "'BYSETPOS=0' is not valid"),
        (
            "FREQ=DAILY;COUNT=2;BYHOUR=1,2,3,4,5;BYMINUTE=" + ",".join(map(str, range(60))),
            "rule_parts",
            "300 starts a day; it may have 288",
        ),
    ],
)
def test_an_invalid_rule_is_refused(text: Any, code: str, message: str) -> None:
    with pytest.raises(InvalidRecurrence) as refused:
        parse_rrule(text)
    assert refused.value.code == code
    assert message in str(refused.value)
    assert len(str(refused.value)) < 300


def test_a_refused_rule_is_an_invalid_booking() -> None:
    assert issubclass(InvalidRecurrence, InvalidBooking)


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=YEARLY;COUNT=2;BYDAY=53MO,-53TU",
        "FREQ=MONTHLY;COUNT=2;BYDAY=+5MO,-5TU",
        "FREQ=MONTHLY;COUNT=2;BYMONTHDAY=31,-31",
        "FREQ=YEARLY;COUNT=2;BYWEEKNO=53,-51",
        "FREQ=DAILY;COUNT=2;BYHOUR=0,23;BYMINUTE=0,59;BYSECOND=0,59",
        "FREQ=DAILY;COUNT=999999999;INTERVAL=999999999",
    ],
)
def test_the_bounds_are_inclusive(text: str) -> None:
    assert parse_rrule(text).count


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=DAILY;COUNT=1",
        "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
        "FREQ=MONTHLY;COUNT=10;BYDAY=1SU,-1SU",
        "FREQ=YEARLY;COUNT=4;BYDAY=MO,TU;BYHOUR=8,9;BYMINUTE=30;BYSECOND=0;BYMONTH=1;BYSETPOS=-2",
        "FREQ=YEARLY;COUNT=3;BYYEARDAY=-1,100;BYMONTHDAY=-3,13",
        "FREQ=YEARLY;COUNT=3;BYDAY=MO;BYWEEKNO=20",
        "FREQ=DAILY;UNTIL=00700102T030405Z",
    ],
)
def test_a_rule_survives_a_round_trip(text: str) -> None:
    rule = parse_rrule(text)
    assert parse_rrule(str(rule)) == rule
    assert sorted(str(rule).split(";")) == sorted(text.split(";"))


def test_defaults_are_not_written() -> None:
    assert str(parse_rrule("rrule:wkst=mo;interval=01;count=3;freq=daily")) == (
        "FREQ=DAILY;COUNT=3"
    )
