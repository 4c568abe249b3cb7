"""What the admin pages of all apps share: who may write, how states, times and documents are shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.db import connections, router
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, StackedInline, TabularInline

NOTHING = SafeString("–")
READING = ("GET", "HEAD", "OPTIONS")

# The tone of a state. It is decoration: every place that uses it also shows the state's name.
_TONED = {
    "success": (
        "completed committed finished validated migrated approved pass implemented reviewed green granted retired"
    ),
    "info": (
        "in_progress review reviewing remediated running intent assessed designed implementing testing proposed "
        "medium execute changeset enum file api schema config dependency"
    ),
    "warning": "blocked rolled_back stopped rollback high deferred skip timeout",
    "danger": "failed rejected critical open red revoked fail error",
    "default": (
        "not_started pending pending_assessment cancelled skipped closed low run phase NOVEL SHARED SYSTEM "
        "unit integration system performance regression smoke"
    ),
}
TONES: Mapping[str, str] = {word: tone for tone, words in _TONED.items() for word in words.split()}

Column = TypeVar("Column", bound=Callable[..., Any])


def column(
    description: str, *, order: str = "", empty: str | None = None, boolean: bool = False, label: bool = False
) -> Callable[[Column], Column]:
    """Return a decorator for a computed column: its heading, the field it sorts by, how it is shown.

    With ``label`` the method returns ``(state, words)`` and the words are shown in the tone of the state.
    """

    def decorate(method: Column) -> Column:
        shown: Any = method
        shown.short_description = description
        if order:
            shown.admin_order_field = order
        if empty is not None:
            shown.empty_value_display = empty
        if boolean:
            shown.boolean = True
        if label:
            shown.label = TONES
        return method

    return decorate


def state_column(field: str, description: str) -> Callable[..., tuple[str, str]]:
    """Return a computed column that shows the choice in ``field`` by its name, in its tone."""

    @column(description, order=field, label=True)
    def shown(_: Any, row: Any) -> tuple[str, str]:
        return getattr(row, field), getattr(row, f"get_{field}_display")()

    return shown


def short(value: object, length: int = 12) -> SafeString:
    """Show the beginning of a digest or an id; the whole of it is its title."""
    return format_html('<code class="v7-mono" title="{0}">{1}</code>', value, str(value)[:length])


def verbatim(text: str) -> SafeString:
    """Show text as it is: escaped, in a box that scrolls."""
    return format_html('<pre class="v7-verbatim" tabindex="0">{}</pre>', text)


def document(value: Any) -> SafeString:
    """Show a JSON document, indented and escaped."""
    return verbatim(json.dumps(value, indent=2, ensure_ascii=False, default=str)) if value else NOTHING


class StaffAdmin(ModelAdmin):  # type: ignore[misc]
    """The base of every admin: one look, and no write by GET."""

    compressed_fields = True
    list_filter_submit = True
    list_per_page = 50
    warn_unsaved_form = True
    save_on_top = False
    show_full_result_count = True


class _NobodyWrites:
    """Rows that nobody adds, changes or deletes here, whatever rank they have."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse everybody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse everybody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse everybody."""
        return False


class ReadOnlyAdmin(_NobodyWrites, StaffAdmin):
    """Rows that nobody adds, changes or deletes here, whatever rank they have.

    Every view asks for the view permission first, and that is refused to a request that is not a read:
    so a POST to any address of the model ends with 403.
    """

    actions = None
    warn_unsaved_form = False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let people with the permission read."""
        return request.method in READING and bool(super().has_view_permission(request, obj))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Show the row, without a link to a log of changes that there cannot be."""
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), "show_history": False})

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the admin's own log of the row; refuse anything but reading before the row is looked for."""
        if request.method not in READING:
            raise PermissionDenied
        response: HttpResponse = super().history_view(request, object_id, extra_context)
        return response


class MayBeAbsent(StaffAdmin):
    """Rows of a relation of the target that need not exist: a view before the run, file_audit in a foreign target."""

    absent = ""

    def exists(self) -> bool:
        """Say whether the relation exists now."""
        with connections[router.db_for_read(self.model)].cursor() as cursor:
            cursor.execute("SELECT to_regclass(quote_ident(%s)) IS NOT NULL", [self.model._meta.db_table])
            return bool(cursor.fetchone()[0])

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows, none while there is no relation."""
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows if self.exists() else rows.none()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """List the rows, or say why there are none."""
        if request.method in READING and not self.exists():
            self.message_user(request, self.absent, level="INFO")
        response: HttpResponse = super().changelist_view(request, extra_context)
        return response


class ViewAdmin(MayBeAbsent, ReadOnlyAdmin):
    """A view of the target."""

    absent = "The view exists after the run; until then the list is empty."


class _ReadOnlyInline(_NobodyWrites):
    """Rows shown on another row's page; never written there."""

    extra = 0
    max_num = 0
    can_delete = False
    show_change_link = True
    hide_title = True


class ReadOnlyTable(_ReadOnlyInline, TabularInline):  # type: ignore[misc]
    """A read-only table on another row's page."""


class ReadOnlyStack(_ReadOnlyInline, StackedInline):  # type: ignore[misc]
    """Read-only blocks on another row's page."""
