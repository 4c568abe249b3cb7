"""The page of a person's tokens. It asks for the password, so it loads no script; it shows a secret once."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from approvals import tokens
from approvals.forms import TokenForm
from v7migration.errors import AuthenticationFailed


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def token_page(request: HttpRequest) -> HttpResponse:
    """List the person's tokens, and make one."""
    if request.method != "POST":
        return _page(request, TokenForm())
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=400)
    try:
        token, secret = tokens.token_create(
            person=cast(User, request.user),
            password=form.cleaned_data["password"],
            name=form.cleaned_data["name"],
            days=form.cleaned_data["days"],
            address=request.META.get("REMOTE_ADDR", ""),
        )
    except AuthenticationFailed as refusal:
        return _page(request, form, status=403, refusal=refusal)
    return _page(request, TokenForm(), status=201, secret=secret, name=token.name)


@login_required
@require_POST
def token_revoke(request: HttpRequest, token_id: UUID) -> HttpResponse:
    """End one of the person's own tokens."""
    if tokens.token_revoke(person=cast(User, request.user), token_id=token_id):
        messages.success(request, "The token is revoked.")
    else:
        messages.error(request, "You have no living token of this id.")
    return redirect("tokens")


def _page(
    request: HttpRequest,
    form: TokenForm,
    *,
    status: int = 200,
    refusal: AuthenticationFailed | None = None,
    secret: str = "",
    name: str = "",
) -> HttpResponse:
    context = {
        "title": "Your tokens",
        "form": form,
        "tokens": tokens.tokens_of(cast(User, request.user)),
        "refusal": refusal,
        "secret": secret,
        "name": name,
    }
    return render(request, "pages/tokens.html", context, status=status)
