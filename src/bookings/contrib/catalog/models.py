"""The tables: services, providers and add-ons."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from bookings.abstract import AbstractAddon, AbstractProvider, AbstractService
from bookings.exceptions import InvalidBooking
from bookings.models.read_alias import read_alias
from bookings.pools import AnyOf, Strategy


class Provider(AbstractProvider):
    """Who is booked. Set ``BOOKINGS_PROVIDER_MODEL`` to ``"bookings_catalog.Provider"``."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="booking_providers",
        verbose_name=_("user"),
        help_text=_("The account of the provider, who sees only their own bookings with it."),
    )

    class Meta(AbstractProvider.Meta):
        verbose_name = _("provider")
        verbose_name_plural = _("providers")


class ResourcePool(models.Model):
    """Providers of which a service needs any one besides its own, such as rooms.

    A pool with one member is a certain resource.
    """

    STRATEGIES: ClassVar = [
        (Strategy.FIRST.value, _("In the order of their names")),
        (Strategy.LEAST_BUSY.value, _("The least busy first")),
        (Strategy.ROUND_ROBIN.value, _("In turn")),
    ]

    name = models.CharField(_("name"), max_length=255)
    members = models.ManyToManyField(
        Provider, related_name="resource_pools", verbose_name=_("members")
    )
    strategy = models.CharField(
        _("order"), max_length=20, choices=STRATEGIES, default=Strategy.FIRST.value
    )

    class Meta:
        verbose_name = _("resource pool")
        verbose_name_plural = _("resource pools")
        ordering: ClassVar = ["name", "id"]

    def __str__(self) -> str:
        return self.name

    def as_any_of(self) -> AnyOf:
        """Return its members, of which any one will do.

        Raises ``InvalidBooking`` (code ``empty_pool``) if it has none.
        """
        members = list(self.members.all())
        if not members:
            raise InvalidBooking(
                _("The resource pool %(pool)s has no members. Add one."),
                "empty_pool",
                {"pool": self.name},
                field="service.pools",
            )
        return AnyOf(members, self.strategy)


class Service(AbstractService):
    """What clients book. Set ``BOOKINGS_SERVICE_MODEL`` to ``"bookings_catalog.Service"``."""

    providers = models.ManyToManyField(
        Provider,
        blank=True,
        related_name="services",
        verbose_name=_("providers"),
        help_text=_("Who offers the service. Empty if everybody does."),
    )
    # So that a booking of a service that everybody offers makes no query for them.
    has_providers = models.BooleanField(default=False, editable=False)
    pools = models.ManyToManyField(
        ResourcePool,
        blank=True,
        related_name="services",
        verbose_name=_("resource pools"),
        help_text=_("A booking takes one member of each, besides its provider."),
    )
    # So that a booking of a service without pools makes no query for them.
    has_pools = models.BooleanField(default=False, editable=False)

    class Meta(AbstractService.Meta):
        verbose_name = _("service")
        verbose_name_plural = _("services")

    @property
    def resources(self) -> list[AnyOf]:
        """The pools of which a booking takes one member each."""
        if not self.has_pools:
            return []
        members = Provider._default_manager.order_by("name", "pk")
        pools = self.pools.using(read_alias(ResourcePool)).prefetch_related(
            models.Prefetch("members", members.using(read_alias(Provider)))
        )
        return [pool.as_any_of() for pool in pools]


FLAGS: Final = {
    Service.providers.through: ("has_providers", Provider),
    Service.pools.through: ("has_pools", ResourcePool),
}
"""The field of a service that says whether a relation has members, and the model of the members."""


def _update_flag(
    sender: Any, *, instance: Any, action: str, reverse: bool, using: str, **_kwargs: Any
) -> None:
    """Follow a relation of services; receives ``m2m_changed``."""
    if not action.startswith("post_"):
        return
    name, _model = FLAGS[sender]
    _update_services(sender, name, using)
    if not reverse:
        services = Service._default_manager.using(using)
        setattr(instance, name, getattr(services.get(pk=instance.pk), name))


def _update_services(through: Any, name: str, using: str) -> None:
    with_members = through._default_manager.using(using).values("service_id")
    services = Service._default_manager.using(using)
    services.filter(pk__in=with_members, **{name: False}).update(**{name: True})
    services.filter(**{name: True}).exclude(pk__in=with_members).update(**{name: False})


def _forget_deleted(sender: Any, *, using: str, **_kwargs: Any) -> None:
    """Follow the relations of services; receives ``post_delete``, with the rows of the relation
    deleted before.
    """
    for through, (name, model) in FLAGS.items():
        if model is sender:
            _update_services(through, name, using)


for _through, (_name, _model) in FLAGS.items():
    models.signals.m2m_changed.connect(_update_flag, sender=_through)
    models.signals.post_delete.connect(_forget_deleted, sender=_model)


class ServiceAddon(AbstractAddon):
    """An extra to book. Set ``BOOKINGS_ADDON_MODEL`` to ``"bookings_catalog.ServiceAddon"``."""

    service = models.ForeignKey(
        Service,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="addons",
        verbose_name=_("service"),
        help_text=_("Empty if it goes with every service."),
    )

    class Meta(AbstractAddon.Meta):
        verbose_name = _("add-on")
        verbose_name_plural = _("add-ons")
