"""Payments and refunds, as they are sent and received."""

from __future__ import annotations

from rest_framework import serializers

from bookings.contrib.api.serializers.base import InstantField, StrictSerializer
from bookings.contrib.payments.models import Payment


class PaymentSerializer(StrictSerializer):
    """What a payment provider has reported."""

    id = serializers.IntegerField(source="pk", read_only=True)
    amount = serializers.CharField(read_only=True)
    amount_refunded = serializers.CharField(read_only=True)
    currency = serializers.CharField(read_only=True)
    status = serializers.ChoiceField(choices=Payment.Status.choices, read_only=True)
    method = serializers.CharField(read_only=True)
    external_id = serializers.CharField(read_only=True)
    processed_at = InstantField(read_only=True, allow_null=True)


class RefundSerializer(StrictSerializer):
    """What of a payment was given back."""

    id = serializers.IntegerField(source="pk", read_only=True)
    payment = serializers.IntegerField(source="payment_id", read_only=True)
    amount = serializers.CharField(read_only=True)
    reason = serializers.CharField(read_only=True)
    external_id = serializers.CharField(read_only=True)
    processed_at = InstantField(read_only=True)


class NewPayment(StrictSerializer):
    """A payment to record."""

    amount = serializers.DecimalField(max_digits=15, decimal_places=3)
    external_id = serializers.CharField(max_length=255)
    currency = serializers.CharField(required=False, max_length=3)
    method = serializers.CharField(required=False, max_length=64, allow_blank=True)
    status = serializers.ChoiceField(choices=Payment.Status.choices, required=False)
    processed_at = InstantField(required=False)


class ReceiptSerializer(StrictSerializer):
    """What became of a payment: of the booking, and what is to be refunded now."""

    payment = PaymentSerializer(read_only=True)
    outcome = serializers.CharField(read_only=True)
    refund_due = serializers.CharField(read_only=True)
    refusal = serializers.CharField(
        read_only=True, allow_null=True, help_text="The code, if the booking was not confirmed."
    )
