"""Which bookings a report is about: its filters, checked, as conditions of any table's rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.db import router
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from bookings.contrib.reports.exceptions import InvalidReport
from bookings.contrib.reports.periods import Period
from bookings.exceptions import TenantMismatch
from bookings.models import Booking, arguments

FILTERS: Final = ("service", "provider", "tenant")


@dataclass(frozen=True, slots=True)
class Scope:
    """The period and the filters of a report."""

    period: Period
    keys: dict[str, Any]
    """The keys of the service, provider and tenant, as far as the report is about one."""
    visible: QuerySet[Any] | None
    """The bookings that may be counted; ``None`` for all."""
    using: str

    @classmethod
    def of(
        cls,
        period: Any,
        *,
        bookings: Any = None,
        service: Any = None,
        provider: Any = None,
        tenant: Any = None,
    ) -> Scope:
        """Check the arguments of a selector.

        Raises ``InvalidReport``, ``InvalidBooking`` and ``TenantMismatch``.
        """
        if not isinstance(period, Period):
            raise InvalidReport(
                _("period must be a Period, not %(type)s."),
                params={"name": "period", "type": type(period).__name__},
            )
        check_queryset(bookings, Booking, "bookings")
        chosen = {
            "service": None if service is None else arguments.saved_service(service),
            "provider": None if provider is None else arguments.saved_provider(provider),
            "tenant": arguments.saved_tenant(tenant),
        }
        _check_tenant(chosen)
        return cls(
            period,
            {name: value.pk for name, value in chosen.items() if value is not None},
            None if bookings is None or _is_everything(bookings) else bookings,
            router.db_for_read(Booking) if bookings is None else bookings.db,
        )

    def references(self, prefix: str = "") -> Q:
        """Return the filter for the service, the provider and the tenant."""
        return Q(**{f"{prefix}{name}": key for name, key in self.keys.items()})

    def visibility(self, prefix: str = "") -> Q:
        """Return the filter for the bookings that may be counted."""
        if self.visible is None:
            return Q()
        return Q(**{f"{prefix}pk__in": self.visible.order_by().values("pk")})

    def window(self, path: str) -> Q:
        """Return the filter for datetimes within the period."""
        return Q(**{f"{path}__gte": self.period.start_at, f"{path}__lt": self.period.end_at})

    def bookings(self) -> QuerySet[Booking]:
        """Return the bookings of the filters, whenever they are."""
        rows: QuerySet[Booking] = QuerySet(Booking, using=self.using)
        return rows.filter(self.references(), self.visibility()).order_by()

    @property
    def tenant_id(self) -> Any:
        return self.keys.get("tenant")


def _check_tenant(chosen: dict[str, Any]) -> None:
    tenant = chosen["tenant"]
    if tenant is None:
        return
    for name in ("service", "provider"):
        if getattr(chosen[name], "tenant_id", tenant.pk) != tenant.pk:
            raise TenantMismatch(
                _("The %(name)s is of another tenant. Choose one of the tenant's own."),
                params={"name": name},
            )


def check_queryset(rows: Any, model: type[Model], name: str) -> None:
    """Raise ``InvalidReport`` unless an argument is ``None`` or a queryset to filter further."""
    if rows is None:
        return
    if not isinstance(rows, QuerySet) or not issubclass(rows.model, model):
        raise InvalidReport(
            _("%(name)s must be a queryset of %(model)s, not %(type)s."),
            params={"name": name, "model": model.__name__, "type": type(rows).__name__},
        )
    if rows.query.is_sliced or rows.query.combinator:
        raise InvalidReport(
            _("%(name)s must be a queryset that can be filtered: not a slice or a union."),
            params={"name": name},
        )


def _is_everything(rows: QuerySet[Any]) -> bool:
    """Return whether a queryset leaves out nothing, so that the report need not ask for it."""
    query: Any = rows.query
    # A join may leave rows out, or repeat them.
    is_joined = query.distinct or query.annotations or len(query.alias_map) > 1
    return not query.where and not is_joined and rows.model._meta.concrete_model is Booking
