"""Sphinx, with Markdown by MyST. ``tox run -e docs`` builds it, warnings being errors."""

from __future__ import annotations

import django
from django.conf import settings

# The reference is read from the docstrings, and importing a model needs a host: the catalogue's.
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
# As GitHub has it, which draws such a block too.
myst_fence_as_directive = ["mermaid"]
autodoc_member_order = "bysource"
autodoc_typehints = "none"

html_theme = "furo"
html_title = f"{project} {release}"
