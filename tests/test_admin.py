"""The admin: who sees what, what refuses to be written, and that writing goes through the tracked rows' own door."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.db import models
from django.test import Client
from django.urls import reverse

from approvals.models import AccountChange, Holding, Persona, Signature
from tests.cast import PASSWORD
from tests.environment import CLUSTER
from tests.world import World
from tracking.models import (
    EnumMigration,
    File,
    GlobalImpact,
    Layer,
    MigrationDashboard,
    Phase,
    SubworkflowTask,
    TestResult,
    WorkflowCode,
)
from tracking.services import impact_create
from v7migration import dashboard
from v7migration.adminsite import ReadOnlyAdmin
from v7migration.ledger.appendonly import AppendOnly
from v7migration.ledger.models import Changeset, Event, Incident, Run, RunStep
from v7migration.pipeline import coverage
from v7migration.postgres.session import RUN_LOCK

OURS = ("ledger", "approvals", "tracking")
ADDABLE = {EnumMigration, GlobalImpact, Group, Layer, Persona, SubworkflowTask, TestResult, User, WorkflowCode}
TRACKED = (EnumMigration, File, GlobalImpact, Phase, SubworkflowTask)
Model = type[models.Model]


def address(model: Model, page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def registered() -> list[Model]:
    return sorted(admin.site._registry, key=lambda model: model._meta.label)


def outsider() -> Client:
    """A browser of somebody with an account and nothing else."""
    client = Client()
    client.force_login(
        User.objects.create_user("olga", password=PASSWORD), backend="django.contrib.auth.backends.ModelBackend"
    )
    return client


def pages_of(model: Model, client: Client) -> dict[str, int]:
    """What each page of a model answers: list, search, add, and one row's pages where there is a row."""
    found = {"list": client.get(address(model, "changelist"), {"q": "a"}).status_code}
    found["add"] = client.get(address(model, "add")).status_code
    row = admin.site._registry[model].model._default_manager.first()
    if row is not None:
        found["change"] = client.get(address(model, "change", row.pk)).status_code
        found["history"] = client.get(address(model, "history", row.pk)).status_code
    return found


def readable() -> list[Model]:
    """The models whose relation exists: the views come with the run."""
    return [m for m in registered() if m._meta.managed or m is File]


# -- what is there ---------------------------------------------------------------------------------------------------


def test_every_model_of_ours_is_in_the_admin() -> None:
    ours = {m for m in apps.get_models() if m._meta.app_label in OURS and not m.__name__.startswith("Historical")}
    assert ours <= set(registered())


def test_every_append_only_model_is_read_only_in_the_admin() -> None:
    records = [model for model in registered() if issubclass(model, AppendOnly)]
    assert len(records) >= 10
    assert all(isinstance(admin.site._registry[model], ReadOnlyAdmin) for model in records)


def test_lists_have_columns_and_a_search() -> None:
    for model in registered():
        listed = admin.site._registry[model]
        assert len(listed.list_display) >= 2 or model is File, model
        assert listed.search_fields, model


# -- who sees what ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["frozen", "executed"])
def test_a_superuser_reads_every_page_and_adds_only_what_is_added_by_hand(
    stage: str, request: pytest.FixtureRequest
) -> None:
    world: World = request.getfixturevalue(stage)
    client = world.client("root")
    for model in readable() if stage == "frozen" else registered():
        answers = pages_of(model, client)
        assert answers.pop("add") == (200 if model in ADDABLE else 403), model
        assert set(answers.values()) == {200}, (model, answers)


def test_people_read_everything_of_ours_and_write_nothing(executed: World) -> None:
    client = executed.client("lena")
    for model in registered():
        expected = 200 if model._meta.app_label in OURS else 403
        answers = pages_of(model, client)
        assert answers.pop("add") == 403, model
        assert set(answers.values()) == {expected}, (model, answers)


def test_an_account_that_is_not_staff_sees_nothing(executed: World) -> None:
    client = outsider()
    assert client.get(reverse("admin:index")).status_code == 302
    for model in registered():
        assert set(pages_of(model, client).values()) == {302}, model


def test_views_are_empty_and_say_why_before_the_run(frozen: World) -> None:
    page = frozen.client("lena").get(address(MigrationDashboard, "changelist"))
    assert page.status_code == 200
    assert "exists after the run" in page.content.decode()


# -- what refuses to be written ----------------------------------------------------------------------------------------


def everything(model: Model) -> list[tuple[Any, ...]]:
    return [tuple(map(repr, row)) for row in model._default_manager.order_by("pk").values_list()]


