"""A password hash that costs little, so that tests may make many people."""

from __future__ import annotations

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class QuickHasher(PBKDF2PasswordHasher):
    """The product's algorithm with few iterations."""

    iterations = 1000
