"""The lock under which a subject's signatures change."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import connections

from approvals.gates import Reason, Subject
from approvals.refusals import SigningRefused
from v7migration.ledger.models import Changeset, Run


def lock_subject(subject: Subject) -> None:
    """Lock the row of the subject until the transaction ends. Raises :class:`SigningRefused` when there is none.

    The runner holds a changeset's row ``FOR SHARE`` while it commits on the target. A phase's row lives where
    the home is, perhaps in another database, so its signatures queue on an advisory lock instead.
    """
    if subject.kind not in ("changeset", "run", "phase"):
        raise SigningRefused(Reason("unknown-subject", f"Nobody signs a {subject.kind}."))
    if subject.kind == "phase":
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"approvals.phase:{subject.id}"])
        return
    try:
        rows = (
            Changeset.objects.filter(pk=subject.id)
            if subject.kind == "changeset"
            else Run.objects.filter(pk=subject.id)
        )
        known = rows.select_for_update(no_key=True).values_list("pk").first()
    except ValidationError:
        known = None
    if known is None:
        raise SigningRefused(Reason("unknown-subject", f"There is no {subject.kind} {subject.id[:64]}."))
