"""In whose time zone the pages tell the time: the client's, as far as we know it."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils import timezone, translation
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme

COOKIE = "zone"
A_YEAR = 365 * 24 * 3600

View = Callable[..., HttpResponse]


def page(view: View) -> View:
    """A page in English, in the client's zone, which a browser asks for anew each time."""

    @wraps(view)
    def in_zone(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with translation.override("en"), timezone.override(zone_of(request)):
            response = view(request, *args, **kwargs)
        response.headers["Content-Language"] = "en"
        patch_vary_headers(response, ["Cookie"])
        patch_cache_control(response, private=True, no_cache=True)
        return response

    return in_zone


def zone_of(request: HttpRequest) -> ZoneInfo | None:
    """What the client has chosen, else the clinics' own."""
    name = request.COOKIES.get(COOKIE)
    return ZoneInfo(name) if name in available_timezones() else None


@page
def choose(request: HttpRequest) -> HttpResponse:
    """``?zone=`` is remembered in a cookie, and ``?next=`` is where to go on."""
    back = request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        back = resolve_url("clinic:home")
    name = request.GET.get("zone")
    if name in available_timezones():
        response = HttpResponseRedirect(back)
        response.set_cookie(COOKIE, name, max_age=A_YEAR, samesite="Lax", httponly=True)
        return response
    zones = sorted(name for name in available_timezones() if "/" in name)
    return render(request, "clinic/zone.html", {"zones": zones, "back": back})
