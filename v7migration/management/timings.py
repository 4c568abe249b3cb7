"""How commands print how fast the target answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Say = Callable[[str], None]
MARKS = {"as before": "✓", "new": " ", "slower": "~", "degraded": "!", "fails": "!"}


def print_baseline(say: Say, baseline: Mapping[str, Any]) -> None:
    """Print a measurement: each query with its fastest and median time, or why it did not answer."""
    queries = baseline["queries"]
    tables, indexes = len(baseline["sizes"]), len(baseline["indexes"])
    say(f"Baseline     {len(queries)} queries timed, {tables} tables and {indexes} indexes sized")
    for query in queries:
        if query["error"]:
            say(f"    {query['name']:<56} {query['error']}")
            continue
        times = f"{query['milliseconds_min']:9.2f} ms, median {query['milliseconds_median']:9.2f} ms"
        say(f"    {query['name']:<56} {times}")


def print_timings(say: Say, found: Mapping[str, Any]) -> None:
    """Print the comparison with the baseline: each query before and after, and its verdict."""
    say("")
    taken = found["baseline"]
    say(f"Against the baseline of {taken['taken_at']}:" if taken else found["note"])
    for line in found["queries"]:
        if line["verdict"] == "new" and taken is None:
            continue
        before, after = (
            f"{line[key]:9.2f} ms" if line[key] is not None else "        –   " for key in ("before", "after")
        )
        ratio = f" ×{line['ratio']}" if line["ratio"] is not None else ""
        verdict = f"{line['verdict']}{ratio} {line['error']}".rstrip()
        say(f"{MARKS[line['verdict']]} {line['name']:<56} {before} → {after}  {verdict}")
