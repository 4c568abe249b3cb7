"""The tracked rows for programs: each operation is one call of a service or a selector."""

from __future__ import annotations

from ninja import Router

from tracking.api import enums, files, impacts, phases, reports, results, tasks, views


def routers() -> dict[str, Router]:
    """Return the routers by the address under which they stand."""
    return {
        "/phases": phases.router,
        "/tasks": tasks.router,
        "/impacts": impacts.router,
        "/enum-migrations": enums.router,
        "/test-results/junit": reports.router,  # before the addresses of single results
        "/test-results": results.router,
        "/files": files.router,
        "/views": views.router,
    }
