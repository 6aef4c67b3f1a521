"""The base of the admin classes of this package: pages of their own, and pages with a question."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from django import forms
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from bookings.admin.form_errors import error_message
from bookings.admin.invalid_filters import InvalidFilterMixin
from bookings.admin.visibility import visible_objects
from bookings.exceptions import BookingError
from bookings.models import Booking


class Page(NamedTuple):
    """A page of an admin class besides Django's own."""

    route: str
    """Where it is, below the list of objects, as for ``django.urls.path``."""
    view: Callable[..., HttpResponseBase]
    name: str
    """What ``page_url()`` calls it. The name of the URL is ``<app>_<model>_<name>``."""


class BaseAdmin(InvalidFilterMixin):
    """A ``ModelAdmin`` with pages of its own.

    A page with a question, which calls a service with the answer::

        class RoomAdmin(BaseAdmin):
            def get_pages(self):
                route = "<path:object_id>/close/"
                return [Page(route, self.close_view, "close"), *super().get_pages()]

            def close_view(self, request, object_id):
                room = self.get_object_to_change(request, object_id)
                form = ReasonForm(posted_data(request))
                if submit(form, lambda: close_room(room, **form.cleaned_data)):
                    return self.redirect("change", room)
                return self.render_question(request, form, [room], title=_("Close the room"))

    A page with a list, of what the user may see::

            def waiting_view(self, request):
                self.check_view_permission(request)
                bookings = self.visible_bookings(request).awaiting_approval()
                template = "admin/rooms/room/waiting.html"
                return self.render_page(request, template, title=_("Waiting"), bookings=bookings)

    Its template extends ``admin/bookings/page.html``. A change of an object's state, with a button
    on the object's page, is a :class:`~bookings.admin.steps.Step`.
    """

    def get_pages(self) -> list[Page]:
        """Return the pages besides Django's own. The first one whose route matches is used."""
        return []

    def get_urls(self) -> list[URLPattern]:
        pages = [
            path(page.route, self.admin_site.admin_view(page.view), name=self._url_name(page.name))
            for page in self.get_pages()
        ]
        return [*pages, *super().get_urls()]

    def _url_name(self, page: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"

    def page_url(self, page: str, obj: Model | None = None, *args: Any) -> str:
        """Return the address of a page on this site: one of ``get_pages()``, or of Django's own."""
        key = [] if obj is None else [quote(obj.pk)]
        return reverse(
            f"admin:{self._url_name(page)}",
            args=[*key, *args],
            current_app=self.admin_site.name,
        )

    def redirect(self, page: str, obj: Model | None = None) -> HttpResponse:
        return HttpResponseRedirect(self.page_url(page, obj))

    def get_object_to_change(self, request: HttpRequest, object_id: str) -> Any:
        """Return the object of a page that changes it.

        Only the objects of ``get_queryset()`` are found (404). The user needs the permission to
        change this one (403).
        """
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            raise Http404
        if not self.has_change_permission(request, obj):
            raise PermissionDenied
        return obj

    def check_view_permission(self, request: HttpRequest) -> None:
        """Refuse (403) a user who may not see the list of objects."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied

    def visible_bookings(self, request: HttpRequest) -> QuerySet[Booking]:
        """Return the bookings that this user may see in this site, as the bookings' admin says."""
        return visible_objects(self.admin_site, Booking, request)

    def get_actor(self, request: HttpRequest) -> Any:
        """Return the user whom the history names.

        ``None`` where ``BOOKINGS_USER_MODEL`` is not the model with which staff log in.
        """
        user_model: Any = Booking._meta.get_field("created_by").related_model
        return request.user if isinstance(request.user, user_model) else None

    def render_page(
        self,
        request: HttpRequest,
        template: str | Sequence[str],
        *,
        title: Any,
        media: forms.Media | None = None,
        **context: Any,
    ) -> TemplateResponse:
        """Return a page of this admin class, whose template extends ``admin/bookings/page.html``.

        ``media`` is that of the page's form, if it has one.
        """
        request.current_app = self.admin_site.name
        return TemplateResponse(
            request,
            template,
            {
                **self.admin_site.each_context(request),
                "title": title,
                "subtitle": None,
                "opts": self.opts,
                "media": self.media if media is None else self.media + media,
                "has_view_permission": self.has_view_or_change_permission(request),
                **context,
            },
        )

    def render_question(
        self,
        request: HttpRequest,
        form: forms.BaseForm,
        objects: Iterable[Any],
        *,
        title: Any,
        button: Any = None,
        hidden: Iterable[tuple[str, Any]] = (),
        template: str = "question.html",
        **context: Any,
    ) -> TemplateResponse:
        """Return a page that shows a form about some objects.

        The button says the ``title`` unless there is a text for it. ``hidden`` are names and values
        that the page sends along. Without a template of its own in ``admin/<app>/<model>/``, the
        page lists the objects by name.
        """
        folders = (f"{self.opts.app_label}/{self.opts.model_name}", "bookings")
        objects = list(objects)
        is_about_one = len(objects) == 1 and isinstance(objects[0], self.model)
        back = ("change", objects[0]) if is_about_one else ("changelist",)
        return self.render_page(
            request,
            [f"admin/{folder}/{template}" for folder in folders],
            title=title,
            media=form.media,
            form=form,
            objects=objects,
            button=title if button is None else button,
            hidden=[*hidden],
            **{"back_url": self.page_url(*back)} | context,
        )


def posted_data(request: HttpRequest) -> QueryDict | None:
    """Return what was posted to a page that is opened by GET; ``None`` if it is being opened."""
    return request.POST if request.method == "POST" else None


def answer_data(request: HttpRequest) -> QueryDict | None:
    """Return the answer to a question, for a page that is opened by POST as well.

    Such are the pages of actions and those of steps. ``None`` if the question is still to be asked.
    """
    return request.POST if "_answered" in request.POST else None


def action_fields(action: str, objects: Iterable[Model]) -> list[tuple[str, Any]]:
    """Return the hidden fields with which the question of an action calls the action again."""
    return [("action", action), *((ACTION_CHECKBOX_NAME, str(obj.pk)) for obj in objects)]


def submit(form: forms.BaseForm, save: Callable[[], Any]) -> bool:
    """Return whether the form is valid and ``save()`` succeeds.

    A ``BookingError`` that ``save()`` raises becomes an error of the form: where the form's
    ``as_form_error()`` puts it, if it has that method, else above the form.
    """
    if not form.is_valid():
        return False
    try:
        save()
    except BookingError as error:
        form.add_error(
            None,
            form.as_form_error(error) if hasattr(form, "as_form_error") else error_message(error),
        )
        return False
    return True
