"""What the views share: who asks, which parameters there are, how errors are answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.db import transaction
from django.db.models import F, QuerySet
from django.http import HttpResponseBase, QueryDict
from django.utils.cache import patch_cache_control, patch_vary_headers
from rest_framework.generics import GenericAPIView
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSetMixin

from bookings.contrib.api.filters import StrictFilterBackend, check_parameters
from bookings.contrib.api.pagination import KeysetPagination
from bookings.contrib.api.policy import ApiPolicy, policy_of
from bookings.contrib.api.problems import handle_exception
from bookings.contrib.api.schema import BookingsSchema
from bookings.contrib.api.serializers.base import StrictSerializer
from bookings.contrib.api.throttling import ScopeThrottle

VARIES_BY = ("Accept", "Accept-Language", "Authorization", "Cookie")


class MergePatchParser(JSONParser):
    """JSON of a ``PATCH``, by its own media type (RFC 7396)."""

    media_type = "application/merge-patch+json"


class ApiViewSet(ViewSetMixin, GenericAPIView[Any]):
    """The base of all views of the API.

    A host may subclass each view, give it another ``serializer_class``, and mount it where it
    likes. Who is logged in, ``DEFAULT_AUTHENTICATION_CLASSES`` of ``REST_FRAMEWORK`` decides; who
    may do what, the policy.
    """

    renderer_classes: Any = (JSONRenderer,)
    parser_classes: Any = (JSONParser,)
    permission_classes: Any = ()
    metadata_class: Any = None
    throttle_classes: Any = (ScopeThrottle,)
    filter_backends: Any = (StrictFilterBackend,)
    pagination_class: Any = KeysetPagination
    schema: Any = BookingsSchema()

    orderings: tuple[str, ...] = ("pk", "-pk")
    """The orderings of the list; the first one is the default."""

    public_actions: ClassVar[frozenset[str]] = frozenset()
    """The actions for which nobody needs to be logged in."""

    body_classes: ClassVar[Mapping[str, Any]] = {}
    """The serializers of bodies, by action. A host may give another one, with other names."""

    action: str | None  # type: ignore[assignment]

    @classmethod
    def as_view(cls, actions: Any = None, **initkwargs: Any) -> Any:
        """Return the view, which is not atomic per request.

        A service is a transaction by itself, and repeats itself where the database asks for it,
        which it cannot within a transaction of the request (``ATOMIC_REQUESTS``).
        """
        view: Any = super().as_view(actions, **initkwargs)
        return transaction.non_atomic_requests(view)

    @property
    def policy(self) -> ApiPolicy:
        """Who may do what, for this request."""
        return policy_of(self.request)

    def get_exception_handler(self) -> Any:
        return handle_exception

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.action in {None, "metadata"}:
            # The address has no such method, which is answered next.
            return
        check_parameters(request, self.known_parameters())
        is_public = self.action in self.public_actions
        if not is_public and not self.policy.allows(self.collection_verb()):
            self.permission_denied(request)

    def throttle_scope(self) -> str:
        """Return which rate of ``BOOKINGS_API_THROTTLES`` counts for the request."""
        if self.request.method in {"GET", "HEAD"}:
            return "read"
        return "create" if self.action in {"create", "book", "join"} else "write"

    def get_throttles(self) -> Any:
        self.throttles = super().get_throttles()
        return self.throttles

    def collection_verb(self) -> str:
        """Return what the policy is asked for before any object is looked up."""
        return str(self.action)

    def ordering_expression(self, name: str) -> Any:
        """Return what a list is ordered by where its ordering is a field."""
        return F(name)

    def known_parameters(self) -> frozenset[str]:
        """Return the names of the query parameters of the action."""
        if not self.is_list_action():
            return frozenset()
        filterset = getattr(self, "filterset_class", None)
        filters = () if filterset is None else filterset.base_filters
        return frozenset(filters) | frozenset(self.pagination_class.parameters)

    def is_list_action(self) -> bool:
        """Return whether the action answers with pages of rows."""
        return self.action == "list"

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "policy": self.policy}

    def pointer_of(self, field: str) -> str | None:
        """Return the place in the body of what an error calls ``field``, as a JSON pointer.

        ``None`` if the body of the action has no such field.
        """
        name, _, rest = field.partition(".")
        body = self.body_classes.get(str(self.action), StrictSerializer)
        for declared, of in body._declared_fields.items():
            if name in {declared, of.source}:
                return "/".join(["", body.name_of(declared), *filter(None, rest.split("."))])
        return None

    def read_body(self, role_for: Callable[[dict[str, Any]], Any], **context: Any) -> Any:
        """Return the valid body of the action; its ``validated_data`` are a service's arguments.

        :param role_for: says in which role the user acts, by what was read.
        :param context: what the body needs to know besides.
        """
        context = {**self.get_serializer_context(), "role_for": role_for, **context}
        # An empty body of a form's type, as curl sends it: in a form, a box is not ticked then.
        data = {} if isinstance(self.request.data, QueryDict) else self.request.data
        body = self.body_classes[str(self.action)](
            data=data, context=context, partial=self.action == "partial_update"
        )
        body.is_valid(raise_exception=True)
        return body

    def list_rows(self, rows: QuerySet[Any]) -> Response:
        """Return a page of the filtered rows."""
        page = self.paginate_queryset(self.filter_queryset(rows))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def finalize_response(
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[arg-type]
        patch_vary_headers(response, VARIES_BY)
        for throttle in getattr(self, "throttles", ()):
            if getattr(throttle, "limit", None) is not None:
                response["RateLimit-Limit"] = str(throttle.limit)
                response["RateLimit-Remaining"] = str(throttle.remaining)
        if not response.has_header("Cache-Control"):
            patch_cache_control(response, private=True, no_cache=True)
        return response
