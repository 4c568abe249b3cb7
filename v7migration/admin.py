"""Accounts in the admin: people with the personas they hold, groups, and the lock-out's own records."""

from __future__ import annotations

from typing import Any

from axes import admin as axes_admin
from axes.models import AccessAttempt, AccessAttemptExpiration, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Model, QuerySet
from django.forms import BaseInlineFormSet, ModelForm
from django.http import HttpRequest
from unfold.admin import TabularInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from approvals.admin import changed_by
from approvals.models import AccountChange, Holding
from approvals.services import people_group
from v7migration.adminsite import ReadOnlyAdmin, ReadOnlyTable, StaffAdmin, column

LOCK_OUT = (AccessAttempt, AccessAttemptExpiration, AccessFailureLog, AccessLog)

for model in (User, Group, *LOCK_OUT):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


class HoldingInline(TabularInline):  # type: ignore[misc]
    """The personas of a person: granted and withdrawn, never changed."""

    model = Holding
    fields = ["persona", "granted_by", "granted_at"]
    readonly_fields = ["granted_by", "granted_at"]
    extra = 0
    hide_title = True
    verbose_name = "persona"
    verbose_name_plural = "personas"

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse everybody: another persona is another row."""
        return False


class AccountChangeTable(ReadOnlyTable):
    """What happened to the account."""

    model = AccountChange
    fields = ["at", "kind", "detail", "by"]
    readonly_fields = ["by"]
    verbose_name_plural = "changes to this account (recorded by the database)"
    show_change_link = False
    per_page = 10

    @column("Changed by")
    def by(self, row: AccountChange) -> str:
        """Name who made it."""
        return changed_by(row)


@admin.register(User)
class PeopleAdmin(DjangoUserAdmin, StaffAdmin):  # type: ignore[type-arg]
    """People. An account is deactivated and never deleted: what it signed stands under its name.

    Changes of passwords, rank and personas are recorded by the database under the name of whoever made them,
    and an account that somebody else changed after a freeze cannot sign that changeset.
    """

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "full_name", "personas", "is_active", "is_staff", "is_superuser", "last_login"]
    list_filter = ["is_active", "is_superuser", "is_staff", "holdings__persona", "groups"]
    search_fields = ["username", "first_name", "last_name", "email", "holdings__persona__name"]
    date_hierarchy = "date_joined"
    readonly_fields = ["last_login", "date_joined"]
    filter_horizontal = ()
    inlines = [HoldingInline, AccountChangeTable]
    fieldsets = (
        (None, {"fields": (("username", "password"),)}),
        ("Person", {"fields": (("first_name", "last_name"), "email")}),
        ("Rank", {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        ("Times", {"fields": (("last_login", "date_joined"),)}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "usable_password", "password1", "password2")}),
    )

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the groups as boxes to tick; single permissions are given through groups."""
        kwargs.setdefault("widget", UnfoldAdminCheckboxSelectMultipleWidget())
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Read the personas with the people."""
        people: QuerySet[User] = super().get_queryset(request)
        return people.prefetch_related("holdings__persona")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse everybody: the account is deactivated instead."""
        return False

    def get_inlines(self, request: HttpRequest, obj: Model | None) -> list[Any]:
        """Show personas and changes of an account that exists."""
        return self.inlines if obj else []

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm[Any], change: bool) -> None:
        """Save the account; a new one may look at everything, as all people may."""
        obj.is_staff = obj.is_staff or not change
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save groups and personas; a new account joins the group of all people."""
        super().save_related(request, form, formsets, change)
        if not change:
            form.instance.groups.add(people_group())

    def save_formset(
        self, request: HttpRequest, form: ModelForm[Any], formset: BaseInlineFormSet[Any, Any, Any], change: bool
    ) -> None:
        """Grant and withdraw personas in the name of the person who does it."""
        if formset.model is Holding:
            for granted in formset.save(commit=False):
                granted.granted_by = request.user.get_username()
        super().save_formset(request, form, formset, change)

    @column("Name", order="first_name")
    def full_name(self, row: User) -> str:
        """Show the name that stands beside signatures."""
        return row.get_full_name() or "–"

    @column("Personas")
    def personas(self, row: Any) -> str:
        """Name the personas the person holds."""
        return ", ".join(holding.persona.name for holding in row.holdings.all()) or "–"


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, StaffAdmin):
    """Groups of permissions. “People” may look at everything and change nothing."""

    list_display = ["name", "members"]
    search_fields = ["name", "user__username"]
    list_filter = ["user__is_active"]

    @column("Members")
    def members(self, row: Group) -> int:
        """Count the accounts in the group."""
        return row.user_set.count()


@admin.register(AccessAttempt)
class LockOutAdmin(axes_admin.AccessAttemptAdmin, StaffAdmin):  # type: ignore[misc]
    """Failed sign-ins that count towards a lock-out; deleting one lifts the lock."""

    list_filter = ["username", "attempt_time"]
    list_display = ["attempt_time", "username", "ip_address", "failures_since_start", "path_info"]


@admin.register(AccessLog)
class AccessLogAdmin(ReadOnlyAdmin):
    """Sign-ins."""

    list_display = ["attempt_time", "username", "ip_address", "logout_time", "path_info"]
    list_filter = ["username", "attempt_time"]
    search_fields = ["username", "ip_address", "user_agent"]
    date_hierarchy = "attempt_time"


@admin.register(AccessFailureLog)
class AccessFailureLogAdmin(ReadOnlyAdmin):
    """Sign-ins that failed."""

    list_display = ["attempt_time", "username", "ip_address", "locked_out", "path_info"]
    list_filter = ["username", "locked_out", "attempt_time"]
    search_fields = ["username", "ip_address", "user_agent"]
    date_hierarchy = "attempt_time"
