"""How fast the target answers now, and whether a run made it slower (documents 2.1.1 action 4, 5.3).

The inventory measures before a run, the verification after it; both ask here, as the web role, which is how the
pages and the application's readers see the target.
"""

from __future__ import annotations

from typing import Any

from v7migration.ledger.models import Baseline, Run
from v7migration.pipeline.target import web_session
from v7migration.postgres import measure
from v7migration.postgres.measure import Named
from v7migration.postgres.queries import document_queries

HAS_TABLES = "SELECT to_regclass('public.v7_migration_workflow') IS NOT NULL"
VIEWS = ("v7_migration_dashboard", "v7_enum_consolidation_status", "v7_file_migration_readiness")
VIEW = "view: "
BOUND = 1_000
"""Milliseconds within which a view must answer while there is no measurement to compare it with."""
NO_BASELINE = "No baseline was taken of this target before the run: v7_inventory --only baseline takes one."


def take(*, target_name: str, person: str, run: Run | None = None, known: Baseline | None = None) -> Baseline:
    """Measure the target and store what was found.

    Args:
        target_name: the target in words, as a snapshot names it.
        person: username that the evidence names, empty for none.
        run: the run after which this is measured; None before.
        known: an earlier measurement whose queries are timed again, word for word, beside those of now.

    Raises:
        django.db.Error: the target does not answer.
    """
    session = web_session()
    document = measure.measure(session, _queries(session, known))
    if known is not None:
        document["queries"] = _confirmed(known.document["queries"], document["queries"])
    return Baseline.objects.create(target_name=target_name, taken_by=person, run=run, document=document)


def before(run: Run) -> Baseline | None:
    """Return the newest measurement of the run's target that was taken before the run began."""
    found: Baseline | None = Baseline.objects.filter(
        run=None, target_name=run.changeset.snapshot.target_name, taken_at__lt=run.started_at
    ).first()
    return found


def compare(*, run: Run, person: str) -> dict[str, Any]:
    """Measure again after a run and compare with the baseline.

    Returns ``ok``, ``note``, ``baseline`` and ``measured`` ({``id``, ``taken_at``, ``taken_by``} or None), ``queries``
    (see :func:`measure.compare`), ``degraded`` (the names of the queries that got worse), ``changed_plans`` (of those
    whose plan has another shape: a reason to look, not a verdict), and ``health`` and ``statements`` of now (see
    :func:`measure.measure`), with the cache's hit ratio before in ``hit_ratio_before``.
    """
    known = before(run)
    found = take(target_name=run.changeset.snapshot.target_name, person=person, run=run, known=known)
    lines = measure.compare(known.document["queries"] if known else [], found.document["queries"])
    degraded = [line["name"] for line in lines if line["verdict"] in measure.WORSE]
    cache_before = known.document.get("health", {}).get("cache", {}) if known else {}
    return {
        "ok": not degraded, "note": "" if known else NO_BASELINE, "baseline": _named(known), "measured": _named(found),
        "queries": lines, "degraded": degraded,
        "changed_plans": [line["name"] for line in lines if line["plan"] == measure.CHANGED_PLAN],
        "health": found.document["health"], "statements": found.document["statements"],
        "hit_ratio_before": cache_before.get("hit_ratio"),
    }  # fmt: skip


def views(*, run: Run, found: dict[str, Any]) -> list[dict[str, Any]]:
    """Compare each view's time of the measurement just ``found`` with its baseline.

    Before a run there are no views: their baseline is the first measurement after it. Returns [{``name``, ``sql``,
    ``established`` (this measurement is the baseline), ``after`` (fastest, milliseconds), ``median``, ``before``,
    ``baseline_at``, ``repetitions``, ``verdict``, ``plan``, ``error``}]; what looks worse is measured once more.
    """
    measured = Baseline.objects.get(pk=found["measured"]["id"])
    first = Baseline.objects.filter(run=run).exclude(pk=measured.pk).last()
    known = _views_in(first)
    now = _views_in(measured)
    suspects = [e for e in now if measure.compare(known, [e])[0]["verdict"] in measure.WORSE]
    again = [measure.timed(web_session(), Named.again(e)) for e in suspects]
    lines = []
    for entry in measure.faster_of(now, again):
        before = next((e["milliseconds_min"] for e in known if e["name"] == entry["name"]), None)
        lines.append({
            "name": entry["name"].removeprefix(VIEW), "sql": entry["sql"], "established": before is None,
            "after": entry["milliseconds_min"], "median": entry["milliseconds_median"], "before": before,
            "baseline_at": f"{first.taken_at:%Y-%m-%d %H:%M} UTC" if first and before is not None else "",
            "repetitions": entry["repetitions"], "verdict": measure.compare(known, [entry])[0]["verdict"],
            "plan": " > ".join(entry["plan"]), "error": entry["error"],
        })  # fmt: skip
    return lines


def _views_in(taken: Baseline | None) -> list[dict[str, Any]]:
    return [entry for entry in (taken.document["queries"] if taken else []) if entry["name"].startswith(VIEW)]


def _queries(session: measure.Connection, known: Baseline | None) -> list[Named]:
    """Return the queries to time: those of an earlier measurement first, then what is there now beside them."""
    there = session.execute(HAS_TABLES).fetchone()
    moments = ("before", "after") if there and there[0] else ("before",)
    queries = [Named.again(entry) for entry in (known.document["queries"] if known else ())]
    queries += [Named(f"document {q.name}", q.sql) for q in document_queries() if q.when in moments]
    queries += measure.queries_on_files(session)
    queries += measure.queries_on_views(session)
    if "after" in moments:
        queries += [Named(f"{VIEW}{name}", f"SELECT * FROM v7_monitoring.{name}") for name in VIEWS]  # noqa: S608
    return list({query.name: query for query in reversed(queries)}.values())[::-1]


def _confirmed(earlier: list[dict[str, Any]], found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Measure once more what looks worse than before: a verdict that a passing load would give is none."""
    suspects = {line["name"] for line in measure.compare(earlier, found) if line["verdict"] in measure.WORSE}
    session = web_session()
    again = [measure.timed(session, Named.again(e)) for e in found if e["name"] in suspects]
    return measure.faster_of(found, again)


def _named(taken: Baseline | None) -> dict[str, str] | None:
    if taken is None:
        return None
    taken.refresh_from_db()
    return {"id": str(taken.pk), "taken_at": taken.taken_at.isoformat(), "taken_by": taken.taken_by}
