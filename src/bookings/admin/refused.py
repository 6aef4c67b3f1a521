"""A form whose service refuses is shown again with the reason, and nothing is half-written."""

from __future__ import annotations

from typing import Any, Final

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse

from bookings.admin.generic import AnyModelAdmin
from bookings.admin.refusable import RefusableForm
from bookings.exceptions import BookingBusy, BookingError
from bookings.transactions import judge

ATTEMPTS: Final = 3

REFUSAL: Final = "_bookings_refusal"


class Refusing(AnyModelAdmin):
    """Django saves a form in one transaction. What a service refuses leaves it as an exception, so
    that all of it is rolled back; only then is the form made again, knowing the refusal.
    """

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        refusal: BookingError | None = None
        for _attempt in range(ATTEMPTS):
            try:
                return super().changeform_view(request, object_id, form_url, extra_context)
            except BookingError as error:
                refusal = error
            except DatabaseError as error:
                judged = judge(error)
                if not isinstance(judged, BookingError):
                    raise
                refusal = judged
            if not isinstance(refusal, BookingBusy):
                break
        setattr(request, REFUSAL, refusal)
        return super().changeform_view(request, object_id, form_url, extra_context)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        # A class of this request's own, so what is set on it stays here.
        form: Any = super().get_form(request, obj, change, **kwargs)
        if issubclass(form, RefusableForm):
            form.refusal = getattr(request, REFUSAL, None)
        return form
