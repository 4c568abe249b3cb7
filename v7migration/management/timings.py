"""How commands print how fast the target answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Say = Callable[[str], None]
SHOWN, TEXT = 10, 90
MARKS = {"as before": "✓", "new": " ", "not measured": " ", "slower": "~", "degraded": "!", "fails": "!"}


def print_baseline(say: Say, baseline: Mapping[str, Any]) -> None:
    """Print a measurement: each query with its fastest and median time, or why it did not answer."""
    if baseline["id"] is None:
        say(f"Baseline     not taken: {'; '.join(baseline['faults'])}")
        return
    queries = baseline["queries"]
    totals = baseline["totals"]
    tables, indexes = (
        f"{len(baseline[part])} of {totals[name]} {name}"
        for part, name in (("sizes", "tables"), ("indexes", "indexes"))
    )
    say(f"Baseline     {len(queries)} queries timed, {tables} and {indexes} sized")
    for query in queries:
        if query["error"]:
            say(f"    {query['name']:<56} {query['error']}")
            continue
        times = f"{query['milliseconds_min']:9.2f} ms, median {query['milliseconds_median']:9.2f} ms"
        say(f"    {query['name']:<56} {times}")
    _print_health(say, baseline["health"])
    _print_statements(say, baseline["statements"])


def _print_health(say: Say, health: Mapping[str, Any]) -> None:
    """Print cache, indexes and dead rows in a line each, and name the duplicates."""
    ratio = health["cache"]["hit_ratio"]
    say(f"    Cache        {'nothing read yet' if ratio is None else f'{ratio:.1%} of the blocks read were in memory'}")
    unused, dead = health["unused_indexes"], health["dead_rows"]
    say(f"    Indexes      {len(unused)} never scanned, {sum(index['bytes'] for index in unused) // 1024} kB")
    for same in health["duplicate_indexes"]:
        say(f"                 the same on {same['table']}: {', '.join(same['names'])}")
    worst = f", the most in {dead[0]['name']}: {dead[0]['dead']} beside {dead[0]['live']} alive" if dead else ""
    say(f"    Dead rows    in {len(dead)} tables{worst}")


def _print_statements(say: Say, statements: Mapping[str, Any]) -> None:
    """Print the heaviest statements of the application, or why they are not known."""
    if statements["note"]:
        say(f"    Statements   {statements['note']}")
    for entry in statements["entries"][:SHOWN]:
        text = " ".join(entry["query"].split())[:TEXT]
        say(f"    {entry['milliseconds_total']:12.1f} ms in {entry['calls']} calls: {text}")


def print_timings(say: Say, found: Mapping[str, Any]) -> None:
    """Print the comparison with the baseline: each query before and after, and its verdict."""
    say("")
    taken = found["baseline"]
    say(f"Against the baseline of {taken['taken_at']}:" if taken else found["note"])
    for line in found["queries"]:
        if line["verdict"] in ("new", "not measured") and taken is None:
            continue
        before, after = (
            f"{line[key]:9.2f} ms" if line[key] is not None else "        –   " for key in ("before", "after")
        )
        ratio = f" ×{line['ratio']}" if line["ratio"] is not None else ""
        plan = ", another plan" if line["plan"] == "changed" else ""
        verdict = f"{line['verdict']}{ratio}{plan} {line['error']}".rstrip()
        say(f"{MARKS[line['verdict']]} {line['name']:<56} {before} → {after}  {verdict}")
