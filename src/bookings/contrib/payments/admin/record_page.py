"""The page on which staff record what a client has paid, such as cash at the desk."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, ClassVar, Final
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import AdminSite
from django.contrib.auth import get_permission_codename
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bookings.admin.base import BaseAdmin, Page, posted_data, submit
from bookings.admin.choices import with_key
from bookings.admin.display import booking_heading, change_url
from bookings.admin.form_errors import error_message
from bookings.admin.visibility import registered_admin, visible_objects
from bookings.contrib.payments.exceptions import ExternalIdReused
from bookings.contrib.payments.models import Payment
from bookings.contrib.payments.models.base import MAX_DIGITS
from bookings.contrib.payments.selectors import amount_due, fee_due
from bookings.contrib.payments.services import Outcome, Receipt, record_payment
from bookings.exceptions import BookingError
from bookings.models import Booking
from bookings.rules.money import format_amount, minor_units, round_amount

METHODS: Final = (
    ("cash", gettext_lazy("Cash")),
    ("card", gettext_lazy("Card")),
    ("transfer", gettext_lazy("Bank transfer")),
    ("other", gettext_lazy("Other")),
)
PERMISSION: Final = f"{Payment._meta.app_label}.{get_permission_codename('add', Payment._meta)}"


def outstanding(booking: Booking) -> Decimal:
    """Return what is still to be paid: of the total, or of the fee once the booking has ended."""
    if booking.holds_time:
        return amount_due(booking)
    return amount_due(booking) or fee_due(booking)


def method_column(model: type[Payment], methods: Any = METHODS) -> Any:
    """Return a column for how was paid; what is not among the ``methods`` is as it is stored."""
    field: Any = model._meta.get_field("method")

    @admin.display(description=field.verbose_name, ordering="method")
    def method(payment: Payment) -> str:
        return str(dict(methods).get(payment.method, payment.method)) or "–"

    return method


def money(amount: Decimal, currency: str) -> str:
    return f"{format_amount(amount, currency)} {currency}"


class PaymentForm(forms.Form):
    required_css_class = "required"

    form_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    """Two submissions of one form, as by a double click, record one payment."""
    due = forms.DecimalField(widget=forms.HiddenInput)
    """What was still to be paid when the form was opened."""
    method = forms.ChoiceField(label=gettext_lazy("Method"))
    anyway = forms.BooleanField(label=gettext_lazy("Record it all the same"), required=False)
    """Shown only where it is to be answered."""

    def __init__(
        self, *args: Any, booking: Booking, methods: Any, most: Decimal, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        currency = booking.currency
        self.most, self.currency = most, currency
        self.fields["due"].initial = most
        self.fields["amount"] = forms.DecimalField(
            label=gettext_lazy("Amount"),
            max_digits=MAX_DIGITS,
            decimal_places=minor_units(currency),
            min_value=Decimal(1).scaleb(-minor_units(currency)),
            error_messages={"min_value": _("Enter more than zero.")},
            initial=round_amount(most, currency) or None,
            help_text=_("Still to be paid: %(amount)s.") % {"amount": money(most, currency)},
        )
        field: Any = self.fields["method"]
        field.choices = methods
        field.initial = methods[0][0]
        self.order_fields(["amount", "method"])
        if not self.is_bound:
            del self.fields["anyway"]

    @property
    def external_id(self) -> str:
        return f"desk-{self.cleaned_data['form_key']}"

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        doubt = "" if self.errors else self._find_doubt(values)
        if not doubt:
            del self.fields["anyway"]
        elif not values["anyway"]:
            self.add_error("anyway", doubt)
        return values

    def _find_doubt(self, values: dict[str, Any]) -> str:
        """Return why somebody has to look again before the payment is recorded; mostly nothing."""
        if values["due"] == self.most and values["amount"] <= self.most:
            return ""
        if Payment.objects.filter(external_id=self.external_id).exists():
            # The form is sent again, after its payment has changed what is to be paid.
            return ""
        text = (
            _("That is more than is still to be paid: %(amount)s.")
            if values["due"] == self.most
            else _("What is still to be paid has changed since this page was opened: %(amount)s.")
        )
        return text % {"amount": money(self.most, self.currency)}

    def as_form_error(self, error: BookingError) -> ValidationError:
        if isinstance(error, ExternalIdReused):
            return ValidationError(
                _("This form has recorded a payment before. Open it again to record another one.")
            )
        return ValidationError(error_message(error))


class RecordPageMixin(BaseAdmin):
    """A page to record a payment of a booking. It takes the permission to add payments."""

    methods: ClassVar[Any] = METHODS
    """How clients pay at the desk: what is stored, and what staff read. The first is preset."""

    def get_pages(self) -> list[Page]:
        page = Page("record/<path:object_id>/", self.record_view, "record")
        return [page, *super().get_pages()]

    def may_record(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(PERMISSION))

    def record_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if not self.may_record(request):
            raise PermissionDenied
        booking = with_key(visible_objects(self.admin_site, Booking, request), object_id).first()
        if booking is None:
            raise Http404
        form = PaymentForm(
            posted_data(request),
            booking=booking,
            methods=self.methods,
            most=outstanding(booking),
        )
        if submit(form, lambda: self._record(request, booking, form)):
            return HttpResponseRedirect(change_url(self.admin_site, booking))
        return self.render_question(
            request,
            form,
            [booking_heading(booking)],
            title=_("Record a payment"),
            back_url=change_url(self.admin_site, booking),
        )

    def _record(self, request: HttpRequest, booking: Booking, form: Any) -> None:
        values = form.cleaned_data
        receipt = record_payment(
            booking,
            amount=values["amount"],
            method=values["method"],
            external_id=form.external_id,
            actor=self.get_actor(request),
        )
        text = _("Recorded: %(amount)s.") % {
            "amount": money(receipt.payment.amount, receipt.payment.currency)
        }
        messages.success(request, f"{text} {_what_follows(receipt)}")
        if not receipt.is_replay:
            self.log_addition(request, receipt.payment, text)
        if receipt.refusal is not None:
            messages.warning(request, error_message(receipt.refusal))


def _what_follows(receipt: Receipt) -> str:
    booking, currency = receipt.payment.booking, receipt.payment.currency
    match receipt.outcome:
        case Outcome.REFUND_DUE:
            return _("To be refunded: %(amount)s.") % {
                "amount": money(receipt.refund_due, currency)
            }
        case Outcome.PARTLY_PAID:
            return _("Still to be paid: %(amount)s.") % {
                "amount": money(outstanding(booking), currency)
            }
        case Outcome.NOT_CONFIRMED:
            return _("All is paid, but the booking could not be confirmed.")
        case Outcome.AWAITING_APPROVAL:
            return _("All is paid. The booking waits for approval.")
    return _("All is paid.")


def payment_link(
    booking: Booking, *, site: AdminSite, request: HttpRequest
) -> Iterator[tuple[str, SafeString]]:
    """Yield what is still to be paid of a booking, and the link to record it."""
    payments = registered_admin(site, Payment)
    if not isinstance(payments, RecordPageMixin) or not payments.may_record(request):
        return
    if most := outstanding(booking):
        url = reverse(
            "admin:bookings_payments_payment_record", args=[booking.pk], current_app=site.name
        )
        yield (
            _("To be paid"),
            format_html(
                '{} <a class="button bookings-record-payment" href="{}">{}</a>',
                money(most, booking.currency),
                url,
                _("Record a payment"),
            ),
        )
