"""Payments, refunds, what has to go back, and refund policies.

A host's models are named by their settings, so this file is the same for every host.
"""

from decimal import Decimal

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import model_utils.fields
from django.db import migrations, models

import bookings.models.deletion
import bookings.models.fields
from bookings.conf import app_settings


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("bookings", "0003_lifecycle"),
        app_settings.dependency("SERVICE_MODEL"),
        app_settings.dependency("TENANT_MODEL"),
        app_settings.dependency("USER_MODEL"),
    ]

    operations = [
        migrations.CreateModel(
            name="Payment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "amount",
                    models.DecimalField(decimal_places=3, max_digits=15, verbose_name="amount"),
                ),
                (
                    "amount_refunded",
                    models.DecimalField(
                        decimal_places=3,
                        default=Decimal(0),
                        max_digits=15,
                        verbose_name="refunded",
                    ),
                ),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("PENDING", "Pending"),
                            ("PAID", "Paid"),
                            ("FAILED", "Failed"),
                            ("PARTIALLY_REFUNDED", "Partially refunded"),
                            ("REFUNDED", "Refunded"),
                        ],
                        default="PENDING",
                        max_length=20,
                        verbose_name="status",
                    ),
                ),
                ("method", models.CharField(blank=True, max_length=64, verbose_name="method")),
                (
                    "external_id",
                    bookings.models.fields.ExactCharField(
                        help_text="What the payment provider calls it.",
                        max_length=255,
                        verbose_name="external ID",
                    ),
                ),
                (
                    "processed_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="processed at"),
                ),
                (
                    "created_at",
                    model_utils.fields.AutoCreatedField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created at"
                    ),
                ),
                (
                    "updated_at",
                    model_utils.fields.AutoLastModifiedField(
                        default=django.utils.timezone.now, editable=False, verbose_name="updated at"
                    ),
                ),
                (
                    "booking",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payments",
                        to="bookings.booking",
                        verbose_name="booking",
                    ),
                ),
                (
                    "recorded_by",
                    bookings.models.fields.SettingForeignKey(
                        blank=True,
                        null=True,
                        on_delete=bookings.models.deletion.keep_name,
                        related_name="payments_recorded",
                        setting="USER_MODEL",
                        verbose_name="recorded by",
                    ),
                ),
                (
                    "recorded_by_name",
                    models.CharField(
                        blank=True,
                        default="",
                        editable=False,
                        max_length=255,
                        verbose_name="name of who recorded it",
                    ),
                ),
            ],
            options={
                "verbose_name": "payment",
                "verbose_name_plural": "payments",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Refund",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "amount",
                    models.DecimalField(decimal_places=3, max_digits=15, verbose_name="amount"),
                ),
                (
                    "external_id",
                    bookings.models.fields.ExactCharField(
                        help_text="What the payment provider calls it.",
                        max_length=255,
                        verbose_name="external ID",
                    ),
                ),
                ("reason", models.TextField(blank=True, verbose_name="reason")),
                ("processed_at", models.DateTimeField(verbose_name="processed at")),
                (
                    "created_at",
                    model_utils.fields.AutoCreatedField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created at"
                    ),
                ),
                (
                    "payment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refunds",
                        to="bookings_payments.payment",
                        verbose_name="payment",
                    ),
                ),
                (
                    "recorded_by",
                    bookings.models.fields.SettingForeignKey(
                        blank=True,
                        null=True,
                        on_delete=bookings.models.deletion.keep_name,
                        related_name="refunds_recorded",
                        setting="USER_MODEL",
                        verbose_name="recorded by",
                    ),
                ),
                (
                    "recorded_by_name",
                    models.CharField(
                        blank=True,
                        default="",
                        editable=False,
                        max_length=255,
                        verbose_name="name of who recorded it",
                    ),
                ),
            ],
            options={
                "verbose_name": "refund",
                "verbose_name_plural": "refunds",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="RefundDue",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "amount",
                    models.DecimalField(decimal_places=3, max_digits=15, verbose_name="amount"),
                ),
                (
                    "granted",
                    models.DecimalField(
                        decimal_places=3,
                        default=Decimal(0),
                        help_text="What staff have promised, whatever the refund policy says.",
                        max_digits=15,
                        verbose_name="granted",
                    ),
                ),
                (
                    "waived",
                    models.DecimalField(
                        decimal_places=3,
                        default=Decimal(0),
                        help_text="What the client does not want back of what the refund policy gives.",
                        max_digits=15,
                        verbose_name="waived",
                    ),
                ),
                (
                    "outstanding",
                    models.DecimalField(
                        db_index=True, decimal_places=3, max_digits=15, verbose_name="outstanding"
                    ),
                ),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                ("reason", models.TextField(blank=True, verbose_name="reason")),
                ("due_since", models.DateTimeField(verbose_name="due since")),
                (
                    "booking",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refund_due",
                        to="bookings.booking",
                        verbose_name="booking",
                    ),
                ),
            ],
            options={
                "verbose_name": "refund due",
                "verbose_name_plural": "refunds due",
                "ordering": ["due_since", "id"],
            },
        ),
        migrations.CreateModel(
            name="RefundPolicy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "no_show_refund_percent",
                    models.DecimalField(
                        decimal_places=2,
                        default=Decimal(0),
                        help_text="Percent of what was paid.",
                        max_digits=5,
                        validators=[
                            django.core.validators.MinValueValidator(Decimal(0)),
                            django.core.validators.MaxValueValidator(Decimal(100)),
                        ],
                        verbose_name="refund after a no-show",
                    ),
                ),
                (
                    "no_show_fee_percent",
                    models.DecimalField(
                        decimal_places=2,
                        default=Decimal(0),
                        help_text="Percent of the booking's total.",
                        max_digits=5,
                        validators=[
                            django.core.validators.MinValueValidator(Decimal(0)),
                            django.core.validators.MaxValueValidator(Decimal(100)),
                        ],
                        verbose_name="fee for a no-show",
                    ),
                ),
                (
                    "count_from_first_start",
                    models.BooleanField(
                        default=False,
                        help_text="Count the notice to the start that the client has moved away from first.",
                        verbose_name="count from the first start",
                    ),
                ),
                (
                    "service",
                    bookings.models.fields.SettingOneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="refund_policy",
                        setting="SERVICE_MODEL",
                        verbose_name="service",
                    ),
                ),
                (
                    "tenant",
                    bookings.models.fields.SettingOneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="refund_policy",
                        setting="TENANT_MODEL",
                        verbose_name="tenant",
                    ),
                ),
                (
                    "is_default",
                    models.BooleanField(
                        default=None,
                        editable=False,
                        null=True,
                        verbose_name="default",
                    ),
                ),
            ],
            options={
                "verbose_name": "refund policy",
                "verbose_name_plural": "refund policies",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="RefundTier",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "notice_minutes",
                    models.PositiveIntegerField(
                        help_text="In minutes: for who cancels so long before the start, or longer.",
                        validators=[django.core.validators.MaxValueValidator(5270400)],
                        verbose_name="notice",
                    ),
                ),
                (
                    "refund_percent",
                    models.DecimalField(
                        decimal_places=2,
                        help_text="Percent of what was paid.",
                        max_digits=5,
                        validators=[
                            django.core.validators.MinValueValidator(Decimal(0)),
                            django.core.validators.MaxValueValidator(Decimal(100)),
                        ],
                        verbose_name="refund",
                    ),
                ),
                (
                    "fee_percent",
                    models.DecimalField(
                        decimal_places=2,
                        default=Decimal(0),
                        help_text="Percent of the booking's total.",
                        max_digits=5,
                        validators=[
                            django.core.validators.MinValueValidator(Decimal(0)),
                            django.core.validators.MaxValueValidator(Decimal(100)),
                        ],
                        verbose_name="fee",
                    ),
                ),
                (
                    "policy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tiers",
                        to="bookings_payments.refundpolicy",
                        verbose_name="policy",
                    ),
                ),
            ],
            options={
                "verbose_name": "refund tier",
                "verbose_name_plural": "refund tiers",
                "ordering": ["-notice_minutes"],
            },
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.UniqueConstraint(
                fields=("external_id",), name="bookings_payments_payment_external_id"
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.UniqueConstraint(
                fields=("external_id",), name="bookings_payments_refund_external_id"
            ),
        ),
        migrations.AddConstraint(
            model_name="refundpolicy",
            constraint=models.UniqueConstraint(
                fields=("is_default",), name="bookings_payments_one_default"
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0)), name="bookings_payments_payment_amount"
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("amount_refunded__gte", 0), ("amount_refunded__lte", models.F("amount"))
                ),
                name="bookings_payments_refunds_within_payment",
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0)), name="bookings_payments_refund_amount"
            ),
        ),
        migrations.AddConstraint(
            model_name="refunddue",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("amount__gte", 0),
                    ("granted__gte", 0),
                    ("outstanding__gte", 0),
                    ("waived__gte", 0),
                ),
                name="bookings_payments_refund_due_amounts",
            ),
        ),
        migrations.AddConstraint(
            model_name="refundpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("service__isnull", True), ("tenant__isnull", True), _connector="OR"
                ),
                name="bookings_payments_policy_one_owner",
                violation_error_message="A policy is of a service or of a tenant. Leave one of them empty.",
            ),
        ),
        migrations.AddConstraint(
            model_name="refundpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("is_default", True),
                        ("is_default__isnull", False),
                        ("service__isnull", True),
                        ("tenant__isnull", True),
                    ),
                    models.Q(
                        ("is_default__isnull", True),
                        models.Q(
                            ("service__isnull", True), ("tenant__isnull", True), _negated=True
                        ),
                    ),
                    _connector="OR",
                ),
                name="bookings_payments_policy_default",
            ),
        ),
        migrations.AddConstraint(
            model_name="refundpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("no_show_fee_percent__range", (0, 100)),
                    ("no_show_refund_percent__range", (0, 100)),
                ),
                name="bookings_payments_policy_percent",
            ),
        ),
        migrations.AddConstraint(
            model_name="refundtier",
            constraint=models.UniqueConstraint(
                fields=("policy", "notice_minutes"), name="bookings_payments_tier_notice"
            ),
        ),
        migrations.AddConstraint(
            model_name="refundtier",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("fee_percent__range", (0, 100)), ("refund_percent__range", (0, 100))
                ),
                name="bookings_payments_tier_percent",
            ),
        ),
    ]
