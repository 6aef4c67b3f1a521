"""The pages on which staff grant a refund, and waive one that is due."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bookings.admin.base import BaseAdmin, Page, posted_data, submit
from bookings.admin.form_errors import as_form_error, stale_message
from bookings.admin.steps import ReasonForm
from bookings.admin.visibility import can_change, selectable_objects, visible_related_objects
from bookings.contrib.payments.balances import read_balance
from bookings.contrib.payments.models import RefundDue
from bookings.contrib.payments.models.base import MAX_DIGITS
from bookings.contrib.payments.services import grant_refund, waive_refund
from bookings.exceptions import BookingError, StaleBooking
from bookings.ledger.locked import fresh
from bookings.models import Booking
from bookings.rules.money import format_amount, minor_units, round_amount
from bookings.services.booking_change import LockedBooking, with_locked_booking


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A service that adjusts what is to be refunded, and the texts of its page."""

    service: Callable[..., RefundDue]
    title: Any
    help_text: Any
    result: Any


GRANT: Final = Adjustment(
    service=grant_refund,
    title=_("Grant a refund"),
    help_text=_("At most what was paid: %(amount)s %(currency)s. Earlier refunds count."),
    result=_(
        "Granted: %(amount)s %(currency)s. Still to be refunded: %(outstanding)s %(currency)s."
    ),
)
WAIVE: Final = Adjustment(
    service=waive_refund,
    title=_("Waive the refund"),
    help_text=_("At most what is still to be refunded: %(amount)s %(currency)s."),
    result=_(
        "Waived: %(amount)s %(currency)s. Still to be refunded: %(outstanding)s %(currency)s."
    ),
)


class RefundForm(ReasonForm):
    field_order = ("amount", "reason")

    def __init__(
        self, *args: Any, adjustment: Adjustment, most: Decimal, currency: str, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        shown = {"amount": format_amount(most, currency), "currency": currency}
        self.fields["amount"] = forms.DecimalField(
            label=_("Amount"),
            max_digits=MAX_DIGITS,
            decimal_places=minor_units(currency),
            initial=round_amount(most, currency),
            help_text=adjustment.help_text % shown,
        )
        self.fields["reason"].help_text = _("For staff; kept with what is to be refunded.")
        self.order_fields(self.field_order)

    def as_form_error(self, error: BookingError) -> ValidationError:
        return as_form_error(error)


def version_of(due: RefundDue | None) -> str:
    """Return a text that changes when what is to be refunded, or what staff decided, changes."""
    if due is None:
        return ""
    amounts = (due.granted, due.waived, due.outstanding)
    return " ".join(str(round_amount(amount, due.currency)) for amount in amounts)


class GrantPageMixin(BaseAdmin):
    """A page to grant a refund of the booking that an object has."""

    change_form_template = "admin/bookings_payments/change_form.html"

    def get_pages(self) -> list[Page]:
        return [Page("<path:object_id>/grant/", self.grant_view, "grant"), *super().get_pages()]

    def get_due(self, obj: Any) -> RefundDue | None:
        """Return what is to be refunded for the object's booking; ``None`` if nothing ever was."""
        return RefundDue.objects.filter(booking=obj.booking_id).first()

    def refund_links(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        """Return the links to offer on the object's page. The services decide."""
        if not self.may_adjust(request, obj):
            return []
        return [{"url": self.page_url("grant", obj), "label": GRANT.title}]

    def may_adjust(self, request: HttpRequest, obj: Any) -> bool:
        """Return whether the user may change what is to be refunded for the object's booking.

        That takes the permission to change it, and both it and the booking have to be among those
        of their own admins.
        """
        site, due = self.admin_site, self.get_due(obj)
        if not can_change(site, RefundDue, request, due):
            return False
        bookings = selectable_objects(site, Booking, request)
        if not bookings.filter(pk=obj.booking_id).exists():
            return False
        return (
            due is None
            or visible_related_objects(site, RefundDue, request).filter(pk=due.pk).exists()
        )

    def grant_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        obj = self.get_object_to_adjust(request, object_id)
        balance = read_balance(obj.booking, using=str(obj._state.db))
        return self.adjust_view(request, obj, GRANT, most=balance.paid, currency=balance.currency)

    def get_object_to_adjust(self, request: HttpRequest, object_id: str) -> Any:
        """Return the object of a page; 404 for one that is hidden, 403 without the permission."""
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            raise Http404
        may_see = self.has_view_or_change_permission(request, obj)
        if not (may_see and self.may_adjust(request, obj)):
            raise PermissionDenied
        return obj

    def adjust_view(
        self,
        request: HttpRequest,
        obj: Any,
        adjustment: Adjustment,
        *,
        most: Decimal,
        currency: str,
    ) -> HttpResponse:
        """Ask for the amount, ``most`` by default, and the reason, and call the service."""
        form = RefundForm(posted_data(request), adjustment=adjustment, most=most, currency=currency)
        version = request.POST.get("version", version_of(self.get_due(obj)))
        if submit(form, lambda: self._adjust(request, obj, adjustment, version, form)):
            return self.redirect("change", obj)
        return self.render_question(
            request, form, [obj], title=adjustment.title, hidden=[("version", version)]
        )

    def _adjust(
        self, request: HttpRequest, obj: Any, adjustment: Adjustment, version: str, form: Any
    ) -> None:
        actor, now = self.get_actor(request), timezone.now()

        def act(locked: LockedBooking) -> RefundDue:
            dues = RefundDue.objects.using(locked.using).filter(booking=locked.row)
            # A second click would waive the same amount twice.
            if version_of(fresh(dues).first()) != version:
                raise StaleBooking(stale_message())
            return adjustment.service(locked.row, actor=actor, now_dt=now, **form.cleaned_data)

        due = with_locked_booking(obj.booking, act, now=now, actor=actor)
        text = adjustment.result % {
            "amount": format_amount(form.cleaned_data["amount"], due.currency),
            "outstanding": format_amount(due.outstanding, due.currency),
            "currency": due.currency,
        }
        messages.success(request, text)
        self.log_change(request, due, text)

    def render_change_form(self, request: Any, context: Any, *args: Any, **kwargs: Any) -> Any:
        # No field can be edited, so there is nothing to save.
        context |= {"show_save": False, "show_save_and_continue": False}
        context["refund_links"] = self.refund_links(request, context["original"])
        return super().render_change_form(request, context, *args, **kwargs)


class WaivePageMixin(GrantPageMixin):
    """For ``RefundDue`` itself: a page to grant more, and one to waive what is outstanding."""

    def get_pages(self) -> list[Page]:
        return [Page("<path:object_id>/waive/", self.waive_view, "waive"), *super().get_pages()]

    def get_due(self, obj: Any) -> RefundDue | None:
        due: RefundDue = obj
        return due

    def refund_links(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        links = super().refund_links(request, obj)
        if links and obj.outstanding:
            links.append({"url": self.page_url("waive", obj), "label": WAIVE.title})
        return links

    def waive_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        due = self.get_object_to_adjust(request, object_id)
        return self.adjust_view(request, due, WAIVE, most=due.outstanding, currency=due.currency)
