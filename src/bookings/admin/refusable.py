"""A form that shows what a service has refused as if it had found it itself.

A model form checks each value; the services decide. What they refuse comes back as ``refusal``.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import NON_FIELD_ERRORS, FieldDoesNotExist, ValidationError
from django.forms.utils import pretty_name
from django.utils.text import capfirst

from bookings.admin.generic import AnyModelForm
from bookings.admin.refusals import as_form_error
from bookings.exceptions import BookingError


class RefusableForm(AnyModelForm):
    """Its subclasses write through services, and raise the :class:`BookingError` that says why not.

    :class:`~bookings.admin.refused.Refusing` catches it, and gives it to a form of the same values.
    """

    refusal: ClassVar[BookingError | None] = None

    def clean(self) -> dict[str, Any]:
        super().clean()
        if self.refusal is not None:
            self.add_error(None, self.as_form_error(self.refusal))
        return self.cleaned_data

    def as_form_error(self, refusal: BookingError) -> ValidationError:
        """What is shown of it, by field."""
        return as_form_error(refusal)

    def add_error(self, field: str | None, error: Any) -> None:
        """As Django's, which cannot place an error of a field that this form does not show."""
        if not isinstance(error, ValidationError):
            error = ValidationError(error)
        errors = getattr(error, "error_dict", {field or NON_FIELD_ERRORS: [error]})
        for name, about in errors.items():
            if name in self.fields:
                hidden = self.fields[name].widget.is_hidden
                super().add_error(None if hidden else name, about)
            elif name == NON_FIELD_ERRORS:
                super().add_error(None, about)
            else:
                said = " ".join(ValidationError(about).messages)
                super().add_error(None, f"{self._label(name)}: {said}")

    def _label(self, name: str) -> str:
        try:
            field: Any = self._meta.model._meta.get_field(name)
        except FieldDoesNotExist:
            return pretty_name(name)
        return capfirst(str(field.verbose_name))
