"""Find a time: a treatment, a month with its free days, a day with its free times."""

from calendar import Calendar, day_name
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import condition, require_safe

from bookings.contrib.schedule.selectors import Slot, day_summary, first_available, slots_by_date
from clinic.models import Clinic
from clinic.pages.asked import Asked, asked, etag
from clinic.pages.zone import page

MONTHS_AHEAD = 12
NOON, EVENING = 12, 17


@page
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    clinics = Clinic.objects.prefetch_related("treatments")
    return render(request, "clinic/home.html", {"clinics": clinics})


@page
@require_safe
@condition(etag_func=etag)
def month(request: HttpRequest, treatment_id: int) -> HttpResponse:
    found = asked(request, treatment_id)
    today = timezone.localdate()
    first = first_of_month(request.GET.get("month", ""), today)
    weeks = Calendar().monthdatescalendar(first.year, first.month)
    days = [day for week in weeks for day in week if day.month == first.month]
    summaries = {
        summary.date: summary
        for summary in day_summary(found.treatment, found.pool, days[0], days[-1])
    }
    earlier, later = first - timedelta(days=1), days[-1] + timedelta(days=1)
    context = {
        "first": first,
        "today": today,
        "weeks": [[cell(found, summaries.get(day), today) for day in week] for week in weeks],
        "earlier": month_url(found, earlier) if earlier >= today.replace(day=1) else None,
        "later": month_url(found, later) if later < last_month(today) else None,
        "weekdays": day_name,
        **soonest(found),
        "people": people(found, month=f"{first:%Y-%m}"),
    }
    return render(request, "clinic/month.html", {"asked": found, **context})


@page
@require_safe
@condition(etag_func=etag)
def day(request: HttpRequest, treatment_id: int) -> HttpResponse:
    chosen = parsed(request.GET.get("date", ""))
    if chosen is None:
        raise Http404("There is no such day.")
    return show_day(request, asked(request, treatment_id), chosen)


def show_day(
    request: HttpRequest, found: Asked, chosen: date, *, refusal: str = "", status: int = 200
) -> HttpResponse:
    """The free times of a day; ``refusal`` says why another one could not be booked."""
    slots = slots_by_date(found.treatment, found.pool, chosen)[chosen]
    context = {
        "day": chosen,
        "parts": parts_of_day(found, slots),
        "month_url": month_url(found, chosen),
        **({} if slots else soonest(found)),
        "people": people(found, "day", date=chosen.isoformat()),
        "refusal": refusal,
    }
    return render(request, "clinic/day.html", {"asked": found, **context}, status=status)


def parts_of_day(found: Asked, slots: list[Slot]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Morning, afternoon and evening, each start once however many could take it."""
    by_part: dict[str, list[dict[str, Any]]] = {}
    for start, same in groupby(slots, key=lambda slot: slot.start):
        part = "Morning" if start.hour < NOON else "Afternoon"
        part = "Evening" if start.hour >= EVENING else part
        seats = max(slot.remaining_capacity for slot in same)
        url = found.url("book", start=int(start.timestamp()))
        by_part.setdefault(part, []).append({"start": start, "seats": seats, "url": url})
    return list(by_part.items())


def soonest(found: Asked) -> dict[str, Any]:
    slot = first_available(found.treatment, found.pool)
    if slot is None:
        return {}
    return {"soonest": slot, "soonest_url": found.url("book", start=int(slot.start.timestamp()))}


def people(found: Asked, page: str = "month", **query: str) -> list[dict[str, Any]]:
    """The same page for anybody, and for each practitioner."""
    choices = [None, *found.practitioners]
    return [
        {
            "name": "Anybody" if one is None else one.name,
            "url": Asked(found.treatment, found.practitioners, one).url(page, **query),
            "is_chosen": one == found.chosen,
        }
        for one in choices
    ]


def cell(found: Asked, summary: Any, today: date) -> dict[str, Any] | None:
    """A day of the month; ``None`` for one of another month."""
    if summary is None:
        return None
    url = found.url("day", date=summary.date.isoformat()) if summary.slots else ""
    return {"summary": summary, "url": url, "is_past": summary.date < today}


def parsed(text: str) -> date | None:
    """A date on which something could be booked."""
    try:
        found = parse_date(text)
    except ValueError:
        return None
    today = timezone.localdate()
    in_range = found is not None and today - timedelta(days=1) <= found < last_month(today)
    return found if in_range else None


def first_of_month(text: str, today: date) -> date:
    """The month that is asked for, else this one."""
    found = parsed(f"{text}-28")
    return (found or today).replace(day=1)


def last_month(today: date) -> date:
    """The first day that is too far ahead to be shown."""
    return today.replace(year=today.year + MONTHS_AHEAD // 12, day=1)


def month_url(found: Asked, day: date) -> str:
    return found.url("month", month=f"{day:%Y-%m}")
