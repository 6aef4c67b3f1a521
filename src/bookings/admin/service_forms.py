"""Model forms that are saved by services, and the admin classes that use them.

A model form checks each value by itself, and the service decides about all of them. If the service
refuses, Django's transaction around the page is rolled back, and the page is shown again with the
service's error at the field that it is about.
"""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, Final

from django.core.exceptions import NON_FIELD_ERRORS, FieldDoesNotExist, ValidationError
from django.db import DatabaseError, router
from django.forms.utils import pretty_name
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst

from bookings.admin.choices import usable_initial
from bookings.admin.form_errors import as_form_error, for_staff
from bookings.admin.generic_bases import ModelAdmin, ModelForm
from bookings.admin.visibility import refuse_hidden
from bookings.exceptions import BookingBusy, BookingError
from bookings.ledger.transactions import (
    UnnamedReference,
    check_references_after,
    translate_error,
)

ATTEMPTS: Final = 3
"""How often a page is saved while the database asks to try again."""

SERVICE_ERROR: Final = "_bookings_service_error"
"""The attribute of the request that holds the error until the form is validated again."""


class ServiceForm(ModelForm):
    """A model form whose subclasses call services to save it.

    Whoever saves it lets the :class:`~bookings.exceptions.BookingError` of a service pass:
    :class:`ServiceFormMixin` catches it and validates the form again, which then shows it.
    """

    service_error: ClassVar[BookingError | None] = None
    """What the service refused, when the form is validated for the second time."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        linked = {**(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        for name in linked.keys() & self.fields.keys():
            field = self.fields[name]
            value = None if field.widget.is_hidden else usable_initial(field, linked[name])
            if value is None:
                del self.initial[name]
            else:
                self.initial[name] = value

    def clean(self) -> dict[str, Any]:
        super().clean()
        return self.cleaned_data

    def prepare_instance(self) -> None:
        """Set on the instance what Django validates and what the service is going to compute."""

    def _post_clean(self) -> None:
        self.prepare_instance()
        super()._post_clean()  # type: ignore[misc]

    def full_clean(self) -> None:
        """Validate the form, and add what the service refused, whatever a ``clean()`` does."""
        super().full_clean()
        if self.is_bound and self.service_error is not None:
            self.add_error(None, self.as_form_error(self.service_error))

    def as_form_error(self, error: BookingError) -> ValidationError:
        """Return a service's error by field. Override it to put an error elsewhere."""
        return as_form_error(error)

    def add_error(self, field: str | None, error: Any) -> None:
        """Add an error, at the top of the form if its field is hidden or not on the form.

        Django raises ``ValueError`` for a field that is not on the form.
        """
        if not isinstance(error, ValidationError):
            error = ValidationError(error)
        errors = getattr(error, "error_dict", {field or NON_FIELD_ERRORS: [error]})
        for name, all_errors in errors.items():
            field_errors = [for_staff(each) for each in ValidationError(all_errors).error_list]
            if name in self.fields:
                is_hidden = self.fields[name].widget.is_hidden
                super().add_error(None if is_hidden else name, field_errors)
            elif name == NON_FIELD_ERRORS:
                super().add_error(None, field_errors)
            else:
                message = " ".join(ValidationError(field_errors).messages)
                super().add_error(None, f"{self._label(name)}: {message}")

    def _label(self, name: str) -> str:
        try:
            field: Any = self._meta.model._meta.get_field(name)
        except FieldDoesNotExist:
            return pretty_name(name)
        return capfirst(str(field.verbose_name))


class ServiceFormMixin(ModelAdmin):
    """Show the form again with the error of the service that should have saved it."""

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        # Django saves the form in a transaction of its own: the error has to leave it as an
        # exception, so that all of it is rolled back.
        service_error: BookingError | None = None
        view = partial(super().changeform_view, request, object_id, form_url, extra_context)
        run, using = view, router.db_for_write(self.model)
        for _attempt in range(ATTEMPTS):
            try:
                return run()
            except BookingError as error:
                service_error = error
            except DatabaseError as error:
                translated = translate_error(error)
                if isinstance(translated, UnnamedReference) and run is view:
                    run = partial(check_references_after, view, using=using)
                    continue
                if not isinstance(translated, BookingError):
                    raise
                service_error = translated
            if not isinstance(service_error, BookingBusy):
                break
        setattr(request, SERVICE_ERROR, service_error)
        return super().changeform_view(request, object_id, form_url, extra_context)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if not change:
            self.refuse_if_hidden(request, form.instance)

    def refuse_if_hidden(self, request: HttpRequest, obj: Any) -> None:
        """Raise ``NotAllowed`` if an object that was just written is none of ``get_queryset()``."""
        using = router.db_for_write(self.model, instance=obj)
        refuse_hidden(self, request, self.model._base_manager.using(using).filter(pk=obj.pk))

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        # Django makes a form class for each request, so nothing that is set on it stays.
        form: Any = super().get_form(request, obj, change, **kwargs)
        if issubclass(form, ServiceForm):
            form.service_error = getattr(request, SERVICE_ERROR, None)
        return form
