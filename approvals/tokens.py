"""Personal tokens for the API: made by whoever gives the password again, shown once, kept as a digest."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.contrib.postgres.functions import TransactionNow
from django.db import transaction
from django.db.models import Exists, ExpressionWrapper, OuterRef, Q, QuerySet
from django.db.models.fields import DateTimeField
from django.db.models.functions import Now

from approvals.models import TOKEN_DAYS, AccountChange, PersonalToken
from approvals.services import password_refusal
from v7migration.errors import AuthenticationFailed, Refused
from v7migration.ledger.services import append_event

PREFIX = "v7t_"
"""Lets a scanner of source code know a token that somebody committed."""
SECRET_BYTES = 32
ENDING = ("password", "is_active")
"""Changes of an account that end its tokens for good."""
USE_NOTED_EVERY = timedelta(minutes=1)


def token_create(
    *, person: User, password: str, name: str, days: int = 30, address: str = ""
) -> tuple[PersonalToken, str]:
    """Make a token of a person and return it with its secret, which nothing can show again.

    Args:
        password: the person's own, asked again.
        name: what the token is for.
        days: how long it lives, 1 to 90.
        address: where the request came from; too many wrong passwords from there lock it out.

    Raises:
        AuthenticationFailed: the password is not right, or the account is locked or not active.
        Refused: no name, or another number of days.
    """
    if (reason := password_refusal(person, password, address)) is not None:
        raise AuthenticationFailed(reason.sentence, "Enter your own password again; after too many attempts wait.")
    if not name.strip() or not 1 <= days <= TOKEN_DAYS:
        raise Refused(f"A token has a name and lives 1 to {TOKEN_DAYS} days.", "Correct the values.")
    secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    with transaction.atomic(using="default"):
        token = PersonalToken(user=person, name=name.strip(), sha256=digest_of(secret))
        token.expires_at = ExpressionWrapper(TransactionNow() + timedelta(days=days), output_field=DateTimeField())
        token.save()
        token.refresh_from_db()
        append_event(
            kind="token.created",
            actor=person.get_username(),
            subject=person.get_username(),
            payload={"token": token.pk, "name": token.name, "expires_at": token.expires_at},
        )
    return token, secret


def token_revoke(*, person: User, token_id: UUID) -> bool:
    """End a token of a person at once; return whether there was a living one of this id."""
    with transaction.atomic(using="default"):
        found = PersonalToken.objects.filter(pk=token_id, user=person, revoked_at__isnull=True)
        if not found.update(revoked_at=Now()):
            return False
        append_event(
            kind="token.revoked",
            actor=person.get_username(),
            subject=person.get_username(),
            payload={"token": token_id},
        )
    return True


def tokens_of(person: User) -> QuerySet[PersonalToken]:
    """Return all tokens of a person, newest first, each with ``lives``."""
    return PersonalToken.objects.filter(user=person).annotate(lives=Exists(_living().filter(pk=OuterRef("pk"))))


def person_of(secret: str) -> User | None:
    """Return whose token this is, None for one that is unknown, expired or revoked.

    So is every token of an account that is not active, and each made before its password or activity changed.
    """
    token = _living().select_related("user").filter(sha256=digest_of(secret)).first()
    if token is None:
        return None
    unnoted = Q(last_used_at__isnull=True) | Q(last_used_at__lt=Now() - USE_NOTED_EVERY)
    PersonalToken.objects.filter(unnoted, pk=token.pk).update(last_used_at=Now())
    return token.user


def digest_of(secret: str) -> str:
    """Return the SHA-256 under which a secret is stored; 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(secret.encode(errors="surrogateescape")).hexdigest()


def _living() -> QuerySet[PersonalToken]:
    changed = AccountChange.objects.filter(user=OuterRef("user"), kind__in=ENDING, at__gt=OuterRef("created_at"))
    return PersonalToken.objects.filter(
        ~Exists(changed), revoked_at__isnull=True, expires_at__gt=Now(), user__is_active=True
    )
