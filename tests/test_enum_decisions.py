"""Decisions on groups of ENUM types: who may, what they write, who was first, what is refused."""

from __future__ import annotations

import re
import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest
from django.db import connections
from django.urls import reverse

from tests.world import World
from tracking.models import EnumMigration
from tracking.services import enum_migration_approve
from v7migration.errors import AppendOnlyRefused, Fenced, Refused, StaleForm, TransitionRefused, UsageError, V7Error
from v7migration.ledger.models import EnumDecision, Event
from v7migration.pipeline import consolidation, inventory
from v7migration.pipeline.consolidation import Choice, Group
from v7migration.views.enum_groups import GroupTable

TYPES = """
CREATE TYPE public.zz_kept AS ENUM ('one', 'two');
CREATE TYPE public.zz_other AS ENUM ('ONE', 'two');
CREATE TYPE public.zz_third AS ENUM ('Two', 'One');
CREATE TABLE public.zz_table (a public.zz_kept, b public.zz_kept, c public.zz_other DEFAULT 'ONE', d public.zz_third[]);
CREATE TYPE public.zz_order AS ENUM ('zebra', 'items', 'a');
INSERT INTO public.zz_table VALUES ('one', 'two', 'ONE', '{Two,One}'), ('one', 'two', 'two', NULL);
ANALYZE public.zz_table;
"""


@pytest.fixture
def analysed(world: World) -> World:
    """The demo's target with three more types, and an ENUM inventory of it."""
    with world.owner() as owner:
        owner.execute(TYPES)
    inventory.take(actor=None, only="enums")
    return world


def ours() -> Group:
    return next(group for group in consolidation.groups() if "public.zz_kept" in group.by_name)


def url(group: Group) -> str:
    return reverse("enum-group", args=[group.key])


def row(name: str) -> EnumMigration:
    return EnumMigration.objects.get(current_enum_name=name)


def test_an_accepted_group_becomes_one_row_for_each_type_that_goes(analysed: World) -> None:
    decision = consolidation.accept(actor=analysed.actor("dana"), group=ours(), reason="They are the same.")
    assert (decision.by, decision.verdict, decision.reason) == ("dana", "accepted", "They are the same.")
    assert {r.current_enum_name for r in EnumMigration.objects.all()} == {"zz_other", "zz_third"}
    other = row("zz_other")
    assert (other.v7_enum_name, other.v7_enum_values) == ("zz_kept", ["one", "two"])
    assert other.current_enum_values == ["ONE", "two"]
    assert set(other.consolidates_with) == {"zz_kept", "zz_third"}
    assert (other.affected_tables, other.affected_columns) == (["zz_table"], {"zz_table": ["c"]})
    assert "WHEN 'ONE' THEN 'one'" in other.migration_script
    assert other.risk_level == "low" and "Risk low" in other.migration_script
    assert other.history.get().history_user_id == "dana"
    assert decision.document["mapping"]["public.zz_third"] == {"Two": "two", "One": "one"}
    assert Event.objects.filter(kind="enum_group.accepted", subject=decision.group).count() == 1


def test_the_scripts_of_the_rows_work_on_the_target_forward_and_back(analysed: World) -> None:
    consolidation.accept(actor=analysed.actor("dana"), group=ours())
    read = "SELECT a::text, c::text, d::text[], pg_typeof(c)::text FROM public.zz_table ORDER BY c::text"
    with analysed.owner() as owner:
        before = owner.execute(read).fetchall()
        for name in ("zz_other", "zz_third"):
            owner.execute(row(name).migration_script.encode())
        assert owner.execute(read).fetchall() == [
            ("one", "one", ["two", "one"], "zz_kept"),
            ("one", "two", None, "zz_kept"),
        ]
        owner.execute("DROP TYPE public.zz_other; DROP TYPE public.zz_third")
        for name in ("zz_other", "zz_third"):
            owner.execute(row(name).rollback_script.encode())
        assert owner.execute(read).fetchall() == before


def test_a_group_stays_the_same_in_the_next_inventory_and_a_changed_one_waits(analysed: World) -> None:
    first = ours()
    consolidation.accept(actor=analysed.actor("dana"), group=first)
    inventory.take(actor=None, only="enums")
    assert ours().key == first.key and ours().decision is not None
    with analysed.owner() as owner:
        owner.execute("ALTER TYPE public.zz_third ADD VALUE 'three'")
    inventory.take(actor=None, only="enums")
    assert ours().key != first.key and ours().decision is None
    assert first.key in {decision.group for decision in consolidation.earlier()}


