"""The evidence, to read: what was frozen, rehearsed and run. Nothing here is written in the admin."""

from v7migration.ledger.admin import coverage, dart, evidence, reviews, runs, validations

__all__ = ["coverage", "dart", "evidence", "reviews", "runs", "validations"]
