"""Services and providers: what can be booked, and with whom."""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps import apps
from django.db.models import QuerySet
from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.conf import app_settings
from bookings.contrib.api.serializers.catalogue import ProviderSerializer, ServiceSerializer
from bookings.contrib.api.viewsets.base import ApiViewSet
from bookings.exceptions import InvalidBooking
from bookings.models.keys import related_key


class HostModelViewSet(ApiViewSet):
    """Objects of a host's model, for anybody to read."""

    setting: str
    resource: str
    """What they are called; the policy has a method of this name."""

    filterset_class: Any = None
    public_actions: ClassVar = frozenset({"list", "retrieve"})

    @property
    def model(self) -> Any:
        """The model of the host."""
        return apps.get_model(app_settings.model_label(self.setting))

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):
            nothing: QuerySet[Any] = self.model._default_manager.none()
            return nothing
        rows: QuerySet[Any] = getattr(self.policy, self.resource)()
        return rows

    def list(self, request: Request) -> Response:
        return self.list_rows(self.get_queryset())

    def retrieve(self, request: Request, pk: str) -> Response:
        try:
            key = related_key(self.model._meta.pk, pk, "provider")
        except InvalidBooking:
            raise Http404 from None
        found = self.get_queryset().filter(pk=key).first()
        if found is None:
            raise Http404
        return Response(self.get_serializer(found).data)


class ServiceViewSet(HostModelViewSet):
    """The services that can be booked."""

    resource = "services"
    setting = "SERVICE_MODEL"
    serializer_class: Any = ServiceSerializer


class ProviderViewSet(HostModelViewSet):
    """The providers who can be booked."""

    resource = "providers"
    setting = "PROVIDER_MODEL"
    serializer_class: Any = ProviderSerializer
