"""What all tracked rows share in the admin: one write transaction, a reason, a state that only transitions move."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, models, transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from simple_history.admin import SimpleHistoryAdmin
from unfold.widgets import UnfoldAdminTextareaWidget

from tracking import home
from tracking.actors import Actor
from tracking.admin.forms import REASON, VERSION, DocumentField, TrackedForm
from tracking.machines import Machine
from tracking.models.base import HistoricRow
from tracking.services.writing import MUST_SAY_WHY
from tracking.views.acting import actor_of
from tracking.views.voiding import Voided, refused_until_confirmed, signed_columns, voided
from v7migration.adminsite import READING, StaffAdmin
from v7migration.errors import Fenced, V7Error

PLAIN = "Changed in the admin"


class TrackedAdmin(SimpleHistoryAdmin, StaffAdmin):  # type: ignore[misc]
    """A tracked row. Superusers edit what it says; its state moves only through its state machine.

    Every write is one transaction of the row's home and of the control plane, in which Django's admin log is:
    the row and its history commit first.
    """

    form = TrackedForm
    formfield_overrides = {
        models.TextField: {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 4})},
        models.JSONField: {"form_class": DocumentField, "widget": UnfoldAdminTextareaWidget(attrs={"rows": 5})},
    }
    actions = None
    machine: Machine | None = None
    recorded: Sequence[str] = ()
    """What transitions record: shown, never typed."""
    object_history_template = "admin/rows/history.html"
    object_history_form_template = "admin/rows/version.html"
    change_form_template = "admin/rows/change_form.html"
    delete_confirmation_template = "admin/rows/delete_confirmation.html"
    history_list_per_page = 50

    # -- who may --------------------------------------------------------------------------------------------------

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse everybody, unless a kind of row says otherwise."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Show the state and what transitions record; show everything of an old version."""
        shown = [*super().get_readonly_fields(request, obj), *self.recorded]
        match = request.resolver_match
        if match is not None and (match.url_name or "").endswith("_simple_history"):
            hidden = {"change_reason", "row_version"}
            return [name for name in self._all_fields(request, obj) if name not in hidden]
        return list(dict.fromkeys(shown))

    def _all_fields(self, request: HttpRequest, obj: Any) -> list[str]:
        found: list[str] = []
        for _, options in self.get_fieldsets(request, obj):
            for field in options["fields"]:
                found += [field] if isinstance(field, str) else field
        return found

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask for the reason last; do not ask a reader."""
        fieldsets = list(self.row_fieldsets(request, obj))
        match = request.resolver_match
        reading = match is not None and (match.url_name or "").endswith("_simple_history")
        may = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        if reading or not may:
            return fieldsets
        return [*fieldsets, ("For the history", {"fields": (REASON, VERSION)})]

    def row_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fields of the row itself."""
        return super().get_fieldsets(request, obj)

    # -- writing --------------------------------------------------------------------------------------------------

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Show the form; write in the write transaction of the row's home."""
        if request.method in READING:
            stake = self.stake() if object_id is None or self.has_change_permission(request) else None
            context = {**(extra_context or {}), **self._state_context(request, object_id), "stake": stake}
            return super().changeform_view(request, object_id, form_url, context)
        reason = request.POST.get(REASON, "").strip() or PLAIN
        try:
            with transaction.atomic(using="default"), home.writing(person=self._person(request), reason=reason):
                return super().changeform_view(request, object_id, form_url, extra_context)
        except IntegrityError as error:
            return self._refused(request, f"The database refuses this: {error.__cause__ or error}", request.path)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask, then delete the row in the write transaction of its home; its history stays."""
        if request.method in READING:
            asked: HttpResponse = super().delete_view(
                request, object_id, {**(extra_context or {}), "stake": self.stake()}
            )
            return asked
        if self.signed_columns() and (loss := refused_until_confirmed(request)):
            return self._refused(request, str(loss), request.path)
        reason = request.POST.get(REASON, "").strip() or "Deleted in the admin"
        with transaction.atomic(using="default"), home.writing(person=self._person(request), reason=reason):
            deleted: HttpResponse = super().delete_view(request, object_id, extra_context)
        return deleted

    def _person(self, request: HttpRequest) -> str:
        return request.user.get_username()

    def _refused(self, request: HttpRequest, sentence: str, to: str) -> HttpResponse:
        self.message_user(request, sentence, level=messages.ERROR)
        return HttpResponseRedirect(to)

    # -- the state machine ----------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        """Add the address where a transition is asked for."""
        urls: list[URLPattern] = super().get_urls()
        if self.machine is None:
            return urls
        view = self.admin_site.admin_view(self.transition_view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_transition"
        return [path("<path:object_id>/transition/", view, name=name), *urls]

    def stake(self) -> Voided | None:
        """Return the signatures that a change to a signed column would void, None where nothing is at stake."""
        loss = voided() if self.signed_columns() else None
        return loss if loss and loss.signers else None

    def signed_columns(self) -> frozenset[str]:
        """Return the columns of this kind of row that a signature covers."""
        return signed_columns(self.model)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Let the form ask before it saves a signed column."""
        form = super().get_form(request, obj, change, **kwargs)
        may_void = {"signed": self.signed_columns(), "refusal": staticmethod(lambda: refused_until_confirmed(request))}
        return type(form.__name__, (form,), may_void)

    def _state_context(self, request: HttpRequest, object_id: str | None) -> dict[str, Any]:
        if object_id is None or self.machine is None:
            return {}
        row = self.get_object(request, object_id)
        if row is None or not self.movable(row):
            return {}
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_transition"
        moves = [(move, move.replace("_", " ").capitalize(), move in MUST_SAY_WHY) for move in self.moves(row)]
        return {
            "state": getattr(row, self.machine.column),
            "state_label": getattr(row, f"get_{self.machine.column}_display")(),
            "moves": moves,
            "must_say_why": [words for _, words, why in moves if why],
            "move_url": reverse(name, args=[row.pk]),
            "move_seen": row.updated_at.isoformat() if getattr(row, "updated_at", None) else "",
        }

    def movable(self, row: Any) -> bool:
        """Say whether the row has a state now."""
        return True

    def moves(self, row: Any) -> list[str]:
        """Return the transitions that lead on from the row's state."""
        assert self.machine is not None  # noqa: S101
        state = getattr(row, self.machine.column)
        return list(dict.fromkeys(jump.name for jump in self.machine.jumps if jump.source == state))

    def move(self, row: Any, name: str, actor: Actor, reason: str, seen: str) -> HistoricRow:
        """Ask the service for a transition."""
        raise NotImplementedError

    def transition_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Make one transition as the signed-in person: the services decide, a refusal becomes a message."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        row = self.get_object(request, object_id)
        if row is None or not self.has_view_permission(request, row):
            raise PermissionDenied
        back = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])
        name = request.POST.get("move", "")
        if self.machine is None or name not in self.machine.names:
            return self._refused(request, "There is no such transition.", back)
        reason = request.POST.get("reason", "").strip()
        try:
            moved = self.move(row, name, actor_of(request), reason, request.POST.get("seen", ""))
        except Fenced:
            raise
        except V7Error as error:
            return self._refused(request, str(error), back)
        state = getattr(moved, f"get_{self.machine.column}_display")()
        self.message_user(request, f"“{moved}” is now: {state}.", level=messages.SUCCESS)
        return HttpResponseRedirect(back)

    # -- history --------------------------------------------------------------------------------------------------

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """List the versions of the row; nothing is written here."""
        if request.method not in READING:
            raise PermissionDenied
        shown: HttpResponse = super().history_view(request, object_id, extra_context)
        return shown

    def history_form_view(
        self, request: HttpRequest, object_id: str, version_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show a version. Going back to one would pass by the state machine, so it is refused to everybody."""
        if request.method not in READING:
            raise PermissionDenied
        shown: HttpResponse = super().history_form_view(request, object_id, version_id, extra_context)
        return shown

    def revert_disabled(self, request: HttpRequest, obj: Any = None) -> bool:
        """Offer no way back to an old version."""
        return True
