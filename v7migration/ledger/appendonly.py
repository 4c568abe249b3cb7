"""Rows that are written once: the model side and the database side of "append-only".

The model side refuses in Python, with a sentence. The database side refuses whatever comes past it
(``update()`` in raw SQL, a bulk statement, TRUNCATE, a replica session), because the triggers fire always.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, NoReturn

from django.db import models
from django.db.models.base import ModelBase

from v7migration.errors import AppendOnlyRefused

WEB_ROLE = "v7_web"
NEXT_STEP = "Record a new row that says what changed."

# One function for every append-only table; a message names the table and the next step (SQLSTATE 23001).
REFUSE_CHANGE_OF_RECORD = """
CREATE FUNCTION public.refuse_change_of_record() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RAISE EXCEPTION '% on "%" is refused: the table is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation',
              HINT = 'Record a new row that says what changed.',
              TABLE = TG_TABLE_NAME, SCHEMA = TG_TABLE_SCHEMA;
END
$function$;
"""
DROP_REFUSE_CHANGE_OF_RECORD = "DROP FUNCTION public.refuse_change_of_record();"


def append_only_sql(table: str, *, lock_column: str | None = None) -> tuple[str, str]:
    """Return the SQL that makes ``public.<table>`` append-only, and the SQL that takes it back (for RunSQL).

    ``table`` and ``lock_column`` are names of our own in lower case. Where ``lock_column`` is named, the web role
    keeps UPDATE on that one column: PostgreSQL asks for it in SELECT … FOR SHARE or FOR UPDATE; the trigger
    refuses the update itself.
    """
    _plain_name(table)
    regrant = ""
    if lock_column is not None:
        _plain_name(lock_column)
        regrant = f"GRANT UPDATE ({lock_column}) ON public.{table} TO {WEB_ROLE};"
    forward = f"""
        CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON public.{table}
            FOR EACH ROW EXECUTE FUNCTION public.refuse_change_of_record();
        CREATE TRIGGER {table}_keep BEFORE TRUNCATE ON public.{table}
            FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change_of_record();
        ALTER TABLE public.{table} ENABLE ALWAYS TRIGGER {table}_append_only;
        ALTER TABLE public.{table} ENABLE ALWAYS TRIGGER {table}_keep;
        DO $grants$ BEGIN
            IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '{WEB_ROLE}') THEN
                REVOKE UPDATE, DELETE, TRUNCATE ON public.{table} FROM {WEB_ROLE};
                {regrant}
            END IF;
        END $grants$;
    """  # noqa: S608 (both names were checked to be plain)
    reverse = f"""
        DROP TRIGGER {table}_append_only ON public.{table};
        DROP TRIGGER {table}_keep ON public.{table};
    """
    return forward, reverse


def _plain_name(name: str) -> None:
    if not (name.isidentifier() and name.isascii() and name == name.lower()):
        raise ValueError(f"not a plain lower-case name: {name!r}")


class AppendOnlyQuerySet(models.QuerySet[Any]):
    """Reads and inserts; every other verb is refused."""

    def _refuse(self, verb: str) -> NoReturn:
        raise AppendOnlyRefused(f"A {self.model._meta.verbose_name} cannot be {verb}: it is append-only.", NEXT_STEP)

    def update(self, **kwargs: Any) -> int:
        """Refuse with :class:`AppendOnlyRefused`."""
        self._refuse("changed")

    def delete(self) -> tuple[int, dict[str, int]]:
        """Refuse with :class:`AppendOnlyRefused`."""
        self._refuse("deleted")

    def bulk_update(self, objs: Iterable[Any], fields: Iterable[str], batch_size: int | None = None) -> int:
        """Refuse with :class:`AppendOnlyRefused`."""
        self._refuse("changed")

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """Insert rows; an upsert is refused."""
        if kwargs.get("update_conflicts"):
            self._refuse("changed")
        return super().bulk_create(objs, *args, **kwargs)

    def _update(self, values: Any) -> int:
        self._refuse("changed")

    def _raw_delete(self, using: str | None) -> int:
        self._refuse("deleted")


AppendOnlyManager = models.Manager.from_queryset(AppendOnlyQuerySet)


class AppendOnlyBase(ModelBase):
    """Keeps the refusing manager the base manager of every subclass, whatever its own Meta says."""

    def __new__(cls, name: str, bases: tuple[type, ...], attrs: dict[str, Any], **kwargs: Any) -> Any:
        model: Any = super().__new__(cls, name, bases, attrs, **kwargs)
        if not model._meta.abstract:
            model._meta.base_manager_name = "objects"
        return model


class AppendOnly(models.Model, metaclass=AppendOnlyBase):
    """A model whose rows are inserted and read, never changed or deleted."""

    objects: ClassVar[Any] = AppendOnlyManager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert the row; raises :class:`AppendOnlyRefused` when it was stored before."""
        if not self._state.adding:
            raise AppendOnlyRefused(f"A {self._meta.verbose_name} cannot be changed: it is append-only.", NEXT_STEP)
        kwargs.pop("force_update", None)
        kwargs.pop("update_fields", None)
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Refuse with :class:`AppendOnlyRefused`."""
        raise AppendOnlyRefused(f"A {self._meta.verbose_name} cannot be deleted: it is append-only.", NEXT_STEP)
