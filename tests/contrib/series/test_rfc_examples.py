"""The examples of RFC 5545, section 3.8.5.3, with the starts that it lists.

Those of rules that never end have an end here, after as many starts as are listed.
https://www.rfc-editor.org/rfc/rfc5545#section-3.8.5.3
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from bookings.contrib.series.exceptions import InvalidRecurrence
from bookings.contrib.series.recurrences import list_starts

NEW_YORK: Final = "America/New_York"
OFFSETS: Final = {"EDT": timedelta(hours=4), "EST": timedelta(hours=5)}

EXAMPLES: Final = {
    "daily for 10 occurrences": (
        "19970902",
        "FREQ=DAILY;COUNT=10",
        "1997 EDT Sep 2-11",
    ),
    "daily until December 24, 1997": (
        "19970902",
        "FREQ=DAILY;UNTIL=19971224T000000Z",
        (
            "1997 EDT Sep 2-30; 1997 EDT Oct 1-25; 1997 EST Oct 26-31; 1997 EST Nov 1-30; "
            "1997 EST Dec 1-23"
        ),
    ),
    "every other day": (
        "19970902",
        "FREQ=DAILY;INTERVAL=2;COUNT=47",
        (
            "1997 EDT Sep 2 4 6 8 10 12 14 16 18 20 22 24 26 28 30; "
            "1997 EDT Oct 2 4 6 8 10 12 14 16 18 20 22 24; 1997 EST Oct 26 28 30; "
            "1997 EST Nov 1 3 5 7 9 11 13 15 17 19 21 23 25 27 29; 1997 EST Dec 1 3"
        ),
    ),
    "every 10 days, 5 occurrences": (
        "19970902",
        "FREQ=DAILY;INTERVAL=10;COUNT=5",
        "1997 EDT Sep 2 12 22; 1997 EDT Oct 2 12",
    ),
    "every day in January, for 3 years, yearly": (
        "19980101",
        "FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA",
        "1998 EST Jan 1-31; 1999 EST Jan 1-31; 2000 EST Jan 1-31",
    ),
    "every day in January, for 3 years, daily": (
        "19980101",
        "FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1",
        "1998 EST Jan 1-31; 1999 EST Jan 1-31; 2000 EST Jan 1-31",
    ),
    "weekly for 10 occurrences": (
        "19970902",
        "FREQ=WEEKLY;COUNT=10",
        "1997 EDT Sep 2 9 16 23 30; 1997 EDT Oct 7 14 21; 1997 EST Oct 28; 1997 EST Nov 4",
    ),
    "weekly until December 24, 1997": (
        "19970902",
        "FREQ=WEEKLY;UNTIL=19971224T000000Z",
        (
            "1997 EDT Sep 2 9 16 23 30; 1997 EDT Oct 7 14 21; 1997 EST Oct 28; "
            "1997 EST Nov 4 11 18 25; 1997 EST Dec 2 9 16 23"
        ),
    ),
    "every other week": (
        "19970902",
        "FREQ=WEEKLY;INTERVAL=2;WKST=SU;COUNT=13",
        (
            "1997 EDT Sep 2 16 30; 1997 EDT Oct 14; 1997 EST Oct 28; 1997 EST Nov 11 25; "
            "1997 EST Dec 9 23; 1998 EST Jan 6 20; 1998 EST Feb 3 17"
        ),
    ),
    "weekly on Tuesday and Thursday for five weeks, until": (
        "19970902",
        "FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH",
        "1997 EDT Sep 2 4 9 11 16 18 23 25 30; 1997 EDT Oct 2",
    ),
    "weekly on Tuesday and Thursday for five weeks, counted": (
        "19970902",
        "FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH",
        "1997 EDT Sep 2 4 9 11 16 18 23 25 30; 1997 EDT Oct 2",
    ),
    "every other week on Monday, Wednesday, and Friday until December 24, 1997": (
        "19970901",
        "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
        (
            "1997 EDT Sep 1 3 5 15 17 19 29; 1997 EDT Oct 1 3 13 15 17; 1997 EST Oct 27 29 31; "
            "1997 EST Nov 10 12 14 24 26 28; 1997 EST Dec 8 10 12 22"
        ),
    ),
    "every other week on Tuesday and Thursday, for 8 occurrences": (
        "19970902",
        "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH",
        "1997 EDT Sep 2 4 16 18 30; 1997 EDT Oct 2 14 16",
    ),
    "monthly on the first Friday for 10 occurrences": (
        "19970905",
        "FREQ=MONTHLY;COUNT=10;BYDAY=1FR",
        (
            "1997 EDT Sep 5; 1997 EDT Oct 3; 1997 EST Nov 7; 1997 EST Dec 5; 1998 EST Jan 2; "
            "1998 EST Feb 6; 1998 EST Mar 6; 1998 EST Apr 3; 1998 EDT May 1; 1998 EDT Jun 5"
        ),
    ),
    "monthly on the first Friday until December 24, 1997": (
        "19970905",
        "FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR",
        "1997 EDT Sep 5; 1997 EDT Oct 3; 1997 EST Nov 7; 1997 EST Dec 5",
    ),
    "every other month on the first and last Sunday for 10 occurrences": (
        "19970907",
        "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
        (
            "1997 EDT Sep 7 28; 1997 EST Nov 2 30; 1998 EST Jan 4 25; 1998 EST Mar 1 29; "
            "1998 EDT May 3 31"
        ),
    ),
    "monthly on the second-to-last Monday for 6 months": (
        "19970922",
        "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO",
        (
            "1997 EDT Sep 22; 1997 EDT Oct 20; 1997 EST Nov 17; 1997 EST Dec 22; 1998 EST Jan 19; "
            "1998 EST Feb 16"
        ),
    ),
    "monthly on the third-to-the-last day": (
        "19970928",
        "FREQ=MONTHLY;BYMONTHDAY=-3;COUNT=6",
        (
            "1997 EDT Sep 28; 1997 EST Oct 29; 1997 EST Nov 28; 1997 EST Dec 29; 1998 EST Jan 29; "
            "1998 EST Feb 26"
        ),
    ),
    "monthly on the 2nd and 15th for 10 occurrences": (
        "19970902",
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15",
        (
            "1997 EDT Sep 2 15; 1997 EDT Oct 2 15; 1997 EST Nov 2 15; 1997 EST Dec 2 15; "
            "1998 EST Jan 2 15"
        ),
    ),
    "monthly on the first and last day for 10 occurrences": (
        "19970930",
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
        (
            "1997 EDT Sep 30; 1997 EDT Oct 1; 1997 EST Oct 31; 1997 EST Nov 1 30; "
            "1997 EST Dec 1 31; 1998 EST Jan 1 31; 1998 EST Feb 1"
        ),
    ),
    "every 18 months on the 10th thru 15th for 10 occurrences": (
        "19970910",
        "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
        "1997 EDT Sep 10-15; 1999 EST Mar 10-13",
    ),
    "every Tuesday, every other month": (
        "19970902",
        "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU;COUNT=18",
        (
            "1997 EDT Sep 2 9 16 23 30; 1997 EST Nov 4 11 18 25; 1998 EST Jan 6 13 20 27; "
            "1998 EST Mar 3 10 17 24 31"
        ),
    ),
    "yearly in June and July for 10 occurrences": (
        "19970610",
        "FREQ=YEARLY;COUNT=10;BYMONTH=6,7",
        (
            "1997 EDT Jun 10; 1997 EDT Jul 10; 1998 EDT Jun 10; 1998 EDT Jul 10; 1999 EDT Jun 10; "
            "1999 EDT Jul 10; 2000 EDT Jun 10; 2000 EDT Jul 10; 2001 EDT Jun 10; 2001 EDT Jul 10"
        ),
    ),
    "every other year on January, February, and March for 10 occurrences": (
        "19970310",
        "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3",
        (
            "1997 EST Mar 10; 1999 EST Jan 10; 1999 EST Feb 10; 1999 EST Mar 10; 2001 EST Jan 10; "
            "2001 EST Feb 10; 2001 EST Mar 10; 2003 EST Jan 10; 2003 EST Feb 10; 2003 EST Mar 10"
        ),
    ),
    "every third year on the 1st, 100th, and 200th day for 10 occurrences": (
        "19970101",
        "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
        (
            "1997 EST Jan 1; 1997 EDT Apr 10; 1997 EDT Jul 19; 2000 EST Jan 1; 2000 EDT Apr 9; "
            "2000 EDT Jul 18; 2003 EST Jan 1; 2003 EDT Apr 10; 2003 EDT Jul 19; 2006 EST Jan 1"
        ),
    ),
    "every 20th Monday of the year": (
        "19970519",
        "FREQ=YEARLY;BYDAY=20MO;COUNT=3",
        "1997 EDT May 19; 1998 EDT May 18; 1999 EDT May 17",
    ),
    "Monday of week number 20": (
        "19970512",
        "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO;COUNT=3",
        "1997 EDT May 12; 1998 EDT May 11; 1999 EDT May 17",
    ),
    "every Thursday in March": (
        "19970313",
        "FREQ=YEARLY;BYMONTH=3;BYDAY=TH;COUNT=11",
        "1997 EST Mar 13 20 27; 1998 EST Mar 5 12 19 26; 1999 EST Mar 4 11 18 25",
    ),
    "every Thursday, but only during June, July, and August": (
        "19970605",
        "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8;COUNT=39",
        (
            "1997 EDT Jun 5 12 19 26; 1997 EDT Jul 3 10 17 24 31; 1997 EDT Aug 7 14 21 28; "
            "1998 EDT Jun 4 11 18 25; 1998 EDT Jul 2 9 16 23 30; 1998 EDT Aug 6 13 20 27; "
            "1999 EDT Jun 3 10 17 24; 1999 EDT Jul 1 8 15 22 29; 1999 EDT Aug 5 12 19 26"
        ),
    ),
    "the first Saturday that follows the first Sunday of the month": (
        "19970913",
        "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13;COUNT=10",
        (
            "1997 EDT Sep 13; 1997 EDT Oct 11; 1997 EST Nov 8; 1997 EST Dec 13; 1998 EST Jan 10; "
            "1998 EST Feb 7; 1998 EST Mar 7; 1998 EDT Apr 11; 1998 EDT May 9; 1998 EDT Jun 13"
        ),
    ),
    "U.S. Presidential Election day": (
        "19961105",
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8;COUNT=3",
        "1996 EST Nov 5; 2000 EST Nov 7; 2004 EST Nov 2",
    ),
    "the third instance of one of Tuesday, Wednesday, or Thursday, for 3 months": (
        "19970904",
        "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3",
        "1997 EDT Sep 4; 1997 EDT Oct 7; 1997 EST Nov 6",
    ),
    "the second-to-last weekday of the month": (
        "19970929",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2;COUNT=7",
        (
            "1997 EDT Sep 29; 1997 EST Oct 30; 1997 EST Nov 27; 1997 EST Dec 30; 1998 EST Jan 29; "
            "1998 EST Feb 26; 1998 EST Mar 30"
        ),
    ),
    "a week that starts on Monday": (
        "19970805",
        "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
        "1997 EDT Aug 5 10 19 24",
    ),
    "a week that starts on Sunday": (
        "19970805",
        "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
        "1997 EDT Aug 5 17 19 31",
    ),
    "an invalid date (February 30) is ignored": (
        "20070115",
        "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5",
        "2007 EST Jan 15 30; 2007 EST Feb 15; 2007 EDT Mar 15 30",
    ),
}


def at_nine(listed: str) -> Iterator[datetime]:
    """The instants of a list such as the RFC's, as ``1997 EDT Sep 2-4 9``."""
    for group in listed.split("; "):
        year, zone, month, *days = group.split()
        for day in days:
            first, _to, last = day.partition("-")
            for number in range(int(first), int(last or first) + 1):
                nine = datetime.strptime(f"{year} {month} {number} 9", "%Y %b %d %H")
                yield nine.replace(tzinfo=UTC) + OFFSETS[zone]


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_gives_the_starts_that_it_lists(name: str) -> None:
    day, rrule, listed = EXAMPLES[name]
    start = datetime.strptime(f"{day} 9", "%Y%m%d %H")
    assert list_starts(rrule=rrule, start=start, timezone=NEW_YORK) == list(at_nine(listed))


