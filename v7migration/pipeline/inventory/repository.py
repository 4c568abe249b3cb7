"""A git repository as a place for files: nothing of its owner's configuration runs, and two writers cannot collide."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from v7migration.errors import Refused

LOCK_SECONDS = 60
GIT_SECONDS = 120
TRIES = 5
BRANCH = "main"
SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.attributesFile": os.devnull,
    "core.excludesFile": os.devnull,
    "core.fsmonitor": "false",
    "core.autocrlf": "false",
    "core.quotePath": "false",
    "core.pager": "cat",
    "commit.gpgSign": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "init.defaultBranch": BRANCH,
    "protocol.allow": "never",
}
"""What a configuration could make git run or change, switched off for each of our calls."""


class ArchiveUnfit(Refused):
    """The archive cannot be written; the inventory itself is not hindered by that."""


@dataclass(frozen=True)
class Author:
    """Whom a commit names."""

    name: str
    email: str

    def environment(self, role: str) -> dict[str, str]:
        """Return the variables by which git learns of a person; what git refuses in names is taken out."""
        name = re.sub(r"[<>\x00-\x1f\x7f]", " ", self.name).strip(" .,:;'\"\\") or "somebody"
        email = re.sub(r"[<>\x00-\x20\x7f]", "", self.email) or "nobody@localhost"
        return {f"GIT_{role}_NAME": name, f"GIT_{role}_EMAIL": email}


COMMITTER = Author("V7 Migration", "v7-migration@localhost")


@dataclass(frozen=True)
class Repository:
    """An open repository, held by this process alone among ours; ``git_dir`` is where its objects are."""

    place: Path
    git_dir: Path
    bare: bool

    @classmethod
    @contextmanager
    def opened(cls, place: Path) -> Iterator[Repository]:
        """Lend the repository at ``place``, made where there is nothing yet.

        Raises:
            ArchiveUnfit: git is missing, the place is something else, cannot be written, or is held by another process.
        """
        with _named(place):
            git_dir, bare = _repository_at(place)
            with _held(git_dir):
                yield cls(place, git_dir, bare)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Lend a folder for files that are not committed yet; it is gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="v7-archive-", dir=self.git_dir) as place:
            yield Path(place)

    def files(self, folder: str, *, into: Path) -> dict[str, Path]:
        """Write the files that the last commit has in a folder to another place and return them by name."""
        if self._head() is None:
            return {}
        listed = self._git("ls-tree", "-z", "HEAD", "--", f"{folder}/")
        found = {}
        for number, entry in enumerate(filter(None, listed.split(b"\0"))):
            facts, _, path = entry.partition(b"\t")
            _, kind, blob = facts.split()
            if kind == b"blob":
                name = path.decode(errors="surrogateescape").rpartition("/")[2]
                found[name] = into / f"committed-{number}"
                with found[name].open("wb") as file:
                    self._git("cat-file", "blob", blob.decode(), into=file)
        return found

    def last_commit(self, folder: str) -> str | None:
        """Return the last commit that touched a folder."""
        return self._text("rev-list", "-1", "HEAD", "--", folder) or None if self._head() else None

    def commit(
        self, folder: str, files: Mapping[str, Path], *, message: str, author: Author
    ) -> tuple[str, list[dict[str, object]]]:
        """Commit copies of files in a folder on the current branch, and put them where people look.

        Returns the commit, and [{``path``, ``added``, ``removed``}] in lines.

        Raises:
            ArchiveUnfit: git refuses, or others commit faster than we do.
        """
        blobs = {name: self._text("hash-object", "-w", "--no-filters", "--", str(path)) for name, path in files.items()}
        entries = b"".join(f"100644 {blob}\t{folder}/{name}\0".encode() for name, blob in blobs.items())
        for _ in range(TRIES):
            head = self._head()
            tree = self._tree(head, entries)
            parent = ["-p", head] if head else []
            people = author.environment("AUTHOR")
            commit = self._text("commit-tree", tree, *parent, "-F", "-", stdin=message.encode(), more=people)
            try:
                self._git("update-ref", "-m", "inventory", "HEAD", commit, head or "0" * len(commit))
            except ArchiveUnfit:
                if self._head() == head:
                    raise
                continue  # somebody else committed meanwhile: build upon it
            self._check_out(folder, files, entries)
            return commit, self._lines(commit, folder)
        raise ArchiveUnfit(
            f"Others commit to {self.place} faster than the archive can.",
            "Name a repository of its own: --archive DIR.",
        )

    def _tree(self, head: str | None, entries: bytes) -> str:
        """Return the tree of a commit with these entries put in; the repository's own index is not touched."""
        with self.scratch() as own:
            index = {"GIT_INDEX_FILE": f"{own}/index"}
            self._git("read-tree", head or "--empty", more=index)
            self._git("update-index", "-z", "--index-info", stdin=entries, more=index)
            return self._text("write-tree", more=index)

    def _check_out(self, folder: str, files: Mapping[str, Path], entries: bytes) -> None:
        """Put the committed files beside the repository and into its index; a link in their place is never followed."""
        if self.bare:
            return
        directory = self.place / folder
        if directory.is_symlink() or (directory.exists() and not directory.is_dir()):
            raise ArchiveUnfit(
                f"{directory} is not a folder: the commit is made, its files are not written.",
                "Move it away; git checkout brings the files back.",
            )
        directory.mkdir(exist_ok=True)
        for name, path in files.items():
            descriptor, temporary = tempfile.mkstemp(prefix=".v7-", dir=directory)
            with os.fdopen(descriptor, "wb") as handle, path.open("rb") as content:
                shutil.copyfileobj(content, handle)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(directory / name)
        with suppress(ArchiveUnfit):  # somebody else is at the index: git status shows it, the commit stands
            self._git("update-index", "-z", "--index-info", stdin=entries)

    def _lines(self, commit: str, folder: str) -> list[dict[str, object]]:
        shown = self._text(
            "diff-tree", "-r", "--root", "--no-commit-id", "--numstat", "--no-ext-diff", "--no-textconv",
            "--no-renames", commit, "--", folder,
        )  # fmt: skip
        rows = [line.split("\t", 2) for line in shown.splitlines() if line.count("\t") >= 2]
        return [
            {
                "path": path,
                "added": int(added) if added.isdigit() else None,
                "removed": int(gone) if gone.isdigit() else None,
            }
            for added, gone, path in rows
        ]

    def _head(self) -> str | None:
        try:
            return self._text("rev-parse", "--verify", "--quiet", "HEAD^{commit}") or None
        except ArchiveUnfit:
            return None

    def _text(self, *words: str, stdin: bytes = b"", more: dict[str, str] | None = None) -> str:
        return self._git(*words, stdin=stdin, more=more).decode(errors="replace").strip()

    def _git(
        self, *words: str, stdin: bytes = b"", more: dict[str, str] | None = None, into: IO[bytes] | None = None
    ) -> bytes:
        return git(self.place, *words, stdin=stdin, more={"GIT_DIR": str(self.git_dir), **(more or {})}, into=into)


