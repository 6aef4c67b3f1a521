"""``NoOverlap``: a constraint against overlapping intervals, by the means of each database."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, models
from django.db.backends.ddl_references import Statement, Table
from django.utils.translation import gettext_lazy as _

from bookings.rules.instants import SECOND_BITS

_POSTGRES = (
    "CONSTRAINT %(name)s EXCLUDE USING gist (int8range("
    "%(owner)s * %(span)s + %(starts)s, %(owner)s * %(span)s + %(ends)s) WITH &&)%(compared)s"
)
_SQLITE_TRIGGER = (
    "CREATE TRIGGER %(trigger)s BEFORE %(event)s ON %(table)s FOR EACH ROW "
    "WHEN %(compared)sEXISTS (SELECT 1 FROM %(table)s WHERE %(owner)s = NEW.%(owner)s "
    "AND %(starts)s < NEW.%(ends)s AND %(ends)s > NEW.%(starts)s%(others)s) "
    "BEGIN SELECT RAISE(ABORT, '%(message)s'); END"
)


class NoOverlap(models.BaseConstraint):
    """Half-open intervals ``[starts, ends)`` of one owner never overlap.

    ``owner``, ``starts`` and ``ends`` are integer columns; seconds are in ``0..MAX_SECOND``, which
    a check constraint of the model has to ensure. ``unless`` is a text column and a value: rows
    with that value are not compared with any.

    - PostgreSQL: an exclusion constraint over one ``int8range`` that holds owner and time, so that
      core GiST suffices and no extension (``btree_gist``) has to be installed.
    - SQLite: a trigger before insert and one before update. They are part of the table's state, so
      a migration that rebuilds the table creates them again.
    - MySQL and MariaDB have neither; there the ledger makes a locking read under the calendar's
      lock.
    """

    violation_error_code = "conflict"

    def __init__(
        self,
        *,
        name: str,
        owner: str,
        starts: str,
        ends: str,
        unless: tuple[str, str] | None = None,
        violation_error_code: str | None = None,
        violation_error_message: Any = None,
    ) -> None:
        self.owner = owner
        self.starts = starts
        self.ends = ends
        self.unless = None if unless is None else (unless[0], str(unless[1]))
        super().__init__(
            name=name,
            violation_error_code=violation_error_code,
            violation_error_message=violation_error_message
            or _("This time overlaps with another of the same calendar."),
        )

    def _columns(self, model: Any, schema_editor: Any) -> dict[str, str]:
        return {
            part: schema_editor.quote_name(model._meta.get_field(getattr(self, part)).column)
            for part in ("owner", "starts", "ends")
        }

    def _is_compared(self, model: Any, schema_editor: Any, row: str = "") -> str:
        """Return the SQL condition for a row that is compared; empty if all are."""
        if self.unless is None:
            return ""
        name, value = self.unless
        column = schema_editor.quote_name(model._meta.get_field(name).column)
        return f"{row}{column} <> '{value}'"

    def constraint_sql(self, model: Any, schema_editor: Any) -> Any:
        vendor = schema_editor.connection.vendor
        if vendor == "postgresql":
            compared = self._is_compared(model, schema_editor)
            return _POSTGRES % {
                "name": schema_editor.quote_name(self.name),
                "span": 2**SECOND_BITS,
                "compared": compared and f" WHERE ({compared})",
                **self._columns(model, schema_editor),
            }
        if vendor == "sqlite":
            # A Statement, so that the rename at the end of a table rebuild reaches it.
            schema_editor.deferred_sql.extend(self._triggers(model, schema_editor))
        return None

    def _triggers(self, model: Any, schema_editor: Any) -> list[Statement]:
        columns = self._columns(model, schema_editor)
        pk = schema_editor.quote_name(model._meta.pk.column)
        table = model._meta.db_table
        changes = "UPDATE OF {owner}, {starts}, {ends}".format(**columns)
        compared = self._is_compared(model, schema_editor, "NEW.")
        if self.unless is not None:
            changes += f", {schema_editor.quote_name(self.unless[0])}"
            is_other = f" AND {self._is_compared(model, schema_editor)}"
        else:
            is_other = ""
        return [
            Statement(
                _SQLITE_TRIGGER,
                trigger=schema_editor.quote_name(f"{self.name}_{suffix}"),
                event=event,
                others=is_other + others,
                compared=compared and f"{compared} AND ",
                table=Table(table, schema_editor.quote_name),
                message=self.name,
                **columns,
            )
            for suffix, event, others in (
                ("insert", "INSERT", ""),
                ("update", changes, f" AND {pk} <> OLD.{pk}"),
            )
        ]

    def create_sql(self, model: Any, schema_editor: Any) -> Any:
        constraint = self.constraint_sql(model, schema_editor)
        if constraint is None:
            return None
        return Statement(
            "ALTER TABLE %(table)s ADD %(constraint)s",
            table=Table(model._meta.db_table, schema_editor.quote_name),
            constraint=constraint,
        )

    def remove_sql(self, model: Any, schema_editor: Any) -> Any:
        if schema_editor.connection.vendor != "postgresql":
            return None
        return Statement(
            "ALTER TABLE %(table)s DROP CONSTRAINT %(name)s",
            table=Table(model._meta.db_table, schema_editor.quote_name),
            name=schema_editor.quote_name(self.name),
        )

    def validate(
        self,
        model: Any,
        instance: models.Model,
        exclude: Any = None,
        using: str = DEFAULT_DB_ALIAS,
    ) -> None:
        if exclude and {self.owner, self.starts, self.ends} & set(exclude):
            return
        owner = model._meta.get_field(self.owner)
        starts, ends = getattr(instance, self.starts), getattr(instance, self.ends)
        owner_key = getattr(instance, owner.attname)
        if None in (starts, ends, owner_key) or not self._compares(instance):
            return
        others = model._default_manager.using(using).filter(
            **{
                owner.attname: owner_key,
                f"{self.starts}__lt": ends,
                f"{self.ends}__gt": starts,
            }
        )
        if self.unless is not None:
            others = others.exclude(**dict([self.unless]))
        if not instance._state.adding:
            others = others.exclude(pk=instance.pk)
        if others.exists():
            raise ValidationError(self.get_violation_error_message(), self.violation_error_code)

    def _compares(self, instance: models.Model) -> bool:
        return self.unless is None or getattr(instance, self.unless[0]) != self.unless[1]

    def deconstruct(self) -> Any:
        _path, args, kwargs = super().deconstruct()
        # The message belongs to today's code, not to the migration's history.
        kwargs.pop("violation_error_message", None)
        kwargs |= {"owner": self.owner, "starts": self.starts, "ends": self.ends}
        if self.unless is not None:
            kwargs["unless"] = self.unless
        return "bookings.models.constraints.NoOverlap", args, kwargs

    def __eq__(self, other: object) -> bool:
        if isinstance(other, NoOverlap):
            return bool(self.deconstruct() == other.deconstruct())
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self.name)