def test_every_friday_the_13th() -> None:
    """Its first start is no Friday, and therefore left out."""
    start = datetime(1997, 9, 2, 9)
    found = list_starts(
        rrule="FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;COUNT=5",
        start=start,
        timezone=NEW_YORK,
        exdates=[start],
    )
    listed = "1998 EST Feb 13; 1998 EST Mar 13; 1998 EST Nov 13; 1999 EDT Aug 13; 2000 EDT Oct 13"
    assert found == list(at_nine(listed))


def test_every_20_minutes_from_nine_to_twenty_to_five_every_day() -> None:
    found = list_starts(
        rrule="FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40;COUNT=48",
        start=datetime(1997, 9, 2, 9),
        timezone=NEW_YORK,
    )
    assert found == [
        datetime(1997, 9, day, hour + 4, minute, tzinfo=UTC)
        for day in (2, 3)
        for hour in range(9, 17)
        for minute in (0, 20, 40)
    ]


@pytest.mark.parametrize(
    "rrule",
    [
        "FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T170000Z",
        "FREQ=MINUTELY;INTERVAL=15;COUNT=6",
        "FREQ=MINUTELY;INTERVAL=90;COUNT=4",
    ],
)
def test_the_examples_with_sub_daily_frequencies_are_refused(rrule: str) -> None:
    with pytest.raises(InvalidRecurrence, match="FREQ=DAILY;BYHOUR=9,13") as refused:
        list_starts(rrule=rrule, start=datetime(1997, 9, 2, 9), timezone=NEW_YORK)
    assert refused.value.code == "rule_frequency"
