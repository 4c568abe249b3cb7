"""The embedded PostgreSQL: a real server from a wheel, with the databases and roles of production.

Used when no ``DATABASE_URL`` is set. The roles log in by SCRAM with a generated password each (in
``<state directory>/postgres/cluster.json``, mode 0600), so that the web process cannot act as the superuser.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import psycopg
from psycopg import sql

from v7migration.errors import Refused, UsageError
from v7migration.postgres.account import SYSTEM_DIR, system_dir
from v7migration.postgres.binaries import DEFAULT_VERSION, INSTALLATIONS, client_binary, installation
from v7migration.postgres.server import HOST, SUPERUSER, Server, free_port

__all__ = ["Cluster", "client_binary", "cluster", "default_state_dir", "scratch_server"]

LOCK_SECONDS = 180
MAKING_SECONDS = 2
START_OVER = "Start over with v7_demo --reset if the data may go."
ROLES = ("v7_control_owner", "v7_web", "v7_owner", "v7_runner")
OWNERS = {"v7_control": "v7_control_owner", "v7_target": "v7_owner"}  # database: owner
URLS = {  # name: (role, database)
    "default": ("v7_web", "v7_control"),
    "control_owner": ("v7_control_owner", "v7_control"),
    "target": ("v7_web", "v7_target"),
    "runner": ("v7_runner", "v7_target"),
    "owner": ("v7_owner", "v7_target"),
    "superuser": (SUPERUSER, "postgres"),
}


@dataclass(frozen=True)
class _State:
    """What cluster.json keeps: where the server listens, who may log in, and how far the set-up came."""

    version: int
    port: int
    passwords: dict[str, str] = field(repr=False)
    initialised: bool = False
    prepared: bool = False


def default_state_dir() -> Path:
    """Return the state directory: ``V7_STATE_DIR`` (default ``.v7``), relative to the project's root."""
    project = Path(__file__).resolve().parent.parent.parent
    return project / Path(os.environ.get("V7_STATE_DIR", "") or ".v7").expanduser()


def cluster(state_dir: Path, version: int | None = None) -> Cluster:
    """Return the embedded cluster of a state directory; nothing is started.

    ``version`` (16 or 18, else ``V7_POSTGRES``, else 18) counts for a new cluster; an existing one keeps its
    own. Raises ``Refused`` for a version that is not there, and when another person owns the directory.
    """
    asked = version if version is not None else _version_from_environment()
    state = _read_state(state_dir)
    own = state.version if state and state.initialised else None
    installation(own or asked or DEFAULT_VERSION)
    return Cluster(state_dir=state_dir.resolve(), version=own or asked or DEFAULT_VERSION, asked=asked)


def _version_from_environment() -> int | None:
    text = os.environ.get("V7_POSTGRES", "")
    if not text:
        return None
    if text not in {str(version) for version in INSTALLATIONS}:
        raise Refused(f"V7_POSTGRES is {text!r}.", f"Set it to {' or '.join(str(v) for v in sorted(INSTALLATIONS))}.")
    return int(text)