def write_attempts(model: Model, client: Client) -> dict[str, int]:
    """Post to every address of a model, as a form or a bulk action would."""
    row = model._default_manager.first()
    pk = row.pk if row is not None else "1"
    data = {f.name: "x" for f in model._meta.concrete_fields} | {"_save": "Save", "post": "yes", "_saveasnew": "1"}
    bulk = {"action": "delete_selected", "_selected_action": [str(pk)], "post": "yes", "select_across": "1"}
    return {
        "bulk action": client.post(address(model, "changelist"), bulk).status_code,
        "add": client.post(address(model, "add"), data).status_code,
        "change": client.post(address(model, "change", pk), data).status_code,
        "delete": client.post(address(model, "delete", pk), data).status_code,
        "history": client.post(address(model, "history", pk), data).status_code,
        "put": client.put(address(model, "change", pk)).status_code,
        "delete by method": client.delete(address(model, "delete", pk)).status_code,
        "delete by asking": client.get(address(model, "delete", pk)).status_code,
    }


@pytest.mark.parametrize("name", ["root", "ada"])
def test_records_refuse_every_write_by_every_route(name: str, executed: World) -> None:
    read_only = [m for m in registered() if isinstance(admin.site._registry[m], ReadOnlyAdmin)]
    assert {Changeset, Signature, Event, Run, RunStep, Incident, MigrationDashboard} <= set(read_only)
    client = executed.client(name)
    for model in read_only:
        before = everything(model)
        answers = write_attempts(model, client)
        assert set(answers.values()) == {403}, (model, answers)
        assert everything(model) == before, model


def test_phases_and_files_and_accounts_are_never_deleted(executed: World) -> None:
    client = executed.client("root")
    kinds: tuple[Any, ...] = (Phase, SubworkflowTask, EnumMigration, File, User, Persona)
    for model in kinds:
        row = model._default_manager.first()
        assert row is not None
        assert client.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
        assert model._default_manager.filter(pk=row.pk).exists()


def test_nobody_goes_back_to_an_old_version_by_post(home: World) -> None:
    impact = filed(home)
    version = impact.history.first()
    route = address(GlobalImpact, "simple_history", impact.pk, version.pk)
    for name in ("root", "lena"):
        client = home.client(name)
        assert client.get(route).status_code == 200
        posted = client.post(route, form_of(home.client("root"), impact, impact_description="as it was"))
        assert posted.status_code == 403
        assert client.post(address(GlobalImpact, "history", impact.pk)).status_code == 403
    assert GlobalImpact.objects.get(pk=impact.pk).impact_description == impact.impact_description
    assert impact.history.count() == 1


def test_people_who_may_only_read_cannot_post_a_change(home: World) -> None:
    impact = filed(home)
    data = form_of(home.client("root"), impact, impact_description="overwritten")
    assert home.client("lena").post(address(GlobalImpact, "change", impact.pk), data).status_code == 403
    assert home.client("lena").post(address(GlobalImpact, "delete", impact.pk), {"post": "yes"}).status_code == 403
    assert GlobalImpact.objects.get(pk=impact.pk).impact_description == impact.impact_description


# -- tracked rows ----------------------------------------------------------------------------------------------------


def filed(world: World) -> GlobalImpact:
    """An impact that Dana filed."""
    return impact_create(
        actor=world.actor("dana"), change_type="enum", impact_description="Two status types merge.",
        affected_layers=[1], affected_workflows=["WF4"], risk_assessment="high",
    )  # fmt: skip


def form_of(client: Client, row: models.Model, **changes: Any) -> dict[str, Any]:
    """What the browser would post: the form's own fields as it shows them, with some changed."""
    page = client.get(address(type(row), "change", row.pk))
    form = page.context["adminform"].form
    data: dict[str, Any] = {}
    for name in form.fields:
        value = form[name].value()
        if value is not None:
            data[name] = value
    return data | {"change_reason": "corrected in the test"} | changes


