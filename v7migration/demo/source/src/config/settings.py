"""Settings of the whole application."""

import os

DATABASE = os.environ.get("DATABASE", "curation")
PAGE_SIZE = 50
