"""Sphinx configuration. ``tox run -e docs`` builds the pages; every warning is an error."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final

import django
from django.conf import settings
from django.db import models
from docutils import nodes

# The reference is built from docstrings. Importing a model needs a configured project; this one
# uses the bundled catalogue.
settings.configure(
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.admin",
        "bookings",
        "bookings.contrib.catalog",
        "bookings.contrib.payments",
        "bookings.contrib.schedule",
        "bookings.contrib.group_sessions",
        "bookings.contrib.series",
        "bookings.contrib.api",
    ],
    BOOKINGS_SERVICE_MODEL="bookings_catalog.Service",
    BOOKINGS_PROVIDER_MODEL="bookings_catalog.Provider",
    BOOKINGS_ADDON_MODEL="bookings_catalog.ServiceAddon",
    USE_TZ=True,
)
django.setup()

import bookings  # noqa: E402

project = "django-bookings"
author = "django-bookings contributors"
copyright = f"2026, {author}"
release = bookings.__version__
version = ".".join(release.split(".")[:2])

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinxcontrib.mermaid"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
root_doc = "index"
nitpicky = False
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
# GitHub renders a ``mermaid`` block as a diagram, so the pages use the same syntax.
myst_fence_as_directive = ["mermaid"]

autodoc_member_order = "bysource"
# The signature shows types and defaults, one parameter a line. Each documented parameter shows its
# type beside its meaning.
autodoc_typehints = "both"
autodoc_typehints_description_target = "documented"
python_maximum_signature_line_length = 110
python_use_unqualified_type_names = True
add_module_names = False

html_theme = "furo"
html_title = f"{project} {release}"
html_static_path = ["_static"]
html_css_files = ["fields.css"]

# autodoc merges the types at the default priority, 500.
AFTER_TYPES: Final = 600


def drop_return_type(app: Any, domain: str, kind: str, content: nodes.Element) -> None:
    """Remove the field "Return type", because the signature ends with the type already."""
    for field in list(content.findall(nodes.field)):
        if field[0].astext() == "rtype":
            field.parent.remove(field)


def drop_class_signature(
    app: Any, kind: str, name: str, documented: Any, *signature: Any
) -> tuple[str, None] | None:
    """Remove the arguments of a class whose constructor shows only generic ones."""
    if kind == "class" and (
        getattr(documented, "_is_protocol", False)
        or issubclass(documented, models.Model | models.QuerySet | Enum)
    ):
        return "", None
    return None


def setup(app: Any) -> None:
    app.connect("autodoc-process-signature", drop_class_signature)
    app.connect("object-description-transform", drop_return_type, priority=AFTER_TYPES)