def test_a_change_is_written_with_person_and_reason_in_the_rows_own_home(home: World) -> None:
    impact, client = filed(home), home.client("root")
    data = form_of(client, impact, mitigation_strategy="Cast first.", affected_workflows=["WF4", "WF5"])
    answer = client.post(address(GlobalImpact, "change", impact.pk), data)
    assert answer.status_code == 302, answer.context["errors"]
    saved = GlobalImpact.objects.get(pk=impact.pk)
    assert (saved.mitigation_strategy, saved.affected_workflows) == ("Cast first.", ["WF4", "WF5"])
    assert saved.updated_at > impact.updated_at
    newest = saved.history.first()
    assert (newest.history_user_id, newest.history_change_reason) == ("root", "corrected in the test")
    assert saved._state.db == ("target" if home.stage == "executed" else "default")
    assert LogEntry.objects.filter(object_id=str(impact.pk), user__username="root").count() == 1
    shown = client.get(address(GlobalImpact, "history", impact.pk)).content.decode()
    assert "corrected in the test" in shown
    assert "Cast first." in shown


def test_a_change_without_a_reason_is_not_saved(home: World) -> None:
    impact, client = filed(home), home.client("root")
    answer = client.post(address(GlobalImpact, "change", impact.pk), form_of(client, impact, change_reason=" "))
    assert answer.status_code == 200
    assert impact.history.count() == 1


def test_a_form_opened_before_another_write_is_not_saved_over_it(home: World) -> None:
    impact, client = filed(home), home.client("root")
    mine = form_of(client, impact, mitigation_strategy="mine")
    theirs = form_of(client, impact, mitigation_strategy="theirs")
    assert client.post(address(GlobalImpact, "change", impact.pk), theirs).status_code == 302
    answer = client.post(address(GlobalImpact, "change", impact.pk), mine)
    assert answer.status_code == 200
    assert "Somebody else changed this row" in answer.content.decode()
    assert GlobalImpact.objects.get(pk=impact.pk).mitigation_strategy == "theirs"


@pytest.mark.parametrize("model", TRACKED)
def test_a_state_is_never_taken_from_a_form(model: Any, executed: World) -> None:
    filed(executed)
    row, client = model.objects.first(), executed.client("root")
    machine = admin.site._registry[model].machine  # type: ignore[attr-defined]
    before = getattr(row, machine.column)
    data = form_of(client, row, **{machine.column: machine.jumps[-1].target})
    answer = client.post(address(model, "change", row.pk), data)
    assert answer.status_code == 302, answer.context["errors"]
    assert getattr(model.objects.get(pk=row.pk), machine.column) == before


def test_a_row_is_added_with_its_history(home: World) -> None:
    data = {
        "impact_description": "A new one", "change_type": "api", "risk_assessment": "low", "change_detail": "{}",
        "affected_layers": ["2"], "change_reason": "seen in the review",
    }  # fmt: skip
    answer = home.client("root").post(address(GlobalImpact, "add"), data)
    assert answer.status_code == 302, answer.context["errors"]
    impact = GlobalImpact.objects.get(impact_description="A new one")
    assert (impact.approval_status, impact.affected_layers) == ("pending", [2])
    assert impact.history.get().history_user_id == "root"