@dataclass(frozen=True)
class Cluster:
    """The embedded cluster of one state directory. ``asked`` is the version somebody asked for by name."""

    state_dir: Path
    version: int
    asked: int | None = None

    def ensure_started(self) -> None:
        """Make what is missing (data directory, process, roles, databases); nothing when all is there.

        Safe to call from many processes at once. Raises ``Refused`` when another version was asked for than
        the data directory has, when its files are incomplete, and when the machine does not let it start.
        """
        self._refuse_another_version()
        state = _read_state(self.state_dir)
        if state and state.prepared and self.running():
            return
        with _locked(self.state_dir):
            server = self._server()
            state = self._initialised(server)
            if not server.is_ready():
                server.start(port=state.port, remember=self._remember_port, durable=_is_durable())
            self._prepare()

    def stop(self) -> None:
        """Stop the server; its data stays. A stopped or never made cluster is fine."""
        if _read_state(self.state_dir) is None and not _home(self.state_dir).exists():
            return
        with _locked(self.state_dir):
            self._server().stop()

    def destroy(self) -> None:
        """Stop the server and delete everything it has: data, log, passwords, left-over scratch servers."""
        home = _home(self.state_dir)
        if not _own_directory(self.state_dir).exists() and not home.exists():
            return
        with _locked(self.state_dir):
            self._server().stop()
            _sweep_scratch_servers(home, self.version)
            shutil.rmtree(home, ignore_errors=True)
            shutil.rmtree(_own_directory(self.state_dir), ignore_errors=True)

    def running(self) -> bool:
        """Say whether the server accepts connections (looked up, not connected to)."""
        return self._server().is_ready()

    def _known_state(self) -> _State:
        """Return the state of a cluster that was made; ``Refused`` otherwise."""
        state = _read_state(self.state_dir)
        if state is None or not state.initialised:
            raise Refused(
                f"The embedded PostgreSQL of {self.state_dir} was never started.",
                "Run v7_postgres start (or v7_demo).",
            )
        return state

    def url(self, name: str) -> str:
        """Return the URL (with its password) of one of ``URLS``: ``default``, ``target``, ``runner``, …

        Raises ``Refused`` when the cluster was never made, ``UsageError`` for another name.
        """
        if name not in URLS:
            raise UsageError(f"There is no URL named {name!r}.", f"Use one of {', '.join(URLS)}.")
        state = self._known_state()
        role, database = URLS[name]
        return _url(role, state.passwords[role], state.port, database)

    def describe(self) -> dict[str, object]:
        """Return version, state, port, process id and places for people to read; no password."""
        server = self._server()
        state = _read_state(self.state_dir)
        return {
            "running": server.is_ready(),
            "initialised": bool(state and state.initialised),
            "version": self.version,
            "host": HOST,
            "port": state.port if state else None,
            "process_id": server.process_id(),
            "state_dir": str(self.state_dir),
            "data": str(server.data),
            "log": str(server.log),
        }

    def _server(self) -> Server:
        state = _read_state(self.state_dir)
        version = state.version if state and state.initialised else self.version
        return Server(home=_home(self.state_dir), version=version)

    def _refuse_another_version(self) -> None:
        state = _read_state(self.state_dir)
        if state and state.initialised and self.asked not in (None, state.version):
            raise Refused(
                f"The data directory holds PostgreSQL {state.version}, and {self.asked} was asked for.",
                f"Leave V7_POSTGRES unset (or set it to {state.version}). {START_OVER}",
            )

    def _initialised(self, server: Server) -> _State:
        """Make the data directory when there is none; refuse to guess when half of the files are gone."""
        state = _read_state(self.state_dir)
        if server.data.exists() and state is None:
            raise Refused(f"The data in {server.data} is there, its passwords file is gone.", START_OVER)
        if state and state.initialised and not server.data.exists():
            raise Refused(f"The data directory {server.data} is gone.", f"Put it back from a copy. {START_OVER}")
        if state is None or not state.initialised:
            if state is None or not server.data.exists():
                passwords = {role: secrets.token_urlsafe(24) for role in (SUPERUSER, *ROLES)}
                state = _State(version=server.version, port=free_port(), passwords=passwords)
                _write_state(self.state_dir, state)
                home = _make_home(self.state_dir)
                (home / "belongs_to").write_text(f"{self.state_dir}\n")  # for whoever finds the place
                server.initialise(passwords[SUPERUSER])
            state = replace(state, initialised=True)
            _write_state(self.state_dir, state)
        return state

    def _remember_port(self, port: int) -> None:
        state = self._known_state()
        if state.port != port:
            _write_state(self.state_dir, replace(state, port=port))

    def _prepare(self) -> None:
        """Create roles and databases, unless an earlier start finished that."""
        state = self._known_state()
        if state.prepared:
            return

        def connect(database: str) -> psycopg.Connection[tuple[object, ...]]:
            url = _url(SUPERUSER, state.passwords[SUPERUSER], state.port, database)
            return psycopg.connect(url, autocommit=True, connect_timeout=10)

        try:
            with connect("postgres") as connection:
                _create_roles(connection, state.passwords)
                _create_databases(connection)
            for database in OWNERS:
                with connect(database) as connection:
                    connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        except psycopg.Error as error:
            raise Refused(f"The roles and databases cannot be created: {error}", START_OVER) from error
        _write_state(self.state_dir, replace(state, prepared=True))


def _create_roles(connection: psycopg.Connection[tuple[object, ...]], passwords: dict[str, str]) -> None:
    """Create the four roles; the server sees SCRAM verifiers only, so that no log can hold a password."""
    for role in ROLES:
        known = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone() is not None
        verifier = connection.pgconn.encrypt_password(passwords[role].encode(), role.encode())
        connection.execute(
            sql.SQL(
                "{verb} ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS "
                "PASSWORD {verifier}"
            ).format(
                verb=sql.SQL("ALTER" if known else "CREATE"),
                role=sql.Identifier(role),
                verifier=sql.Literal(verifier.decode()),
            )
        )
    connection.execute("GRANT v7_owner TO v7_runner WITH INHERIT TRUE, SET TRUE, ADMIN FALSE")


