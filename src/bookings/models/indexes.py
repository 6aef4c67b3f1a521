"""``CaseInsensitiveIndex``: an index for ``iexact``, which each database compares differently."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.functions import Upper


class CaseInsensitiveIndex(models.Index):
    """An index on one text column for lookups with ``iexact``.

    On PostgreSQL it is on the column's upper case, which is what Django compares there; on the
    others on the column itself: MySQL's and MariaDB's collations ignore case anyway, and MariaDB
    has no index on an expression.
    """

    def create_sql(self, model: Any, schema_editor: Any, using: str = "", **kwargs: Any) -> Any:
        if schema_editor.connection.vendor != "postgresql":
            return super().create_sql(model, schema_editor, using=using, **kwargs)
        (column,) = self.fields
        upper = models.Index(Upper(column), name=self.name)
        return upper.create_sql(model, schema_editor, using=using, **kwargs)
