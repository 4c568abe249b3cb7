"""Takes passwords out of a schema's text before it is kept: a database's definitions can hold connection strings.

What is taken out: the options of user mappings, the connection of a subscription, options of servers and foreign
tables that are named like a secret, passwords in URLs and in connection strings of the ``host=… password=…`` form.
"""

from __future__ import annotations

import re

HIDDEN = "***"
_IDENTIFIER = r'(?:"(?:[^"]|"")*"|[^\s"(;]+)'
_LITERAL = r"E?'(?:[^'\\]|''|\\.)*'"
_OPTION = rf"{_IDENTIFIER}\s+{_LITERAL}"
_NAMED_SO = r"\w*(?:password|passwd|passphrase|secret|token|api_?key|access_?key|private_?key|credential)\w*"
_RULES = (
    (
        re.compile(
            rf"^(CREATE USER MAPPING FOR {_IDENTIFIER} SERVER {_IDENTIFIER}) "
            rf"OPTIONS \(\s*{_OPTION}(?:,\s*{_OPTION})*\s*\)",
            re.MULTILINE,
        ),
        r"\1",
    ),
    (
        re.compile(rf"^(CREATE SUBSCRIPTION {_IDENTIFIER} CONNECTION) {_LITERAL}", re.MULTILINE),
        rf"\1 '{HIDDEN}'",
    ),
    (re.compile(rf'^(\s*"?{_NAMED_SO}"?\s+){_LITERAL}(?=,?$)', re.MULTILINE | re.IGNORECASE), rf"\1'{HIDDEN}'"),
    (re.compile(rf'("{_NAMED_SO}=)(?:[^"\\]|\\.)*(?=")', re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/@'\"]*:)[^\s/@'\"]+(?=@)", re.IGNORECASE), rf"\1{HIDDEN}"),
    (
        re.compile(
            r"(\b(?:host|hostaddr|dbname|user|port|sslmode|service)\s*=[^\n;]{0,400}?\b(?:ssl)?password\s*=\s*)"
            r"(?!(?:new|old|excluded)\.|\$)(?:''(?:[^'\n]|'''')*''|[^\s'\";)]+)",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
    (
        re.compile(
            r"(['\"]\s*(?:ssl)?password\s*=\s*)(?:''(?:[^'\n]|'''')*''|[^\s'\";)]+)"
            r"(?=\s[^\n'\";]*\b(?:host|hostaddr|dbname|user|port|sslmode|service)\s*=)",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
)


def without_secrets(text: str) -> str:
    """Return SQL, JSON or a sentence with every password in it replaced by ``***``; the rest comes back unchanged."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text
