"""What the address of a page asks for: a treatment, and with whom."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse

from bookings.contrib.schedule.selectors import availability_etag
from clinic.models import Clinic, Practitioner, Treatment


@dataclass(frozen=True)
class Asked:
    treatment: Treatment
    practitioners: list[Practitioner]
    """All who could do it."""
    chosen: Practitioner | None
    """``None`` for anybody."""

    @property
    def clinic(self) -> Clinic:
        return self.treatment.tenant

    @property
    def pool(self) -> list[Practitioner]:
        return self.practitioners if self.chosen is None else [self.chosen]

    @property
    def length(self) -> timedelta:
        return timedelta(minutes=self.treatment.duration_minutes)

    def url(self, page: str, **query: Any) -> str:
        if self.chosen is not None:
            query["with"] = self.chosen.pk
        address = reverse(f"clinic:{page}", args=[self.treatment.pk])
        return f"{address}?{urlencode(query)}" if query else address


def asked(request: HttpRequest, treatment_id: int) -> Asked:
    treatments = Treatment.objects.filter(is_active=True).select_related("tenant")
    treatment = get_object_or_404(treatments, pk=treatment_id)
    practitioners = list(treatment.tenant.practitioners.filter(is_active=True).order_by("name"))
    chosen = None
    if key := request.GET.get("with"):
        chosen = next((one for one in practitioners if str(one.pk) == key), None)
        if chosen is None:
            raise Http404("Nobody of that key works here.")
    return Asked(treatment, practitioners, chosen)


def etag(request: HttpRequest, treatment_id: int) -> str:
    """What is on offer, and every name and price that is shown beside it."""
    found = asked(request, treatment_id)
    treatment = found.treatment
    parts = (
        availability_etag(treatment, found.pool),
        [one.name for one in found.practitioners],
        (found.clinic.name, treatment.name, treatment.price_amount, treatment.currency),
    )
    return f'"{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"'
