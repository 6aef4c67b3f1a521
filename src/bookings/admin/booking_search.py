"""Search other objects by those of their bookings that the user may see."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any, ClassVar, Final

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.text import smart_split, unescape_string_literal

from bookings.admin.generic_bases import ModelAdmin
from bookings.admin.visibility import visible_related_objects
from bookings.models import Booking

FIELDS: Final = ("reference", "client_name", "client_email")


class BookingSearchMixin(ModelAdmin):
    """Find rows by ``search_fields``, and by the reference and the client of their bookings."""

    booking_path: ClassVar[str]
    """The lookup that leads from a row to its booking."""

    def searchable_bookings(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the bookings by which this user may find rows."""
        return visible_related_objects(self.admin_site, Booking, request)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        found, may_have_duplicates = super().get_search_results(request, queryset, search_term)
        if not search_term.strip():
            return found, may_have_duplicates
        bookings = self.searchable_bookings(request).filter(_contains(search_term)).order_by()
        rows = self.model._default_manager.filter(
            **{f"{self.booking_path}__in": bookings.values("pk")}
        )
        either = Q(pk__in=found.order_by().values("pk")) | Q(pk__in=rows.order_by().values("pk"))
        return queryset.filter(either), False


def _contains(search_term: str) -> Q:
    """Return the condition that a booking contains each word, as Django's own search reads it."""
    condition = Q()
    for word in smart_split(search_term):
        is_quoted = len(word) > 1 and word[0] in "\"'" and word[0] == word[-1]
        text = unescape_string_literal(word) if is_quoted else word
        condition &= reduce(or_, (Q(**{f"{name}__icontains": text}) for name in FIELDS))
    return condition
