"""What every tracked row has: an id from the database, times by its clock, a protected state and a history."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar, cast

from django.contrib.auth import get_user_model
from django.contrib.postgres.functions import TransactionNow
from django.db import connections, models, router
from django.db.models import Func, Q, Value
from django.db.models.lookups import Exact
from django_fsm import FSMField, FSMFieldMixin, transition
from simple_history.models import HistoricalRecords

from tracking import home
from tracking.machines import Machine

Transition = TypeVar("Transition", bound=Callable[..., Any])


class RandomUUID(Func):
    """``gen_random_uuid()``, which every supported PostgreSQL has without an extension."""

    function = "gen_random_uuid"
    template = "%(function)s()"
    output_field = models.UUIDField()


class StateField(FSMField):
    """A state that only transitions change.

    An INSERT never reads it back: the field is protected, so taking the returned value would fail.
    """

    db_returning = False


def state_field(machine: Machine, choices: Iterable[tuple[str, str]], **options: Any) -> StateField:
    """Return the protected field of a machine's column."""
    options = {"db_default": machine.initial, **options, "protected": True}
    field: StateField = StateField(max_length=50, choices=list(choices), default=machine.initial, **options)
    return field


def move(machine: Machine, *, conditions: Iterable[Callable[[Any], bool]] = ()) -> Callable[[Transition], Transition]:
    """Make a method the transition of its name: sources and target come from the machine alone."""

    def decorate(method: Transition) -> Transition:
        jumps = machine.named(method.__name__)
        if not jumps:
            raise LookupError(f"{machine.table} declares no transition named {method.__name__}")
        result: Any = method
        for jump in jumps:
            result = transition(
                field=machine.column, source=jump.source, target=jump.target, conditions=list(conditions)
            )(result)
        return cast(Transition, result)

    return decorate


def one_of(column: str, values: Iterable[str], name: str) -> models.CheckConstraint:
    """Return the CHECK that a column holds one of the listed values."""
    return models.CheckConstraint(condition=Q(**{f"{column}__in": list(values)}), name=name)


def json_is(column: str, kind: str, name: str) -> models.CheckConstraint:
    """Return the CHECK that a jsonb column holds an ``object`` or an ``array``."""
    found = Func(models.F(column), function="jsonb_typeof", output_field=models.TextField())
    return models.CheckConstraint(condition=Exact(found, Value(kind)), name=name)


def _user_of(record: Any) -> Any:
    """Return the account a history row names, None when there is none (any more)."""
    if not record.history_user_id:
        return None
    return get_user_model()._default_manager.filter(username=record.history_user_id).first()


def _name_user(record: Any, user: Any) -> None:
    record.history_user_id = getattr(user, "username", user) or None


def _writer(*, instance: models.Model, request: Any = None, **_: Any) -> str:
    """Return the username a history row records: the author of the write transaction, else of the request."""
    return home.author().username or (request.user.get_username() if request else "")


class RowHistory(HistoricalRecords):  # type: ignore[misc]
    """History whose rows can change database: UUID ids, the person as a username, no foreign key."""

    def __init__(self, table_name: str, **options: Any) -> None:
        super().__init__(
            table_name=table_name,
            history_id_field=models.UUIDField(default=uuid.uuid4),
            history_change_reason_field=models.TextField(null=True),
            history_user_id_field=models.CharField(max_length=150, null=True),
            history_user_getter=_user_of,
            history_user_setter=_name_user,
            get_user=_writer,
            **options,
        )

    def copy_fields(self, model: type[models.Model]) -> dict[str, Any]:
        """Copy the fields without their defaults and machines: a history row is told every value."""
        fields: dict[str, Any] = super().copy_fields(model)
        for name, field in fields.items():
            if isinstance(field, FSMFieldMixin):
                field = models.CharField(max_length=field.max_length, choices=field.choices, null=field.null)
                field.name = name
                fields[name] = field
            field.db_default = models.NOT_PROVIDED
            field.default = models.NOT_PROVIDED
            field.__dict__.pop("_get_default", None)
            field.__dict__.pop("_db_default_expression", None)
        return fields

    def get_change_reason_for_object(self, instance: models.Model, history_type: str, using: str) -> str | None:
        """Return the reason of the write transaction, or the one set on the row."""
        return home.author().reason or super().get_change_reason_for_object(instance, history_type, using) or None


def database_times(alias: str) -> tuple[datetime, datetime]:
    """Return the transaction's time and the clock's time of a database."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT CURRENT_TIMESTAMP, clock_timestamp()")
        row = cursor.fetchone()
    return row[0], row[1]


class HistoricRow(models.Model):
    """A row whose saves happen in a write transaction, together with their history row."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save row and history row with times by the database's clock.

        Raises:
            RuntimeError: there is no transaction that would hold both; write inside ``home.writing()``.
        """
        alias = kwargs.get("using") or router.db_for_write(type(self), instance=self)
        self._refuse_without_transaction(alias)
        now, clock = database_times(alias)
        self._stamp(now)
        self._history_date = clock
        try:
            super().save(*args, **kwargs)
        finally:
            del self._history_date

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete the row and write its last history row in the same transaction."""
        alias = kwargs.get("using") or router.db_for_write(type(self), instance=self)
        self._refuse_without_transaction(alias)
        self._history_date = database_times(alias)[1]
        return super().delete(*args, **kwargs)

    def refresh_from_db(
        self, using: str | None = None, fields: Iterable[str] | None = None, from_queryset: Any = None
    ) -> None:
        """Read the row again, its protected state included."""
        names = list(fields) if fields is not None else [f.attname for f in self._meta.concrete_fields]
        for field in self._meta.concrete_fields:
            if isinstance(field, FSMFieldMixin) and field.attname in names:
                self.__dict__.pop(field.attname, None)
        super().refresh_from_db(using=using, fields=names, from_queryset=from_queryset)

    def _stamp(self, now: datetime) -> None:
        """Set what a save records by itself; nothing here."""

    @staticmethod
    def _refuse_without_transaction(alias: str) -> None:
        if not connections[alias].in_atomic_block:
            raise RuntimeError("A tracked row and its history are one transaction: write inside home.writing().")


class TrackedRow(HistoricRow):
    """A row of one of the tables whose ``updated_at`` is maintained."""

    id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    created_at = models.DateTimeField(db_default=TransactionNow(), editable=False)
    updated_at = models.DateTimeField(db_default=TransactionNow(), editable=False)

    class Meta:
        abstract = True

    def _stamp(self, now: datetime) -> None:
        if not self._state.adding:
            self.updated_at = now
