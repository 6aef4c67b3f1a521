"""The schema of the API, and a page that shows it, without a script."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views import View
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings.contrib.api.schema import generate_schema

CONTENT_TYPE = "application/vnd.oai.openapi+json"


@lru_cache(maxsize=16)
def _schema_in(language: str | None, urlconf: str) -> Any:
    return generate_schema(urlconf)


class SchemaView(APIView):
    """The OpenAPI schema, as JSON, for anybody."""

    urlconf: ClassVar[str] = "bookings.contrib.api.urls"
    """The URLconf whose views it describes."""

    renderer_classes: Any = (JSONRenderer,)
    authentication_classes: Any = ()
    permission_classes: Any = ()
    throttle_classes: Any = ()
    schema: Any = None

    def get(self, request: Request) -> Response:
        prefix = request.path.rstrip("/").rpartition("/")[0]
        schema = _schema_in(get_language(), self.urlconf)
        return Response({**schema, "servers": [{"url": prefix}]}, content_type=CONTENT_TYPE)


class DocumentationView(View):
    """The schema as a page, for anybody."""

    urlconf: ClassVar[str] = SchemaView.urlconf

    def get(self, request: HttpRequest) -> HttpResponse:
        schema = _schema_in(get_language(), self.urlconf)
        prefix = request.path.rstrip("/").rpartition("/")[0]
        resources: dict[str, list[dict[str, Any]]] = {}
        for path, methods in schema["paths"].items():
            for method, operation in methods.items():
                resources.setdefault(operation["tags"][0], []).append(
                    {
                        "method": method.upper(),
                        "path": prefix + path,
                        "description": operation.get("description", ""),
                        "parameters": operation.get("parameters", []),
                        "statuses": sorted(operation["responses"]),
                    }
                )
        context = {"title": schema["info"]["title"], "resources": resources}
        return render(request, "bookings_api/documentation.html", context)
