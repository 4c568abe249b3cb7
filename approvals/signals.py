"""Names the acting person to the database around each change to an account or to what it holds.

The rows of AccountChange are written by triggers, so that a bulk update or raw SQL leaves one too, then
without a name. Here only the name is handed over, and the event that everybody sees is written.
"""

from __future__ import annotations

from typing import Any

from axes.signals import user_locked_out
from django.contrib.auth import get_user_model
from django.db.models.signals import post_delete, post_save, pre_delete, pre_save
from django.dispatch import receiver

from approvals.actors import acting_user, announce, withdraw_announcement
from approvals.models import Holding
from v7migration.ledger.models import Incident
from v7migration.ledger.services import append_event, open_incident

User = get_user_model()
WATCHED = ("username", "password", "email", "is_active", "is_superuser")


@receiver([pre_save, pre_delete], sender=User, dispatch_uid="approvals.announce_user")
def before_account_change(
    sender: Any, instance: Any, using: str, update_fields: frozenset[str] | None = None, **_: Any
) -> None:
    """Hand the acting person's name to the session and note what is about to change."""
    announce(using=using)
    saved = [field for field in WATCHED if update_fields is None or field in update_fields]
    stored = User.objects.using(using).filter(pk=instance.pk).values(*saved).first() if saved else None
    instance._account_changes = [field for field in saved if stored and stored[field] != getattr(instance, field)]


@receiver(post_save, sender=User, dispatch_uid="approvals.user_saved")
def after_account_change(sender: Any, instance: Any, created: bool, using: str, **_: Any) -> None:
    """Take the name back and write the event."""
    withdraw_announcement(using=using)
    changes = instance.__dict__.pop("_account_changes", [])
    if created or changes:
        append_event(
            kind="account.created" if created else "account.changed",
            actor=acting_user.get(),
            subject=instance.get_username(),
            payload={"changes": changes},
        )


@receiver([pre_save, pre_delete], sender=Holding, dispatch_uid="approvals.announce_holding")
def before_holding_change(sender: Any, instance: Holding, using: str, **_: Any) -> None:
    """Hand the acting person's name to the session."""
    announce(using=using)


@receiver(post_save, sender=Holding, dispatch_uid="approvals.holding_saved")
def after_holding_saved(sender: Any, instance: Holding, using: str, **_: Any) -> None:
    """Take the name back and write the event."""
    withdraw_announcement(using=using)
    _persona_event("persona.granted", instance)


@receiver(post_delete, sender=Holding, dispatch_uid="approvals.holding_deleted")
def after_holding_deleted(sender: Any, instance: Holding, using: str, **_: Any) -> None:
    """Take the name back and write the event."""
    withdraw_announcement(using=using)
    _persona_event("persona.withdrawn", instance)


@receiver(post_delete, sender=User, dispatch_uid="approvals.user_deleted")
def after_account_deleted(sender: Any, using: str, **_: Any) -> None:
    """Take the name back."""
    withdraw_announcement(using=using)


@receiver(user_locked_out, dispatch_uid="approvals.locked_out")
def after_lock_out(sender: Any, username: str | None = None, ip_address: str | None = None, **_: Any) -> None:
    """Open an incident, once while it is open: somebody guesses at a password that signs."""
    title = f"The account {str(username or '')[:150]} was locked at {ip_address or 'an unknown address'}"
    if Incident.objects.filter(title=title, state=Incident.State.OPEN).exists():
        return
    detail = {"username": str(username or "")[:150], "address": ip_address or "", "after": "wrong passwords"}
    open_incident(
        run=None, step="", title=title, detail=detail, opened_by="", blocking=False,
        kind=Incident.Kind.SECURITY, severity=Incident.Severity.MEDIUM,
    )  # fmt: skip


def _persona_event(kind: str, holding: Holding) -> None:
    append_event(
        kind=kind,
        actor=acting_user.get(),
        subject=holding.user.get_username(),
        payload={"persona": holding.persona.name},
    )
