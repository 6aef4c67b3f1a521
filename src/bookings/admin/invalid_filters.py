"""Lists whose address has a value that the database does not take."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.admin.options import IncorrectLookupParameters
from django.db import DataError
from django.http import HttpRequest

from bookings.admin.permitted_links import PermittedLinksMixin


class InvalidFilterMixin(PermittedLinksMixin):
    """Show the list without its filters if a filter has a value that no column can hold.

    Django does so for a text that is no number, but not for a number that is too large, or for a
    text with a null character: only the database or its driver refuses these.

    As the base of every admin class of the package, it also loads their style sheet, and the script
    that names the parts of Django's widgets for screen readers, the one that leads to the first
    error of a form, and it has no link that the user
    may not follow.
    """

    class Media:
        css: ClassVar = {"all": ["bookings/admin.css"]}
        js: ClassVar = ["bookings/labels.js", "bookings/first_error.js"]

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        try:
            return super().get_changelist_instance(request)
        except (DataError, OverflowError, ValueError) as error:
            raise IncorrectLookupParameters from error
