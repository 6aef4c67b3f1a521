"""Admin classes that show rows and take nothing that is sent."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern

from bookings.admin.generic_bases import InlineFormSet, TabularInline
from bookings.admin.invalid_filters import InvalidFilterMixin
from bookings.admin.visibility import can_view, registered_admin, visible_objects

PAGES_OF_OBJECTS: Final = ("add", "change", "delete", "history")


class ReadOnlyAdmin(InvalidFilterMixin):
    """For rows that only services write. Name the fields in ``readonly_fields`` as well."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class PageOnlyAdmin(ReadOnlyAdmin):
    """For a model that only stands in the menu: its list is a page, and there are no objects.

    The model is a proxy of one whose rows the page does not show, so there is no page of a row.
    """

    def get_urls(self) -> list[URLPattern]:
        prefix = f"{self.opts.app_label}_{self.opts.model_name}"
        left_out = {None, *(f"{prefix}_{name}" for name in PAGES_OF_OBJECTS)}
        return [pattern for pattern in super().get_urls() if pattern.name not in left_out]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).none()

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and self.has_page_permission(request)

    def has_page_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may open the page."""
        raise NotImplementedError(f"Define has_page_permission() in {type(self).__name__}.")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)


class ReadOnlyFormSet(InlineFormSet):
    """A formset that is never bound to what is sent.

    Django binds even a read-only formset, and fails if there are fewer rows when the page is sent
    than there were when it was opened.
    """

    def __init__(self, data: Any = None, files: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)

    def is_valid(self) -> bool:
        return True

    def save(self, commit: bool = True) -> list[Any]:
        self.new_objects: list[Any] = []
        self.changed_objects: list[Any] = []
        self.deleted_objects: list[Any] = []
        return []


class ReadOnlyInline(TabularInline):
    """Rows that are a part of the object: whoever may see the object may see them."""

    # Django would look for the foreign key by itself, but fails on a setting that names no model
    # before the system check can say so.
    fk_name = "booking"
    formset = ReadOnlyFormSet
    template = "admin/bookings/read_only_rows.html"
    extra = 0
    can_delete = False

    @property
    def has_page_links(self) -> bool:
        """Whether each row has a link to the page of its object."""
        return bool(self.show_change_link and self.has_registered_model)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True


class PermittedReadOnlyInline(ReadOnlyInline):
    """Rows that the user sees in the admin of their own model.

    Where the site has none, the user needs the permission for the model.
    """

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        if registered_admin(self.admin_site, self.model) is None:
            return rows
        visible = visible_objects(self.admin_site, self.model, request)
        return rows.filter(pk__in=visible.order_by().values("pk"))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if registered_admin(self.admin_site, self.model) is None:
            return TabularInline.has_view_permission(self, request, obj)
        return can_view(self.admin_site, self.model, request)