def test_a_rejected_group_writes_no_row_and_needs_a_reason(analysed: World) -> None:
    dana, group = analysed.actor("dana"), ours()
    with pytest.raises(UsageError, match="needs a reason"):
        consolidation.decide(actor=dana, group=group, verdict="rejected", reason="  ")
    consolidation.decide(actor=dana, group=group, verdict="rejected", reason="They only look alike.")
    assert not EnumMigration.objects.exists()
    assert ours().decision is not None
    later = ours()
    consolidation.accept(actor=dana, group=later, reason="They are the same after all.")
    assert [d.verdict for d in ours().decisions] == ["rejected", "accepted"]
    assert EnumMigration.objects.count() == 2


def test_a_split_leaves_members_out_and_those_wait_as_a_group_of_their_own(analysed: World) -> None:
    with analysed.owner() as owner:
        owner.execute("CREATE TYPE public.zz_fourth AS ENUM ('one', 'two')")
    inventory.take(actor=None, only="enums")
    group = ours()
    begin = consolidation.proposed(group)
    choice = Choice(begin.base, begin.schema, begin.name, taken_out=frozenset({"public.zz_third", "public.zz_fourth"}))
    with pytest.raises(UsageError, match="takes members out"):
        consolidation.decide(actor=analysed.actor("dana"), group=group, verdict="accepted", reason="x", choice=choice)
    consolidation.decide(
        actor=analysed.actor("dana"), group=group, verdict="split", reason="Two of them differ.", choice=choice
    )
    assert {r.current_enum_name for r in EnumMigration.objects.all()} == {"zz_other"}
    assert "zz_third" not in row("zz_other").consolidates_with
    rest = next(g for g in consolidation.waiting() if set(g.by_name) == {"public.zz_third", "public.zz_fourth"})
    assert "taken out" in rest.reason
    consolidation.accept(actor=analysed.actor("dana"), group=rest)
    assert EnumMigration.objects.count() == 2


def test_a_new_name_lets_every_member_go_and_a_taken_one_is_refused(analysed: World) -> None:
    group, dana = ours(), analysed.actor("dana")
    for name in ("zz_other", "page_type"):
        with pytest.raises(UsageError):
            consolidation.plan(group, Choice("public.zz_kept", "public", name))
    choice = Choice("public.zz_kept", "public", "number", further=("three",))
    consolidation.decide(actor=dana, group=group, verdict="accepted", reason="", choice=choice)
    assert EnumMigration.objects.filter(v7_enum_name="number").count() == 3
    assert row("zz_kept").v7_enum_values == ["one", "two", "three"]
    with analysed.owner() as owner:
        for name in ("zz_kept", "zz_other", "zz_third"):
            owner.execute(row(name).migration_script.encode())
        assert owner.execute("SELECT a = c FROM public.zz_table ORDER BY 1").fetchall() == [(False,), (True,)]


def test_every_label_must_end_somewhere(analysed: World) -> None:
    with analysed.owner() as owner:
        owner.execute("CREATE TYPE public.ww AS ENUM ('a-b', 'ab'); CREATE TYPE public.ww2 AS ENUM ('ab', 'a-b')")
        owner.execute("CREATE TYPE public.xx AS ENUM ('p', 'q'); CREATE TYPE public.xx_enum AS ENUM ('Q', 'P')")
    inventory.take(actor=None, only="enums")
    group = next(g for g in consolidation.groups() if "public.xx" in g.by_name)
    mapping = {"public.xx_enum": {"Q": "nowhere"}}
    with pytest.raises(UsageError, match="no value of the V7 type"):
        consolidation.plan(group, Choice("public.xx", "public", "xx", mapping=mapping))
    merged = consolidation.plan(group, Choice("public.xx", "public", "xx", mapping={"public.xx_enum": {"Q": "p"}}))
    level, reasons = consolidation.risk(merged, group.by_name["public.xx_enum"])
    assert level == "high" and "lost" in reasons[0].sentence
    added = consolidation.plan(group, Choice("public.xx", "public", "xx", mapping={"public.xx_enum": {"Q": "Q"}}))
    assert added.labels == ("p", "q", "Q") and added.added == ("Q",)


