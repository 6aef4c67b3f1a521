"""Which objects forms and filters offer and accept: those that the admin of their model shows."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.admin import widgets
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch
from django.utils.text import Truncator

from bookings.admin.display import change_url
from bookings.admin.generic_bases import ModelMultipleChoiceField
from bookings.admin.invalid_filters import InvalidFilterMixin
from bookings.admin.visibility import registered_admin, selectable_objects

INVALID_VALUE = (ValidationError, ValueError, TypeError, OverflowError)
"""What Django and the database drivers raise for a text that is no value of a field."""


def with_key(objects: QuerySet[Any], key: str, name: str = "pk") -> QuerySet[Any]:
    """Return the objects with a key that was sent; none of them if the text is no key."""
    try:
        return objects.filter(**{name: key})
    except INVALID_VALUE:
        return objects.none()


class ScopedChoicesMixin(InvalidFilterMixin):
    """Foreign keys to the objects that the user may choose, as the admin of their model says."""

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        model = db_field.related_model
        kwargs.setdefault("queryset", selectable_objects(self.admin_site, model, request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        if obj is not None:
            for name, field in form.base_fields.items():
                key = getattr(obj, f"{name}_id", None)
                if key is not None and isinstance(field, forms.ModelChoiceField):
                    keep_choices(field, [key])
        return form


def keep_choices(field: Any, keys: list[Any]) -> None:
    """Let a field accept these keys too: those that an existing object has already."""
    queryset = field.queryset
    field.queryset = queryset.model._default_manager.filter(
        Q(pk__in=queryset.order_by().values("pk")) | Q(pk__in=keys)
    )


class ForeignKeyRawIdWidget(widgets.ForeignKeyRawIdWidget):
    """Django's field for a key, which names the object only if it is one of the choices."""

    choices: Any
    may_view: bool = True
    """Whether the user may open the list of the objects: only then are there links."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        if not self.may_view:
            context.pop("related_url", None)
        return context

    def label_and_url_for_value(self, value: Any) -> tuple[str, str]:
        try:
            obj = self.choices.queryset.filter(pk=value).first()
        except INVALID_VALUE:
            obj = None
        if obj is None:
            return "", ""
        url = ""
        with suppress(NoReverseMatch):
            if self.may_view:
                url = change_url(self.admin_site, obj)
        return Truncator(str(obj)).words(14), url


class ObjectsField(ModelMultipleChoiceField):
    """A choice of objects that refuses keys that are too large for the database."""

    def clean(self, value: Any) -> Any:
        try:
            return super().clean(value)
        except OverflowError as error:
            raise ValidationError(
                self.error_messages["invalid_choice"],
                code="invalid_choice",
                params={"value": ", ".join(str(key) for key in value)},
            ) from error


if TYPE_CHECKING:
    AutocompleteBase = widgets.AutocompleteMixin
else:
    AutocompleteBase = object


class ChosenKeysMixin(AutocompleteBase):
    """A search box that is shown without a choice if what was sent is no key."""

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        try:
            return super().optgroups(name, value, attr)
        except INVALID_VALUE:
            return super().optgroups(name, [], attr)


class AutocompleteSelect(ChosenKeysMixin, widgets.AutocompleteSelect):
    """Django's search box for one object, which takes any text as a key."""


class AutocompleteSelectMultiple(ChosenKeysMixin, widgets.AutocompleteSelectMultiple):
    """Django's search box for any number of objects, which takes any texts as keys."""


class RelatedFilter(admin.RelatedFieldListFilter):
    """A filter that offers what the user may choose.

    Where the site has no admin of the model, it offers what the rows of the list refer to.
    """

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        model = field.related_model
        if registered_admin(model_admin.admin_site, model) is None:
            rows = model_admin.get_queryset(request).filter(**{field.name: OuterRef("pk")})
            condition = Q(Exists(rows))
        else:
            offered = selectable_objects(model_admin.admin_site, model, request)
            condition = Q(pk__in=offered.order_by().values("pk"))
        ordering = self.field_admin_ordering(field, request, model_admin)
        return field.get_choices(include_blank=False, ordering=ordering, limit_choices_to=condition)


def usable_initial(field: Any, value: Any) -> Any:
    """Return the value of a link's query for a field; ``None`` if the field does not accept it.

    Of a field for several objects, the query has the keys with commas between them.
    """
    if isinstance(field, forms.ModelMultipleChoiceField) and isinstance(value, str):
        value = value.split(",")
    try:
        if isinstance(field, forms.ModelChoiceField):
            field.clean(value)
        else:
            field.to_python(value)
    except INVALID_VALUE:
        return None
    return value