ADDED: list[tuple[Any, dict[str, Any]]] = [
    (
        SubworkflowTask,
        {"task_number": "99", "task_name": "Tell the DBA", "responsible_persona": "DB Team Lead", "notes": "by phone"},
    ),
    (
        EnumMigration,
        {
            "current_enum_name": "old_status", "v7_enum_name": "status", "risk_level": "low", "affected_columns": "{}",
            "current_enum_values": "new, or so\ndone", "v7_enum_values": "new\ndone",
        },
    ),
    (
        TestResult,
        {
            "component_tested": "src/models/domain.py", "test_type": "unit", "test_status": "pass",
            "performance_metrics": "{}", "backwards_compatible": "unknown",
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize(("model", "data"), ADDED, ids=lambda value: getattr(value, "__name__", ""))
def test_every_kind_of_row_is_added_under_the_name_of_who_adds_it(
    home: World, model: Any, data: dict[str, Any]
) -> None:
    if model is SubworkflowTask:
        data = data | {"parent_phase": "4"}
    answer = home.client("root").post(address(model, "add"), data | {"change_reason": "it was missing"})
    assert answer.status_code == 302, answer.context["errors"]
    row = model.history.filter(history_change_reason="it was missing").get().instance
    assert model.objects.get(pk=row.pk).history.get().history_user_id == "root"
    if model is EnumMigration:
        assert row.current_enum_values == ["new, or so", "done"]
    if model is TestResult:
        assert row.tested_by == "root"


def test_a_deleted_impact_leaves_its_history_and_an_approved_one_stays(home: World) -> None:
    impact, client = filed(home), home.client("root")
    pk = impact.pk
    assert client.get(address(GlobalImpact, "delete", pk)).status_code == 200
    answer = client.post(address(GlobalImpact, "delete", pk), {"post": "yes", "change_reason": "filed twice"})
    assert answer.status_code == 302
    assert not GlobalImpact.objects.filter(pk=pk).exists()
    last = GlobalImpact.history.filter(id=pk).latest("history_date")
    assert (last.history_type, last.history_user_id, last.history_change_reason) == ("-", "root", "filed twice")

    approved = filed(home)
    for voice in coverage.voices(approved):
        said = {f"said-{voice.workflow}": "Nothing changes for it."}
        home.client("wilma").post(reverse("impact-business", args=[approved.pk]), said)
    for name, person in (("review", "dana"), ("approve", "ada")):
        home.client(person).post(address(GlobalImpact, "transition", approved.pk), {"move": name})
    assert GlobalImpact.objects.get(pk=approved.pk).approval_status == "approved"
    assert client.post(address(GlobalImpact, "delete", approved.pk), {"post": "yes"}).status_code == 403


def test_a_transition_is_made_by_who_may_and_refused_with_a_sentence_to_others(home: World) -> None:
    task = SubworkflowTask.objects.get(parent_phase__phase_number=4, task_number=8)
    route = address(SubworkflowTask, "transition", task.pk)
    for name in ("root", "carl", "otto"):
        refused = home.client(name).post(route, {"move": "block", "reason": "no reason"}, follow=True)
        assert "may not block" in refused.content.decode(), name
    done = home.client("dev").post(route, {"move": "block", "reason": "the disk is full"}, follow=True)
    assert "is now: Blocked" in done.content.decode()
    moved = SubworkflowTask.objects.get(pk=task.pk)
    assert (moved.status, moved.blockers) == ("blocked", ["the disk is full"])
    assert moved.history.first().history_user_id == "dev"
    only_by_rollback = home.client("dev").post(route, {"move": "take_back"}, follow=True)
    assert "Nobody can take back" in only_by_rollback.content.decode()
    assert home.client("dev").get(route).status_code == 405
    assert "no such transition" in home.client("dev").post(route, {"move": "save"}, follow=True).content.decode()
    assert outsider().post(route, {"move": "unblock"}).status_code == 302
    assert SubworkflowTask.objects.get(pk=task.pk).status == "blocked"


@contextmanager
def a_run_is_moving_the_rows(world: World) -> Iterator[None]:
    """The current home is fenced, and the run's lock is held."""
    live = world.stage == "executed"
    with world.runner() as lock, world.runner() if live else world.control_owner() as fence:
        lock.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [RUN_LOCK])
        fence.execute("UPDATE migration_gate.fence SET is_open = false")
        yield


def test_a_fenced_home_answers_409_and_saves_nothing(home: World) -> None:
    impact, client = filed(home), home.client("root")
    data = form_of(client, impact, mitigation_strategy="too late")
    with a_run_is_moving_the_rows(home):
        assert client.get(reverse("admin:index")).status_code == 200
        assert client.get(address(GlobalImpact, "change", impact.pk)).status_code == 200
        assert client.post(address(GlobalImpact, "change", impact.pk), data).status_code == 409
        assert client.post(address(GlobalImpact, "delete", impact.pk), {"post": "yes"}).status_code == 409
        moved = home.client("dana").post(address(GlobalImpact, "transition", impact.pk), {"move": "review"})
        assert moved.status_code == 409
    assert GlobalImpact.objects.get(pk=impact.pk).mitigation_strategy == ""
    assert not LogEntry.objects.filter(object_id=str(impact.pk)).exists()


def test_a_change_that_would_void_signatures_asks_first(signed: World) -> None:
    impact, client = GlobalImpact.objects.latest("created_at"), signed.client("root")
    page = client.get(address(GlobalImpact, "change", impact.pk)).content.decode()
    assert "would void the signatures of" in page
    data = form_of(client, impact, implementation_notes="another one")
    refused = client.post(address(GlobalImpact, "change", impact.pk), data)
    assert refused.status_code == 200
    assert "Not saved yet" in refused.content.decode()
    assert client.post(address(GlobalImpact, "delete", impact.pk), {"post": "yes"}).status_code == 302
    assert GlobalImpact.objects.get(pk=impact.pk).implementation_notes == impact.implementation_notes
    assert client.post(address(GlobalImpact, "change", impact.pk), data | {"confirm": "on"}).status_code == 302
    assert GlobalImpact.objects.get(pk=impact.pk).implementation_notes == "another one"


def test_notes_of_a_task_are_outside_what_is_signed(signed: World) -> None:
    task, client = SubworkflowTask.objects.get(parent_phase__phase_number=4, task_number=5), signed.client("root")
    answer = client.post(address(SubworkflowTask, "change", task.pk), form_of(client, task, notes="call the DBA"))
    assert answer.status_code == 302, answer.context["errors"]


# -- files -----------------------------------------------------------------------------------------------------------


def test_a_file_is_read_only_until_its_v7_columns_exist(frozen: World) -> None:
    client, file = frozen.client("root"), File.objects.first()
    assert file is not None
    page = client.get(address(File, "change", file.pk))
    assert page.status_code == 200
    assert "v7_target_name" not in page.content.decode()
    assert client.post(address(File, "change", file.pk), {"change_reason": "x"}).status_code == 403


def test_only_the_v7_columns_of_a_file_are_written(executed: World) -> None:
    client, file = executed.client("root"), File.objects.first()
    assert file is not None
    data = form_of(
        client, file, v7_target_name="WF4_V7_L1_1of2_DomainModel.py", v7_impact_score="7", notes="not ours",
        v7_dependencies="src/models/a.py\nsrc/models/b.py",
    )  # fmt: skip
    answer = client.post(address(File, "change", file.pk), data)
    assert answer.status_code == 302, answer.context["errors"]
    saved = File.objects.get(pk=file.pk)
    assert (saved.v7_target_name, saved.v7_impact_score) == ("WF4_V7_L1_1of2_DomainModel.py", 7)
    assert saved.v7_dependencies == ["src/models/a.py", "src/models/b.py"]
    assert saved.notes == file.notes
    assert saved.history.first().history_user_id == "root"


# -- people ----------------------------------------------------------------------------------------------------------


def account_form(client: Client, user: User, **changes: str) -> dict[str, Any]:
    page = client.get(address(User, "change", user.pk))
    form = page.context["adminform"].form
    data = {name: form[name].value() for name in ("username", "first_name", "last_name", "email")}
    data |= {"is_active": "on", "is_staff": "on", "groups": [str(g.pk) for g in user.groups.all()]}
    for formset in (inline.formset for inline in page.context["inline_admin_formsets"]):
        data |= {f"{formset.prefix}-{k}": v for k, v in formset.management_form.initial.items()}
        for number, each in enumerate(formset.initial_forms):
            data |= {f"{formset.prefix}-{number}-id": each.instance.pk, f"{formset.prefix}-{number}-user": user.pk}
    return data | changes


def test_a_persona_granted_in_the_admin_names_who_granted_it(world: World) -> None:
    client, otto = world.client("root"), world.user("otto")
    persona = Persona.objects.get(name="Dev Team")
    data = account_form(client, otto) | {
        "holdings-TOTAL_FORMS": "1", "holdings-0-persona": str(persona.pk), "holdings-0-user": str(otto.pk),
    }  # fmt: skip
    answer = client.post(address(User, "change", otto.pk), data)
    assert answer.status_code == 302, answer.context["errors"]
    assert Holding.objects.get(user=otto).granted_by == "root"
    change: Any = AccountChange.objects.filter(user=otto, kind="personas").first()
    assert (change.changed_by, change.detail) == ("root", "+ Dev Team")

    data = account_form(client, otto, **{"holdings-0-DELETE": "on"})
    assert client.post(address(User, "change", otto.pk), data).status_code == 302
    assert not Holding.objects.filter(user=otto).exists()
    assert AccountChange.objects.filter(user=otto, kind="personas", changed_by="root").count() == 2


def test_a_password_set_by_staff_is_recorded_under_their_name(world: World) -> None:
    lena = world.user("lena")
    new = {"password1": "Another-Horse-42", "password2": "Another-Horse-42"}
    answer = world.client("root").post(reverse("admin:auth_user_password_change", args=[lena.pk]), new)
    assert answer.status_code == 302
    change: Any = AccountChange.objects.filter(user=lena, kind="password").first()
    assert change.changed_by == "root"


def test_a_new_account_may_look_at_everything(world: World) -> None:
    data = {"username": "nora", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    answer = world.client("root").post(address(User, "add"), data)
    assert answer.status_code == 302, answer.context["errors"]
    assert world.client("nora").get(address(GlobalImpact, "changelist")).status_code == 200


# -- the dashboard ---------------------------------------------------------------------------------------------------


def words_of(page: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


def test_the_dashboard_says_where_the_migration_stands_at_every_stage(frozen: World) -> None:
    page = frozen.client("lena").get(reverse("admin:index"))
    assert f"/changesets/{frozen.changeset().digest}/sign/script-review/" in page.content.decode()
    assert "It is your turn as DB Team Lead" in words_of(page)
    words = words_of(frozen.client("ada").get(reverse("admin:index")))
    assert "It is your turn" not in words
    assert "Planning home" in words
    assert "PENDING APPROVAL" in words
    assert "Sign “Script reviewed”." in words
    assert "Lena Test" in words
    for phase in ("Assessment", "Design", "Review", "Database", "Implementation", "Validation", "Retirement"):
        assert phase in words
    assert "3 of 8 tasks" in words
    frozen.sign("script-review", "lena")
    words = words_of(frozen.client("sam").get(reverse("admin:index")))
    assert "Sign “Rehearsal and rollback verified”." in words


def test_the_dashboard_agrees_with_the_view_of_the_target(executed: World) -> None:
    lines = dashboard.phases().lines
    columns = (
        *("phase_number", "phase_status", "total_tasks", "completed_tasks", "migrated_files", "enum_migrations"),
        "highest_risk",
    )
    with executed.runner() as owner:
        viewed = owner.execute("SELECT * FROM v7_monitoring.v7_migration_dashboard ORDER BY phase_number")
        named = [d.name for d in viewed.description or []]
        theirs = [dict(zip(named, row, strict=True)) for row in viewed]
    rows = [line.row for line in lines]
    assert [tuple(row[c] for c in columns) for row in theirs] == [tuple(getattr(r, c) for c in columns) for r in rows]
    assert rows[3].completed_tasks == 6  # all but those after the run, by their evidence
    page = executed.client("lena").get(reverse("admin:index"))
    assert "Equal to the target's view" in page.content.decode().replace("&#x27;", "'")


def test_the_dashboard_shows_what_differs_from_the_view(executed: World) -> None:
    with executed.runner() as owner:
        definition = owner.execute("SELECT pg_get_viewdef('v7_monitoring.v7_migration_dashboard')").fetchone()
        assert definition is not None
        text = str(definition[0]).rstrip(";")
        owner.execute(
            "CREATE OR REPLACE VIEW v7_monitoring.v7_migration_dashboard AS SELECT phase_number, phase_name, "
            "phase_status, lead_persona, total_tasks + 1 AS total_tasks, completed_tasks, migrated_files, "
            f"enum_migrations, highest_risk FROM ({text}) AS was"
        )
    words = words_of(executed.client("lena").get(reverse("admin:index")))
    assert "Differs from v7_migration_dashboard" in words
    assert "total_tasks is 8 here and 9 in the view" in words


@contextmanager
def target_away() -> Iterator[None]:
    """The target refuses every session."""
    with psycopg.connect(CLUSTER.url("superuser"), autocommit=True) as server:
        server.execute("ALTER DATABASE v7_target ALLOW_CONNECTIONS false")
        server.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = 'v7_target'")
        try:
            yield
        finally:
            server.execute("ALTER DATABASE v7_target ALLOW_CONNECTIONS true")


def test_the_dashboard_says_when_the_target_does_not_answer(home: World) -> None:
    client = home.client("lena")
    with target_away():
        page = client.get(reverse("admin:index"))
        words = words_of(page)
    assert page.status_code == 200
    assert "The target does not answer." in words
    assert "could not be read" in words
    assert ("DB Team Lead" in words) or home.stage == "executed"
    assert "The target does not answer" not in words_of(client.get(reverse("admin:index")))


def test_the_dashboard_says_when_the_target_is_not_what_is_expected(migrated: World) -> None:
    page = migrated.client("lena").get(reverse("admin:index"))
    assert page.status_code == 200
    assert "Something could not be read: files" in words_of(page)


def test_lists_of_the_target_answer_503_while_it_is_away(executed: World) -> None:
    client = executed.client("root")
    with target_away():
        answers = {
            model: client.get(address(model, "changelist")).status_code for model in (File, Phase, MigrationDashboard)
        }
        assert client.get(address(Changeset, "changelist")).status_code == 200
    assert set(answers.values()) == {503}, answers


def test_an_open_incident_stands_on_the_dashboard_and_in_the_sidebar(executed: World) -> None:
    Incident.objects.create(title="Index idx_global_impacts_risk is invalid", opened_by="lena", blocking=False)
    page = executed.client("sam").get(reverse("admin:index")).content.decode()
    assert "Index idx_global_impacts_risk is invalid" in page
    assert "does not block" in page
