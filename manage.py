#!/usr/bin/env python
"""Command line of V7 Migration."""

import os
import sys
from pathlib import Path

WITHOUT_DATABASE = {
    "check",
    "collectstatic",
    "help",
    "makemigrations",
    "v7_integrate pydantic",
    "v7_integrate sqlalchemy",
    "v7_postgres",
    "--help",
    "-h",
    "--version",
    "version",
}


def main() -> int:
    """Start the embedded PostgreSQL when no database is named, then run the command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "v7migration.settings")
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    try:
        import django  # noqa: F401
    except ImportError:
        sys.stderr.write("Django is not installed for this Python. Use the command of README.md, section Start.\n")
        return 2
    from django.core.management import execute_from_command_line

    from v7migration.errors import GateClosed, V7Error

    try:
        command = sys.argv[1] if len(sys.argv) > 1 else "help"
        asks_for_help = {"-h", "--help"} & set(sys.argv[2:])
        if not {command, " ".join(sys.argv[1:3])} & WITHOUT_DATABASE and not asks_for_help:
            from v7migration.connections import ensure_embedded

            ensure_embedded()
        execute_from_command_line(sys.argv)
    except GateClosed as error:
        lines = ["The gate is closed:", *(f"  - {reason}" for reason in error.reasons), error.next_step]
        sys.stderr.write("\n".join(line for line in lines if line) + "\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted. v7_status says where things stand.\n")
        return 130
    except V7Error as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
