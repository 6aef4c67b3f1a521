"""When providers work: business hours, closures and time off.

It needs ``bookings.contrib.schedule``. Staff change them, and providers their own.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, ClassVar

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.contrib.api.filters import InstantFilter, KeysFilter
from bookings.contrib.api.schema import IDEMPOTENCY_KEY, REPLAYED, describe
from bookings.contrib.api.serializers import schedules as serializers
from bookings.contrib.api.viewsets.booking_base import BookingBase, find_row
from bookings.contrib.schedule import services
from bookings.contrib.schedule.hours import Hours
from bookings.contrib.schedule.models import BusinessHours, DateOverride, Schedule, TimeOff

ONCE = (IDEMPOTENCY_KEY, REPLAYED)


class ProviderFilters(filters.FilterSet):  # type: ignore[misc]
    """Of some providers only."""

    provider = KeysFilter("provider", field_name="schedule__provider")


class TimeOffFilters(filters.FilterSet):  # type: ignore[misc]
    """The filters of time off."""

    provider = KeysFilter("provider")
    start_before = InstantFilter("start_at", "lt")
    end_after = InstantFilter("end_at", "gt")


class WorkingTimeViewSet(BookingBase):
    """The base of the views of working time."""

    lookup_field = "pk"
    lookup_url_kwarg = "pk"
    orderings = ("pk", "-pk")
    provider_path: ClassVar[str] = "schedule__provider"
    """How the provider of a row is found."""

    def visible_rows(self) -> QuerySet[Any]:
        """Return the rows of the providers whose time the user manages."""
        rows: QuerySet[Any] = self.queryset.all()
        return rows.filter(**{f"{self.provider_path}__in": self.policy.managed_providers()})

    def check_managed(self, provider: Any) -> None:
        """Refuse who does not manage the time of the provider."""
        if not self.policy.managed_providers().filter(pk=provider.pk).exists():
            self.permission_denied(self.request)

    def list(self, request: Request) -> Response:
        """List what the user manages."""
        return self.list_rows(self.visible_rows())


class BusinessHoursViewSet(WorkingTimeViewSet):
    """Weekly hours."""

    resource = "business-hours"
    queryset = BusinessHours.objects.select_related("schedule")
    serializer_class: Any = serializers.BusinessHoursSerializer
    filterset_class: Any = ProviderFilters
    body_classes: ClassVar[dict[str, Any]] = {"bulk_create": serializers.WeekBody}

    @describe(parameters=ONCE, responses=serializers.WeekSerializer)
    @action(detail=False, methods=["post"])
    def bulk_create(self, request: Request) -> Response:
        """Set the hours of the days that are named, in place of those that they had."""

        def set_hours(values: dict[str, Any]) -> Any:
            provider = values["provider"]
            self.check_managed(provider)
            week: dict[int, list[Hours]] = defaultdict(list)
            for shift in values["hours"]:
                day = week[shift["day_of_week"]]
                if not shift.get("is_closed"):
                    closes_next_day = shift.get("closes_next_day", False)
                    day.append(Hours(shift["open_time"], shift["close_time"], closes_next_day))
            schedule = Schedule.objects.filter(provider=provider).first()
            if schedule is None:
                zone = values.get("timezone")
                schedule = services.create_schedule(provider=provider, timezone=zone)
            services.set_week(
                schedule=schedule,
                hours=week,
                merge=True,
                valid_from=values.get("valid_from"),
                valid_until=values.get("valid_until"),
            )
            return schedule.hours.select_related("schedule").order_by("day_of_week", "open_time")

        def show(rows: Any) -> dict[str, Any]:
            return {"hours": self.get_serializer(rows, many=True).data}

        return self.write(set_hours, show=show)


class ClosureViewSet(WorkingTimeViewSet):
    """Dates on which providers are closed."""

    resource = "closures"
    queryset = DateOverride.objects.filter(is_closed=True).select_related("schedule")
    serializer_class: Any = serializers.ClosureSerializer
    filterset_class: Any = ProviderFilters
    body_classes: ClassVar[dict[str, Any]] = {"create": serializers.ClosureBody}

    @describe(parameters=ONCE, responses={201: serializers.ClosuresSerializer})
    def create(self, request: Request) -> Response:
        """Close a provider on a range of dates. Bookings on them stay, and are listed."""

        def close(values: dict[str, Any]) -> Any:
            provider = values.pop("provider")
            self.check_managed(provider)
            return services.add_closures(providers=[provider], **values)

        def show(closures: Any) -> dict[str, Any]:
            rows = self.queryset.filter(pk__in=[each.pk for each in closures.overrides])
            shown = self.get_serializer(rows.order_by("date"), many=True).data
            return {"closures": shown, "bookings": [str(each.uuid) for each in closures.bookings]}

        return self.write(close, status_code=status.HTTP_201_CREATED, show=show)

    def destroy(self, request: Request, pk: str) -> Response:
        """Open a provider on a date again."""
        row = find_row(self.visible_rows(), pk)
        services.remove_closures(schedules=[row.schedule], first_date=row.date)
        return Response(status=status.HTTP_204_NO_CONTENT)


class TimeOffViewSet(WorkingTimeViewSet):
    """Time that providers do not work."""

    resource = "time-off"
    queryset = TimeOff.objects.all()
    serializer_class: Any = serializers.TimeOffSerializer
    filterset_class: Any = TimeOffFilters
    orderings = ("start_at", "-start_at")
    provider_path = "provider"
    body_classes: ClassVar[dict[str, Any]] = {
        "create": serializers.TimeOffBody,
        "move": serializers.TimeOffMove,
    }

    @describe(parameters=ONCE, responses={201: serializers.TimeOffSerializer})
    def create(self, request: Request) -> Response:
        """Keep time of a provider free of bookings. What is booked then is a conflict."""

        def take(values: dict[str, Any]) -> TimeOff:
            self.check_managed(values["provider"])
            return services.take_time_off(actor=self.policy.user, **values)

        return self.write(take, status_code=status.HTTP_201_CREATED)

    @describe(parameters=ONCE, responses=serializers.TimeOffSerializer)
    @action(detail=True, methods=["post"])
    def move(self, request: Request, pk: str) -> Response:
        """Move time off to another time."""
        row = find_row(self.visible_rows(), pk)
        return self.write(lambda values: services.move_time_off(row, **values))

    def destroy(self, request: Request, pk: str) -> Response:
        """Give the time back."""
        services.cancel_time_off(find_row(self.visible_rows(), pk))
        return Response(status=status.HTTP_204_NO_CONTENT)
