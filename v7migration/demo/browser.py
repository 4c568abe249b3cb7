"""A person at a browser without JavaScript: signs in, reads pages, posts their forms over HTTP."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from html import unescape
from http.cookiejar import CookieJar
from urllib.parse import urlencode, urljoin

from v7migration.errors import StepFailed

HIDDEN = re.compile(r"<input\b[^>]*type=\"hidden\"[^>]*>")
ATTRIBUTE = re.compile(r"\b(name|value)=\"([^\"]*)\"")


class Browser:
    """One person's session with the site."""

    def __init__(self, base: str) -> None:
        """``base``: the site's URL, with a trailing slash."""
        self.base = base
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def get(self, path: str) -> str:
        """Return a page.

        Raises:
            StepFailed: the site refused it; the message quotes the page.
        """
        return self._open(urllib.request.Request(urljoin(self.base, path)))  # noqa: S310 (our own site)

    def post(self, path: str, *, form: str | None = None, **fields: str | list[str]) -> str:
        """Post the form that a page shows (its hidden fields included) and return the page it leads to.

        Args:
            path: where the form goes.
            form: the page that shows the form, when it is another one.
            fields: what the person fills in.
        """
        hidden = self._hidden(self.get(form or path))
        body = urlencode({**hidden, **fields}, doseq=True).encode()
        headers = {"Referer": urljoin(self.base, form or path), "Content-Type": "application/x-www-form-urlencoded"}
        request = urllib.request.Request(urljoin(self.base, path), data=body, headers=headers)  # noqa: S310
        return self._open(request)

    def sign_in(self, username: str, password: str) -> None:
        """Sign in with one's own password."""
        page = self.post("login/", username=username, password=password)
        if 'name="username"' in page:
            raise StepFailed(
                f"{username} cannot sign in.", "If the password was changed, begin anew with v7_demo --reset."
            )

    def _hidden(self, page: str) -> dict[str, str]:
        found = {}
        for tag in HIDDEN.findall(page):
            attributes = dict(ATTRIBUTE.findall(tag))
            if "name" in attributes:
                found[attributes["name"]] = unescape(attributes.get("value", ""))
        return found

    def _open(self, request: urllib.request.Request) -> str:
        try:
            with self.opener.open(request, timeout=60) as answer:
                page: str = answer.read().decode()
        except urllib.error.HTTPError as error:
            text = re.sub(r"<(style|script|title)\b.*?</\1>|<[^>]+>", " ", error.read().decode(), flags=re.DOTALL)
            words = " ".join(unescape(text).split())
            raise StepFailed(
                f"{request.full_url} answered {error.code}: {words[:400]}", "See the page in a browser."
            ) from error
        return page
