"""Every list of values in the tracked tables: each is also a CHECK, in both homes."""

from __future__ import annotations

from django.db.models import TextChoices


class PhaseStatus(TextChoices):
    """Where a phase stands."""

    NOT_STARTED = "not_started", "Not started"
    IN_PROGRESS = "in_progress", "In progress"
    REVIEW = "review", "In review"
    APPROVED = "approved", "Approved"
    COMPLETED = "completed", "Completed"
    BLOCKED = "blocked", "Blocked"
    ROLLED_BACK = "rolled_back", "Rolled back"


class TaskStatus(TextChoices):
    """Where a task stands."""

    PENDING = "pending", "Pending"
    IN_PROGRESS = "in_progress", "In progress"
    BLOCKED = "blocked", "Blocked"
    REVIEW = "review", "In review"
    COMPLETED = "completed", "Completed"
    CANCELLED = "cancelled", "Cancelled"
    DEFERRED = "deferred", "Deferred"


class EnumMigrationStatus(TextChoices):
    """Where the consolidation of one ENUM type stands."""

    PROPOSED = "proposed", "Proposed"
    APPROVED = "approved", "Approved"
    IMPLEMENTED = "implemented", "Implemented"
    VALIDATED = "validated", "Validated"
    RETIRED = "retired", "Retired"
    ROLLED_BACK = "rolled_back", "Rolled back"


class ImpactStatus(TextChoices):
    """Where the assessment of an impact stands."""

    PENDING = "pending", "Pending"
    REVIEWING = "reviewing", "In review"
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    IMPLEMENTED = "implemented", "Implemented"


class FileStatus(TextChoices):
    """Where a file stands on its way to its V7 name."""

    PENDING_ASSESSMENT = "pending_assessment", "Pending assessment"
    ASSESSED = "assessed", "Assessed"
    DESIGNED = "designed", "Designed"
    APPROVED = "approved", "Approved"
    IMPLEMENTING = "implementing", "Implementing"
    TESTING = "testing", "Testing"
    MIGRATED = "migrated", "Migrated"
    RETIRED = "retired", "Retired"


class AuditStatus(TextChoices):
    """What file_audit says about the origin of a file."""

    NOVEL = "NOVEL", "Novel"
    SHARED = "SHARED", "Shared"
    SYSTEM = "SYSTEM", "System"


class Risk(TextChoices):
    """How bad it would be, from harmless to worst.

    :func:`severity` relies on the order.
    """

    LOW = "low", "Low"
    MEDIUM = "medium", "Medium"
    HIGH = "high", "High"
    CRITICAL = "critical", "Critical"


class ChangeType(TextChoices):
    """What kind of thing an impact changes."""

    ENUM = "enum", "ENUM"
    FILE = "file", "File"
    API = "api", "API"
    SCHEMA = "schema", "Schema"
    CONFIG = "config", "Configuration"
    DEPENDENCY = "dependency", "Dependency"


class TestType(TextChoices):
    """What kind of test was run."""

    __test__ = False

    UNIT = "unit", "Unit"
    INTEGRATION = "integration", "Integration"
    SYSTEM = "system", "System"
    PERFORMANCE = "performance", "Performance"
    REGRESSION = "regression", "Regression"
    SMOKE = "smoke", "Smoke"


class TestStatus(TextChoices):
    """How a test ended."""

    __test__ = False

    PASS = "pass", "Passed"
    FAIL = "fail", "Failed"
    SKIP = "skip", "Skipped"
    ERROR = "error", "Error"
    TIMEOUT = "timeout", "Timed out"


def severity(risk: str | None) -> int:
    """Return 1 (low) to 4 (critical), 0 for no risk: risks never sort alphabetically."""
    return Risk.values.index(risk) + 1 if risk in Risk.values else 0


def highest(risks: list[str]) -> str | None:
    """Return the worst of some risks, None of none."""
    return max(risks, key=severity, default=None)
