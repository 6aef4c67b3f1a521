"""What was paid for a booking, and given back. It needs ``bookings.contrib.payments``."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.contrib.api.policy import Role
from bookings.contrib.api.schema import IDEMPOTENCY_KEY, REPLAYED, describe
from bookings.contrib.api.serializers.payments import (
    NewPayment,
    PaymentSerializer,
    ReceiptSerializer,
    RefundSerializer,
)
from bookings.contrib.api.viewsets.bookings import BookingViewSet
from bookings.contrib.payments.models import Refund
from bookings.contrib.payments.services import record_payment


class PaidBookingViewSet(BookingViewSet):
    """Bookings with their payments."""

    list_actions: ClassVar = BookingViewSet.list_actions | {"payments", "refunds"}
    body_classes: ClassVar[dict[str, Any]] = {
        **BookingViewSet.body_classes,
        "record_payment": NewPayment,
    }

    @describe(responses=PaymentSerializer(many=True))
    @action(
        detail=True,
        filterset_class=None,
        orderings=("pk", "-pk"),
        serializer_class=PaymentSerializer,
    )
    def payments(self, request: Request, uuid: str) -> Response:
        """List the payments of a booking."""
        return self.list_rows(self.find_booking("payments").payments.all())

    @describe(parameters=(IDEMPOTENCY_KEY, REPLAYED), responses={201: ReceiptSerializer})
    @payments.mapping.post
    def record_payment(self, request: Request, uuid: str) -> Response:
        """Record a payment, which confirms a booking that waits for it. For staff.

        A payment that is recorded already, by its ``external_id``, changes nothing.
        """
        booking = self.find_booking("payments")
        is_staff = self.policy.acting_role("payments", booking) is Role.STAFF
        if not (is_staff and self.policy.user.has_perm("bookings_payments.add_payment")):
            self.permission_denied(request)

        def show(receipt: Any) -> dict[str, Any]:
            refusal = None if receipt.refusal is None else receipt.refusal.booking_code
            return {
                "payment": self.get_serializer(receipt.payment).data,
                "outcome": str(receipt.outcome),
                "refund_due": str(receipt.refund_due),
                "refusal": refusal,
            }

        return self.write(
            lambda values: record_payment(booking, actor=self.policy.user, **values),
            status_code=status.HTTP_201_CREATED,
            show=show,
        )

    @describe(responses=RefundSerializer(many=True))
    @action(
        detail=True,
        filterset_class=None,
        orderings=("pk", "-pk"),
        serializer_class=RefundSerializer,
    )
    def refunds(self, request: Request, uuid: str) -> Response:
        """List what was given back of the payments of a booking."""
        booking = self.find_booking("payments")
        return self.list_rows(Refund.objects.filter(payment__booking=booking))