def _create_databases(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Create both databases: owners and the web role connect, only owners make temporary tables."""
    for database, owner in OWNERS.items():
        name = sql.Identifier(database)
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", [database]).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, sql.Identifier(owner)))
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
        connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO v7_web").format(name))
    connection.execute("REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC")


@contextmanager
def scratch_server(state_dir: Path, version: int) -> Iterator[str]:
    """Lend a throw-away server: yields the superuser's URL of its database ``postgres``.

    It logs in by SCRAM with a password of its own, gives up crash safety for speed, and is gone afterwards,
    also after an exception or Ctrl-C. What a killed process left behind is removed by the next call.
    """
    installation(version)
    state_dir = state_dir.resolve()
    with _locked(state_dir):
        home = _make_home(state_dir)
        _sweep_scratch_servers(home, version)
        place = Path(tempfile.mkdtemp(prefix="scratch-", dir=home))
        lock = (place / "lock").open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
    server = Server(home=place, version=version)
    ports: list[int] = []
    try:
        if server.account.foreign:
            place.chmod(0o755)
        password = secrets.token_urlsafe(24)
        server.initialise(password)
        server.start(port=free_port(), remember=ports.append, durable=False)
        yield _url(SUPERUSER, password, ports[-1], "postgres")
    finally:
        try:
            server.stop(gently=False)
        finally:
            shutil.rmtree(place, ignore_errors=True)
            lock.close()
            _leave_nothing_empty(state_dir)


def _leave_nothing_empty(state_dir: Path) -> None:
    """Remove root's place for this state directory when no cluster and no other scratch server is in it."""
    if _own_directory(state_dir).exists():
        with _locked(state_dir), contextlib.suppress(OSError):
            _home(state_dir).rmdir()


def _sweep_scratch_servers(home: Path, version: int) -> None:
    """Remove scratch servers whose process died: a living one holds the lock in its directory."""
    for place in home.glob("scratch-*"):
        with contextlib.suppress(BlockingIOError, FileNotFoundError), (place / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            Server(home=place, version=version).stop(gently=False)
            shutil.rmtree(place, ignore_errors=True)


def _url(role: str, password: str, port: int, database: str) -> str:
    return f"postgresql://{role}:{password}@{HOST}:{port}/{database}"


def _is_durable() -> bool:
    return os.environ.get("V7_POSTGRES_FSYNC", "").lower() not in {"off", "0", "false", "no"}


def _own_directory(state_dir: Path) -> Path:
    return state_dir / "postgres"


def _home(state_dir: Path) -> Path:
    """Return where the server's files are: beside the passwords, or for root outside private paths."""
    if os.geteuid() != 0:
        return _own_directory(state_dir).resolve()
    return SYSTEM_DIR / hashlib.sha256(str(state_dir.resolve()).encode()).hexdigest()[:16]


def _make_home(state_dir: Path) -> Path:
    home = _home(state_dir)
    if os.geteuid() == 0:
        system_dir()
        home.mkdir(mode=0o755, exist_ok=True)
        home.chmod(0o755)
    return home


def _read_state(state_dir: Path) -> _State | None:
    path = _own_directory(state_dir) / "cluster.json"
    try:
        document = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise _foreign_directory(path.parent) from error
    except ValueError as error:
        raise Refused(f"{path} cannot be read: {error}.", START_OVER) from error
    return _State(**document)


def _write_state(state_dir: Path, state: _State) -> None:
    """Replace cluster.json as a whole; it is never readable by others, not even for a moment."""
    directory = _own_directory(state_dir)
    descriptor, name = tempfile.mkstemp(prefix="cluster-", dir=directory)  # mode 0600
    with os.fdopen(descriptor, "w") as handle:
        json.dump(asdict(state), handle, indent=1)
        handle.flush()
        os.fsync(handle.fileno())
    Path(name).replace(directory / "cluster.json")


def _foreign_directory(directory: Path) -> Refused:
    return Refused(
        f"{directory} belongs to another account than the one running this.",
        "Run as that account, or set V7_STATE_DIR to a directory of your own.",
    )


@contextmanager
def _locked(state_dir: Path) -> Iterator[None]:
    """Let one process at a time change the cluster; waits up to ``LOCK_SECONDS``, then ``Refused``."""
    directory = _own_directory(state_dir)
    path = directory / "lock"
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            directory.mkdir(mode=0o700, exist_ok=True)
            if directory.lstat().st_uid != os.geteuid() or directory.is_symlink():
                raise _foreign_directory(directory)
            directory.chmod(0o700)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except FileNotFoundError as error:  # deleted by destroy() between two calls, or it can never be made
            if not state_dir.exists() and time.monotonic() > deadline - LOCK_SECONDS + MAKING_SECONDS:
                raise Refused(
                    f"{state_dir} cannot be made: {error.strerror}.", "Set V7_STATE_DIR to a directory of your own."
                ) from error
            time.sleep(0.05)
            continue
        except OSError as error:
            raise Refused(
                f"{directory} cannot be used: {error.strerror}.",
                "Set V7_STATE_DIR to a directory of your own.",
            ) from error
        with os.fdopen(descriptor, "w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Refused(
                        f"Another process has been changing the cluster of {state_dir} for {LOCK_SECONDS} s.",
                        "Wait for it or end it, then try again.",
                    ) from None
                time.sleep(0.05)
                continue
            if path.exists() and os.path.samestat(os.fstat(handle.fileno()), path.stat()):
                yield
                return
