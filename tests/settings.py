"""The product's settings with a quick password hash; processes that the tests start use them too."""

from v7migration.settings import *  # noqa: F403

PASSWORD_HASHERS = ["tests.hashing.QuickHasher"]
