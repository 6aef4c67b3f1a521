"""The clinic's own models in the admin; the bookings bring their own.

``search_fields`` are what lets the bookings' forms complete a treatment's or practitioner's name.
"""

from django.contrib import admin

from bookings.admin import amount_column
from clinic.models import Clinic, Extra, Practitioner, Treatment


@admin.register(Clinic)
class ClinicAdmin(admin.ModelAdmin):
    search_fields = ("name",)


@admin.register(Practitioner)
class PractitionerAdmin(admin.ModelAdmin):
    list_display = ("name", "tenant", "is_active")
    list_filter = ("tenant", "is_active")
    list_select_related = ("tenant",)
    search_fields = ("name",)


@admin.register(Treatment)
class TreatmentAdmin(admin.ModelAdmin):
    list_display = (
        "name",
        "tenant",
        "duration_minutes",
        "capacity",
        amount_column(Treatment, "price_amount"),
        "currency",
    )
    list_filter = ("tenant", "is_active")
    list_select_related = ("tenant",)
    search_fields = ("name",)


@admin.register(Extra)
class ExtraAdmin(admin.ModelAdmin):
    list_display = (
        "name",
        "tenant",
        "extra_duration_minutes",
        amount_column(Extra, "price_amount"),
        "currency",
    )
    list_filter = ("tenant", "is_active")
    list_select_related = ("tenant",)
    search_fields = ("name",)
