"""Migration operations that a host may need."""

from __future__ import annotations

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState


class RetargetForeignKey(Operation):
    """Point one of our foreign keys at the model that its setting names today.

    For a host that changes a ``BOOKINGS_*_MODEL`` setting when tables exist already (tenancy turned
    on, a service model replaced)::

        operations = [
            RetargetForeignKey("Booking", "tenant"),
            RetargetForeignKey("bookings_schedule.Schedule", "tenant"),
        ]

    A model of a contrib app is named with its app's label.

    Two steps, because Django insists that whatever an applied migration depends on is applied too:
    migrate the new model's table with the old setting; then change the setting and migrate with
    this operation, in a migration that depends on ``("bookings", "0002_initial")`` and on the new
    model's.

    The new model's primary key must be of the same type, and the column's values keys of its table:
    PostgreSQL judges that at the end of the migration, MySQL at once. Going backwards does nothing,
    for which table it was is not on record.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name: str, field_name: str) -> None:
        label, _dot, name = model_name.rpartition(".")
        self.model_label = f"{label or 'bookings'}.{name}"
        self.model_name = model_name
        self.field_name = field_name

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The state names the setting, not its value, so it is right already."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(self.model_label)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        field: Any = model._meta.get_field(self.field_name)
        editor: Any = schema_editor
        if schema_editor.connection.vendor == "sqlite":
            editor._remake_table(model)
            return
        for name in editor._constraint_names(model, [field.column], foreign_key=True):
            editor.execute(editor._delete_fk_sql(model, name))
        suffix = "_fk_%(to_table)s_%(to_column)s"
        editor.execute(editor._create_fk_sql(model, field, suffix))

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Do nothing: see the class."""

    def describe(self) -> str:
        return f"Point {self.model_name}.{self.field_name} at the model of its setting"

    @property
    def migration_name_fragment(self) -> str:
        name = self.model_name.rpartition(".")[2].lower()
        return f"retarget_{name}_{self.field_name}"