def git(
    place: Path, *words: str, stdin: bytes = b"", more: dict[str, str] | None = None, into: IO[bytes] | None = None
) -> bytes:
    """Run git in a folder, with nobody's configuration but the repository's and with what could run switched off.

    What it prints is returned, or written ``into`` a file.

    Raises:
        ArchiveUnfit: git is missing, takes too long, or fails; the message holds its words.
    """
    program = shutil.which("git")
    if program is None:
        raise ArchiveUnfit("git is not installed, so that nothing can be archived.", "Install git (package git).")
    settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
    try:
        done = subprocess.run(
            [program, *settings, *words], cwd=place, input=stdin, stdout=into or subprocess.PIPE,
            stderr=subprocess.PIPE, check=False, env=_environment(place) | (more or {}), timeout=GIT_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise ArchiveUnfit(
            f"git {words[0]} took longer than {GIT_SECONDS} s.", f"Look at the repository in {place}."
        ) from error
    if done.returncode:
        said = [line for line in done.stderr.decode(errors="replace").splitlines() if line.strip()]
        raise ArchiveUnfit(
            f"git {words[0]} failed in {place}: {said[0] if said else f'exit code {done.returncode}'}.",
            "Repair the repository, or name another one: --archive DIR.",
        )
    return done.stdout or b""


def _environment(place: Path) -> dict[str, str]:
    """Return an environment in which git finds no configuration of a user, a system or another repository."""
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR", "SYSTEMROOT") if name in os.environ}
    return kept | {
        "HOME": os.devnull, "XDG_CONFIG_HOME": os.devnull, "LC_ALL": "C", "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_TERMINAL_PROMPT": "0",
        "GIT_ATTR_NOSYSTEM": "1", "GIT_NO_REPLACE_OBJECTS": "1", "GIT_CEILING_DIRECTORIES": str(place.parent),
        **COMMITTER.environment("COMMITTER"), **COMMITTER.environment("AUTHOR"),
    }  # fmt: skip


def _repository_at(place: Path) -> tuple[Path, bool]:
    """Return the git directory of the repository at a place, made where the place is missing or empty, and if bare."""
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        return _known(place)
    except ArchiveUnfit as unfit:
        if "dubious ownership" in unfit.message or {path.name for path in place.iterdir()} - {".git"}:
            raise _no_repository(place, unfit) from unfit
    lock = f".{place.name}.v7-archive.lock"
    with _held(place.parent, name=lock):  # another process may be making it just now
        if not any(place.iterdir()):
            git(place, "init", "--quiet", "--template=")
        (place.parent / lock).unlink(missing_ok=True)  # whoever waits for it finds the repository made
    try:
        return _known(place)
    except ArchiveUnfit as unfit:
        raise _no_repository(place, unfit) from unfit


def _known(place: Path) -> tuple[Path, bool]:
    shown = git(place, "rev-parse", "--absolute-git-dir", "--is-bare-repository").decode().splitlines()
    return Path(shown[0]), shown[1] == "true"


def _no_repository(place: Path, unfit: ArchiveUnfit) -> ArchiveUnfit:
    if "not installed" in unfit.message:
        return unfit
    if "dubious ownership" in unfit.message:
        next_step = "It belongs to another account: name a repository of your own with --archive DIR."
    else:
        next_step = f"Run git init in {place}, or name an empty folder with --archive DIR."
    return ArchiveUnfit(f"{place} is no repository that can be used: {unfit.message}", next_step)


@contextmanager
def _held(directory: Path, *, name: str = "v7-archive.lock") -> Iterator[None]:
    """Let one of our processes at a time write; wait up to ``LOCK_SECONDS``."""
    deadline = time.monotonic() + LOCK_SECONDS
    descriptor = os.open(directory / name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ArchiveUnfit(
                        f"Another inventory has been writing to {directory} for {LOCK_SECONDS} s.",
                        "Wait for it to end, then take the inventory again.",
                    ) from None
                time.sleep(0.05)
        yield


@contextmanager
def _named(place: Path) -> Iterator[None]:
    """Name what the file system refuses."""
    try:
        yield
    except OSError as error:
        raise ArchiveUnfit(
            f"The archive in {place} cannot be written: {error.strerror or error}.",
            "Make room or give the right to write, or name another folder: --archive DIR.",
        ) from error
