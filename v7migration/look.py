"""The admin's look (django-unfold): title, colours, and the sidebar that every page shares."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy


def may(*permissions: str) -> Callable[[HttpRequest], bool]:
    """Return the sidebar's question whether the reader has any of some permissions."""

    def allowed(request: HttpRequest) -> bool:
        return any(request.user.has_perm(permission) for permission in permissions)

    return allowed


def _page(title: str, icon: str, name: str, **options: Any) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(name), **options}


def _rows(title: str, icon: str, model: str) -> dict[str, Any]:
    app, name = model.split(".")
    link = reverse_lazy(f"admin:{app}_{name}_changelist")
    return {"title": title, "icon": icon, "link": link, "permission": may(f"{app}.view_{name}")}


def _at_home(request: HttpRequest) -> bool:
    return request.path == "/"


def _at_migrations(request: HttpRequest) -> bool:
    return request.path.startswith("/enums/") and not request.path.startswith("/enums/groups/")


NAVIGATION: list[dict[str, Any]] = [
    {
        "title": "Workflow",
        "items": [
            _page("Home", "home", "home", active=_at_home),
            _page("Dashboard", "space_dashboard", "admin:index", permission=lambda request: request.user.is_staff),
            _page("Reviews", "rate_review", "reviews"),
            _page("Changesets", "draw", "changesets"),
            _page("Runs", "play_circle", "runs"),
            _page("Incidents", "emergency_home", "incidents"),
            _page("Success criteria", "checklist", "criteria"),
            _page("The document", "menu_book", "document"),
            _page("DART", "sync_alt", "dart"),
        ],
    },
    {
        "title": "Tracking",
        "separator": True,
        "items": [
            _page("Phases", "flag", "phases"),
            _page("Tasks", "task_alt", "tasks"),
            _page("Impacts", "public", "impacts"),
            _page("Coverage", "grid_on", "coverage"),
            _page("ENUM groups", "join_inner", "enum-groups"),
            _page("ENUMs", "merge", "enums", active=_at_migrations),
            _page("Files", "folder_open", "files"),
            _page("Code map", "data_object", "code-map"),
            _page("Dependencies", "account_tree", "dependencies"),
            _page("Baseline", "speed", "baseline"),
            _page("Results", "labs", "results"),
        ],
    },
    {
        "title": "Programs",
        "separator": True,
        "items": [
            _page("API", "api", "api-docs"),
            _page("Your tokens", "key", "tokens"),
        ],
    },
    {
        "title": "Tracked rows",
        "separator": True,
        "collapsible": True,
        "items": [
            _rows("Phases", "table_rows", "tracking.phase"),
            _rows("Tasks", "table_rows", "tracking.subworkflowtask"),
            _rows("Global impacts", "table_rows", "tracking.globalimpact"),
            _rows("ENUM migrations", "table_rows", "tracking.enummigration"),
            _rows("Test results", "table_rows", "tracking.testresult"),
            _rows("Files", "table_rows", "tracking.file"),
            _rows("File values at home", "inventory_2", "tracking.filevalue"),
            _rows("Layers", "layers", "tracking.layer"),
            _rows("Workflows", "account_tree", "tracking.workflowcode"),
            _rows("View: dashboard", "visibility", "tracking.migrationdashboard"),
            _rows("View: consolidation", "visibility", "tracking.enumconsolidationstatus"),
            _rows("View: readiness", "visibility", "tracking.filemigrationreadiness"),
        ],
    },
    {
        "title": "People",
        "separator": True,
        "collapsible": True,
        "items": [
            _rows("Accounts", "group", "auth.user"),
            _rows("Groups", "groups", "auth.group"),
            _rows("Personas", "badge", "approvals.persona"),
            _rows("Who holds what", "assignment_ind", "approvals.holding"),
            _rows("Tokens", "key", "approvals.personaltoken"),
            _rows("Account changes", "manage_history", "approvals.accountchange"),
            _rows("Lock-outs", "lock_clock", "axes.accessattempt"),
            _rows("Sign-ins", "login", "axes.accesslog"),
            _rows("Failed sign-ins", "no_accounts", "axes.accessfailurelog"),
        ],
    },
    {
        "title": "Ledger",
        "separator": True,
        "collapsible": True,
        "items": [
            _rows("Signatures", "signature", "approvals.signature"),
            _rows("Signatories", "record_voice_over", "approvals.signatory"),
            _rows("Revocations", "undo", "approvals.revocation"),
            _rows("Refused attempts", "block", "approvals.signingattempt"),
            _rows("Changesets", "difference", "ledger.changeset"),
            _rows("Scripts", "code", "ledger.script"),
            _rows("Snapshots", "photo_camera", "ledger.snapshot"),
            _rows("Inventories", "inventory_2", "ledger.inventory"),
            _rows("ENUM decisions", "rule", "ledger.enumdecision"),
            _rows("Baselines", "speed", "ledger.baseline"),
            _rows("Rehearsals", "science", "ledger.rehearsal"),
            _rows("Reviews", "rate_review", "ledger.review"),
            _rows("Acceptances", "task_alt", "ledger.acceptance"),
            _rows("Modifications", "edit_note", "ledger.modification"),
            _rows("No impacts", "do_not_disturb_on", "ledger.noimpact"),
            _rows("Business impacts", "business_center", "ledger.businessimpact"),
            _rows("Runs", "play_circle", "ledger.run"),
            _rows("Steps", "steps", "ledger.runstep"),
            _rows("Incidents", "emergency_home", "ledger.incident"),
            _rows("Emergencies", "e911_emergency", "ledger.emergency"),
            _rows("Emergency steps", "checklist", "ledger.emergencystep"),
            _rows("DART deliveries", "outbox", "ledger.dartdelivery"),
            _rows("DART links", "link", "ledger.dartlink"),
            _rows("Events", "history", "ledger.event"),
        ],
    },
]


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the sidebar, with the number of open incidents where there are any."""
    from v7migration.dashboard import open_incidents

    groups = copy.deepcopy(NAVIGATION)
    if count := open_incidents():
        incidents = next(item for item in groups[0]["items"] if item["title"] == "Incidents")
        incidents |= {"badge": str(count), "badge_variant": "danger"}
    return groups


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "V7 Migration",
    "SITE_HEADER": "V7 Migration",
    "SITE_SUBHEADER": "Approval-gated and reversible",
    "SITE_SYMBOL": "database",
    "SITE_URL": "/",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "6px",
    "DASHBOARD_CALLBACK": "v7migration.dashboard.dashboard",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("v7/favicon.svg")},
    ],
    "STYLES": [lambda request: static("v7/admin.css")],
    "COLORS": {
        "primary": {
            "50": "oklch(97.5% .012 240)",
            "100": "oklch(94.5% .026 240)",
            "200": "oklch(89% .055 240)",
            "300": "oklch(82% .085 240)",
            "400": "oklch(76% .105 240)",
            "500": "oklch(68% .12 240)",
            "600": "oklch(48.5% .13 240)",
            "700": "oklch(43% .12 240)",
            "800": "oklch(37% .1 240)",
            "900": "oklch(31% .08 240)",
            "950": "oklch(22% .06 240)",
        },
    },
    "SIDEBAR": {"show_search": True, "command_search": True, "navigation": navigation},
    "COMMAND": {"search_models": False, "show_history": False},
}
