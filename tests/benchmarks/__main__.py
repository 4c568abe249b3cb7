"""Command line: ``python -m tests.benchmarks [NAME…] [--rows N] [--repeat N] [--results DIRECTORY]``."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from types import FrameType

NAMES = ("stall", "runner", "command", "proof", "snapshot", "rollback", "default", "scan", "sources", "history")
RESULTS = Path(__file__).with_name("results")


def main() -> int:
    """Measure what was asked for on a server of its own, which is gone afterwards, also after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; default: all")
    parser.add_argument("--rows", type=int, help="rows of file_audit (tables of the snapshot); default: each its own")
    parser.add_argument("--repeat", type=int, help="pairs of runs; default: each its own")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where table, figures and plots are written")
    options = parser.parse_args()
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"no benchmark is named {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    signal.signal(signal.SIGTERM, _interrupt)
    os.environ.setdefault("V7_POSTGRES_FSYNC", "on")
    os.environ.pop("V7_STATE_DIR", None)
    try:
        _measure(options)
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted; the server is gone.\n")
        return 130
    return 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _measure(options: argparse.Namespace) -> None:
    try:
        from tests import environment  # noqa: F401 (starts the server)

        os.environ["DJANGO_SETTINGS_MODULE"] = "v7migration.settings"  # people's passwords cost what they cost
        import django

        django.setup()
        from tests.benchmarks.reporting import report

        for name in options.names or NAMES:
            module = import_module(f"tests.benchmarks.{name}")
            report(module.measure(rows=options.rows, repeat=options.repeat), options.results)
    finally:
        _stop_server()


def _stop_server() -> None:
    """Stop the server, also one whose start was interrupted."""
    from v7migration.postgres.embedded import cluster

    if environment := sys.modules.get("tests.environment"):
        environment.stop_servers()
    elif place := os.environ.get("V7_STATE_DIR"):
        cluster(Path(place)).destroy()


if __name__ == "__main__":
    sys.exit(main())
