"""The clinic's own models. The bases bring every field that django-bookings reads."""

from django.db import models

from bookings.abstract import AbstractAddon, AbstractProvider, AbstractService


class Clinic(models.Model):
    """The tenant: everything below belongs to one clinic, and bookings never mix two."""

    name = models.CharField(max_length=255)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Practitioner(AbstractProvider):
    """The provider: whose time is booked, one client (or one class) at a time."""

    # The attribute that django-bookings compares is called tenant_id, so the field is the tenant.
    tenant = models.ForeignKey(
        Clinic, on_delete=models.PROTECT, related_name="practitioners", verbose_name="clinic"
    )


class Treatment(AbstractService):
    """The service: its duration, its price, and how late a client may still change their mind."""

    tenant = models.ForeignKey(
        Clinic, on_delete=models.PROTECT, related_name="treatments", verbose_name="clinic"
    )


class Extra(AbstractAddon):
    """The add-on, which may make a booking longer and dearer."""

    tenant = models.ForeignKey(
        Clinic, on_delete=models.PROTECT, related_name="extras", verbose_name="clinic"
    )