def test_a_label_that_ends_nowhere_is_refused(analysed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    group = ours()
    choice = Choice("public.zz_kept", "public", "zz_kept")
    suggested = {"ONE": SimpleNamespace(target=None), "two": SimpleNamespace(target="two")}
    monkeypatch.setattr("v7migration.pipeline.consolidation.plans.suggest", lambda own, known: suggested)
    with pytest.raises(UsageError, match="end nowhere"):
        consolidation.decide(actor=analysed.actor("dana"), group=group, verdict="accepted", reason="", choice=choice)
    assert not EnumDecision.objects.exists()


@pytest.mark.parametrize("name", ["dev", "carl", "otto"])
def test_who_assesses_nothing_decides_nothing(analysed: World, name: str) -> None:
    with pytest.raises(TransitionRefused, match="may not decide on a group"):
        consolidation.accept(actor=analysed.actor(name), group=ours())
    answer = analysed.client(name).post(url(ours()), {"verdict": "accepted", "seen": "0"})
    assert answer.status_code == 403
    assert not EnumDecision.objects.exists() and not EnumMigration.objects.exists()


@pytest.mark.parametrize("name", ["dana", "wilma", "lena", "ada"])
def test_guardians_personas_lead_and_architect_decide(analysed: World, name: str) -> None:
    answer = analysed.client(name).post(url(ours()), {"verdict": "accepted", "seen": "0"})
    assert answer.status_code == 302
    assert EnumDecision.objects.get().by == name


def test_of_two_people_at_once_the_database_lets_one_and_tells_the_other(analysed: World) -> None:
    group = ours()
    results: dict[str, EnumDecision | V7Error] = {}
    barrier = threading.Barrier(2)

    def decide(name: str, verdict: str) -> None:
        try:
            barrier.wait()
            results[name] = consolidation.decide(
                actor=analysed.actor(name), group=group, verdict=verdict, reason="Mine."
            )
        except V7Error as error:
            results[name] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=decide, args=who) for who in (("dana", "accepted"), ("ada", "rejected"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lost = [found for found in results.values() if isinstance(found, StaleForm)]
    assert len(lost) == 1 and EnumDecision.objects.count() == 1
    assert EnumDecision.objects.get().by in lost[0].message
    assert EnumMigration.objects.count() == (2 if EnumDecision.objects.get().verdict == "accepted" else 0)


def test_a_page_that_was_opened_before_another_decision_is_told(analysed: World) -> None:
    consolidation.accept(actor=analysed.actor("ada"), group=ours())
    answer = analysed.client("dana").post(url(ours()), {"verdict": "rejected", "seen": "0", "reason": "No."})
    assert answer.status_code == 409
    assert "accepted by ada" in answer.content.decode()


def test_a_decision_changes_only_while_its_rows_are_open_proposals(analysed: World) -> None:
    dana, ada = analysed.actor("dana"), analysed.actor("ada")
    consolidation.accept(actor=dana, group=ours())
    consolidation.decide(actor=dana, group=ours(), verdict="rejected", reason="Not yet.")
    assert not EnumMigration.objects.exists()
    consolidation.accept(actor=dana, group=ours())
    again = Choice("public.zz_kept", "public", "number")
    consolidation.decide(actor=dana, group=ours(), verdict="accepted", reason="", choice=again)
    assert EnumMigration.objects.filter(v7_enum_name="number").count() == 3
    consolidation.accept(actor=dana, group=ours())
    assert EnumMigration.objects.count() == 2
    enum_migration_approve(row=row("zz_other"), actor=ada)
    with pytest.raises(TransitionRefused, match="approved"):
        consolidation.decide(actor=dana, group=ours(), verdict="rejected", reason="Too late.")
    with pytest.raises(Refused, match="approved"):
        consolidation.decide(
            actor=dana, group=ours(), verdict="accepted", reason="", choice=Choice("public.zz_third", "public", "n")
        )
    assert EnumDecision.objects.count() == 5 and EnumMigration.objects.count() == 2


def test_a_type_that_goes_cannot_take_anothers_place(analysed: World) -> None:
    consolidation.accept(actor=analysed.actor("dana"), group=ours())
    with analysed.owner() as owner:
        owner.execute("ALTER TYPE public.zz_kept ADD VALUE 'nine'; ALTER TYPE public.zz_third ADD VALUE 'NINE'")
    inventory.take(actor=None, only="enums")
    group = ours()
    assert set(group.by_name) == {"public.zz_kept", "public.zz_third"}
    with pytest.raises(Refused, match="is to go itself"):
        consolidation.decide(
            actor=analysed.actor("dana"), group=group, verdict="accepted", reason="",
            choice=Choice("public.zz_third", "public", "zz_third"),
        )  # fmt: skip
    assert EnumDecision.objects.count() == 1


def test_nothing_is_decided_while_the_rows_are_moved(analysed: World) -> None:
    group = ours()
    with analysed.control_owner() as connection:
        connection.execute("UPDATE migration_gate.fence SET is_open = false")
    for verdict in ("accepted", "rejected"):
        with pytest.raises(Fenced, match="being moved"):
            consolidation.decide(actor=analysed.actor("dana"), group=group, verdict=verdict, reason="Now.")
    assert not EnumDecision.objects.exists()


def test_a_decision_is_written_once(analysed: World) -> None:
    decision = consolidation.accept(actor=analysed.actor("dana"), group=ours())
    with pytest.raises(AppendOnlyRefused):
        decision.save()
    with pytest.raises(AppendOnlyRefused):
        EnumDecision.objects.all().delete()
    with analysed.web("default") as web, pytest.raises(Exception, match=r"permission denied|append-only"):
        web.execute("UPDATE ledger_enumdecision SET reason = 'other'")


def test_decisions_are_taken_in_the_live_home_too(executed: World) -> None:
    with executed.owner() as owner:
        owner.execute(TYPES)
    inventory.take(actor=None, only="enums")
    before = EnumMigration.objects.using("target").count()
    consolidation.accept(actor=executed.actor("dana"), group=ours())
    assert EnumMigration.objects.using("target").count() == before + 2


def post(world: World, **words: Any) -> Any:
    return world.client("dana").post(url(ours()), {"seen": "0", "reason": "", **words})


def test_the_page_takes_a_mapping_added_labels_and_members_that_stay_out(analysed: World) -> None:
    group = ours()
    third = [member.name for member in group.members].index("public.zz_third")
    answer = post(
        analysed, verdict="split", reason="Not the second.", out=["public.zz_other"], further="three\r\n\r\nfour",
        **{f"m-{third}-0": "add", f"m-{third}-1": "2"},
    )  # fmt: skip
    assert answer.status_code == 302, answer.content.decode()
    assert row("zz_third").v7_enum_values == ["one", "two", "three", "four", "Two"]
    mapping = EnumDecision.objects.get().document["mapping"]
    assert mapping == {"public.zz_third": {"Two": "Two", "One": "three"}}
    assert not EnumMigration.objects.filter(current_enum_name="zz_other").exists()


@pytest.mark.parametrize(
    "words",
    [
        {"verdict": ""}, {"verdict": "nonsense"}, {"verdict": "accepted", "base": "public.nowhere"},
        {"verdict": "accepted", "name": "x" * 64}, {"verdict": "accepted", "schema": "nowhere", "name": "n"},
        {"verdict": "accepted", "out": ["public.zz_other"]}, {"verdict": "split", "reason": "x"},
        {"verdict": "split", "reason": "x", "out": ["public.zz_other", "public.zz_third"]},
        {"verdict": "split", "reason": "x", "out": ["public.nowhere"]}, {"verdict": "accepted", "seen": "²"},
        {"verdict": "accepted", "seen": "-1"}, {"verdict": "rejected", "reason": " "},
        {"verdict": "accepted", "name": "a\x00b"},
    ],
)  # fmt: skip
def test_nonsense_is_refused_with_a_sentence(analysed: World, words: dict[str, Any]) -> None:
    answer = post(analysed, **words)
    assert answer.status_code in (400, 409)
    assert 'role="alert"' in answer.content.decode()
    assert not EnumDecision.objects.exists()


def test_pages_show_groups_hints_conflicts_and_an_unknown_group_is_not_found(analysed: World) -> None:
    client = analysed.client("otto")
    page = client.get(reverse("enum-groups")).content.decode()
    for words in ("wait for a decision", "zz_kept", "Subsets", "Conflicts", "Unused types"):
        assert words in page
    values = re.findall(r'<tr><td><span class="mono v7-label">(.*?)</span></td>', page)
    assert values[values.index("zebra") :][:3] == ["zebra", "items", "a"], "the labels stand in the type's order"
    assert client.get(reverse("enum-group", args=["0" * 20])).status_code == 404
    side = client.get(url(ours()), {"base": "public.zz_third", "out": "public.zz_other"}).content.decode()
    assert "Split: take 1 out" in side and "renamed" in side
    assert client.get(url(ours()), {"base": "'; DROP"}).status_code == 400


@pytest.mark.parametrize(
    ("rows", "shown"),
    [((None, None), "unknown"), ((5, None), "≥ 5"), ((5, 1_200), "1,205"), ((0, 0), "0")],
)
def test_the_list_says_how_many_rows_are_known(rows: tuple[int | None, ...], shown: str) -> None:
    members = [SimpleNamespace(rows={"rows": n, "method": "unknown" if n is None else "estimated"}) for n in rows]
    assert GroupTable([]).render_rows(cast(Group, SimpleNamespace(members=members))) == shown


def test_before_any_inventory_the_list_says_who_takes_it(world: World) -> None:
    assert "v7_inventory --only enums" in world.client("otto").get(reverse("enum-groups")).content.decode()
