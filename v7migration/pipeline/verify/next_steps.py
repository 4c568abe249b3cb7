"""What to do about a check that fails, where the check itself does not say it: one sentence for each kind of check."""

from __future__ import annotations

from dataclasses import replace

from v7migration.postgres.queries import Check

BY_NAME: tuple[tuple[str, str], ...] = (
    ("2.2.1", "Compare with “tables”; the shape of each table names the statements that bring it back."),
    ("2.2.2", "Find the files that left pending_assessment by no recorded step: their history is at /files/."),
    ("4.1", "The target holds objects whose names begin with v7_: rename or drop them before anything runs."),
    ("4.2", "The shapes of file_audit, of the tables and of the views name what is missing or too many."),
    ("4.3 phases", "Bring the seven phases back from their history in v7_history.phase_history."),
    ("4.3 enums", "Bring the rows back from v7_history.enum_migration_history, or record the duplicates anew."),
    ("4.4", "The rollback left objects behind: its run's page lists them."),
    ("tables", "Drop or rename what is unexpected; the shape of a missing table says how to bring it back."),
    ("views", "The shape of each view holds the statement that makes it again."),
    ("indexes", "The shape of each table holds the statement that builds its index again."),
    ("constraints", "Correct the rows that violate it, then ALTER TABLE … VALIDATE CONSTRAINT …;"),
    ("triggers", "The shape of each table holds the statement: ALTER TABLE … ENABLE TRIGGER …;"),
    ("grants", "The shape of each table holds the statement: GRANT … TO v7_web;"),
    ("integrity", "file_audit was rewritten or altered: stop writers and compare it with a backup first."),
    ("home", "v7_status settles which database holds the rows; does the fence stay closed, v7_rollback."),
    ("shape", "Make what differs again as the signed script has it, or take the run back (v7_rollback)."),
    ("rest of the schema", "Ask who changed it and whether that was meant; a rollback leaves such changes alone."),
    ("unexpected objects", "Ask who made it; rename or drop it, for names of ours are reserved."),
    ("invalid indexes", "REINDEX INDEX CONCURRENTLY … for each that is named."),
    ("incidents", "Close each incident on its page: cause, remedy, review."),
    ("rows left", "Look for rows with “v7_verify trial” in their name and delete them."),
    ("rows ", "The server's words name the cause; the shape of the table and of v7_history says what differs."),
    ("view ", "Look at its plan below; ANALYZE the tables that it reads, then validate again."),
    ("rollback proof", "Remove what depends on the v7 objects, or repair what is missing; then validate again."),
    ("record", "Give the web role its rights on v7_test_results and v7_history back, then validate again."),
)  # fmt: skip
"""By the name of a check or its beginning; the first that fits counts."""


def advised(check: Check) -> Check:
    """Return the check with a next step: a check that holds, or says it itself, as it is."""
    if check.ok or check.repair:
        return check
    exact = next((step for name, step in BY_NAME if check.name == name), "")
    step = exact or next((step for name, step in BY_NAME if check.name.startswith(name)), "")
    return replace(check, repair=(step,)) if step else check
