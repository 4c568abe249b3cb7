"""``python -m tests.sweep``: sweep, print the table, exit with 1 when anything was lost, doubled or unexplained."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from rich.console import Console

from tests.sweep import report, servers


def main(arguments: list[str] | None = None) -> int:
    """Parse the arguments, sweep or report, and return the exit code."""
    options = _parser().parse_args(arguments)
    console = Console(soft_wrap=True, width=None if sys.stdout.isatty() else 150, highlight=False)
    if options.report:
        return 0 if report.show(report.read(options.report), console) else 1
    signal.signal(signal.SIGTERM, _interrupt)
    servers.start()
    try:
        return _work(options, console)
    finally:
        servers.stop()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.sweep", description=__doc__)
    parser.add_argument("--kinds", default="", help="kinds of fault, by commas (default: all)")
    parser.add_argument("--scenarios", default="", help="execute, rollback, retreat (default: all)")
    parser.add_argument("--rows", action="store_true", help="kill the runner also at each row of a COPY")
    parser.add_argument("--both", action="store_true", help="both ways after each fault, on and back")
    parser.add_argument("--sample", type=int, default=1, metavar="N", help="one case in N of each kind")
    parser.add_argument("--each", type=int, metavar="N", help="N cases of each kind for each way, on and back")
    parser.add_argument("--at-most", type=int, metavar="N", help="end after N cases")
    parser.add_argument("--shard", default="1/1", metavar="I/N", help="the I-th of N parts of the cases")
    parser.add_argument("--only", action="append", metavar="CASE", help="one case, such as kill:execute:417:resume")
    parser.add_argument("--results", type=Path, metavar="FILE", help="append here, and leave out what it has already")
    parser.add_argument("--report", type=Path, nargs="+", metavar="FILE", help="print the table of these files")
    parser.add_argument("--points", action="store_true", help="print the points and end")
    return parser


def _work(options: argparse.Namespace, console: Console) -> int:
    from tests.sweep import sweeping

    log = report.Log(options.results)
    if options.points:
        sweeping.show_points(options, console)
        return 0
    try:
        sweeping.sweep(options, log, console)
    except KeyboardInterrupt:
        console.print("Interrupted; with --results the same command goes on.")
    return 0 if report.show(log.lines, console) else 1


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)
