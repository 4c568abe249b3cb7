"""A stand-in for DART: a real HTTP server that reads requests with the client's own models, and stricter than they are.

The models take any type; here every field must have the type that its model declares, and no field may be unknown.
The stand-in can be told to fail: not to answer in time, to refuse, to send half an answer, to do it and say nothing.
"""

from __future__ import annotations

import json
import re
import secrets
import string
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs
from dart.generated.models import (
    Comment,
    Priority,
    Task,
    WrappedCommentCreate,
    WrappedTaskCreate,
    WrappedTaskUpdate,
)
from dart.generated.types import Unset

TOKEN = "dsa_Standing-In-for-DART-0123456789"
API = "/api/v0/public"
BOARD = "V7/Database"
STATUSES = ["To-do", "Doing", "Blocked", "Review", "Done", "Canceled"]
PEOPLE = {"ada": "Ada Test", "lena": "Lena Test", "sam": "Sam Test", "dev": "Dev Test", "dana": "Dana Test"}
TYPES: dict[str, Any] = {"str": str, "int": int, "bool": bool, "None": type(None), "Priority": Priority, "Unset": Unset}


class Invalid(Exception):
    """A request that the stand-in does not accept."""


@dataclass
class Fault:
    """What goes wrong with the next requests: ``what`` is a status or one of the names below, ``times`` how often."""

    what: int | str
    method: str = ""
    path: str = ""
    words: str = ""
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)

    def meets(self, method: str, path: str, body: bytes) -> bool:
        """Say whether the fault is for this request, and use it up."""
        if self.times <= 0 or self.method not in ("", method) or self.path not in path:
            return False
        if self.words.encode() not in body:
            return False
        self.times -= 1
        return True


@dataclass
class StandIn:
    """What the stand-in holds, and what it was asked."""

    several: bool = True
    dartboards: list[str] = field(default_factory=lambda: ["General/Tasks", BOARD])
    statuses: list[str] = field(default_factory=lambda: list(STATUSES))
    token: str = TOKEN
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    comments: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    patience: float = 4.5
    origin: str = ""

    def fail(self, what: int | str, **where: Any) -> Fault:
        """Let something go wrong."""
        self.faults.append(Fault(what, **where))
        return self.faults[-1]

    def titled(self, words: str) -> list[dict[str, Any]]:
        """Return the tasks whose title holds some words."""
        return [task for task in self.tasks.values() if words in task["title"]]

    def one(self, words: str) -> dict[str, Any]:
        """Return the only task whose title holds some words."""
        (found,) = self.titled(words)
        return found

    def asked_for(self, method: str, path: str = "") -> int:
        """Count the requests."""
        return sum(m == method and path in p for m, p in self.asked)

    # -- the API -----------------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> Any:
        """Do what a request asks and return the answer's document."""
        where = path.removeprefix(API)
        match method, where.strip("/").split("/"):
            case "GET", ["config"]:
                return self.config()
            case "GET", ["tasks", "list"]:
                return self.page([self.concise(task) for task in self.listed(query)], query)
            case "GET", ["tasks", duid]:
                return {"item": Task.from_dict(self.tasks[duid]).to_dict()}
            case "POST", ["tasks"]:
                return self.create(body)
            case "PUT", ["tasks", duid]:
                return self.update(duid, body)
            case "GET", ["comments", "list"]:
                found = [c for c in self.comments.values() if c["taskId"] == query["task_id"][0]]
                return self.page(found, query)
            case "POST", ["comments"]:
                return self.comment(body)
        raise KeyError(where)

    def config(self) -> dict[str, Any]:
        """Return the workspace."""
        people = [{"name": name, "email": f"{key}@example.org"} for key, name in PEOPLE.items()]
        return {
            "today": date.today().isoformat(), "user": people[0], "dartboards": self.dartboards, "folders": [],  # noqa: DTZ011
            "types": ["Task"], "statuses": self.statuses, "assignees": people, "tags": [], "priorities": [],
            "sizes": [], "skills": [], "customProperties": [],
        }  # fmt: skip

    def listed(self, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        """Return the tasks that a list asks for."""
        found = list(self.tasks.values())
        if board := query.get("dartboard"):
            found = [task for task in found if task["dartboard"] == board[0]]
        if after := query.get("created_at_after"):
            since = datetime.fromisoformat(after[0])
            found = [task for task in found if datetime.fromisoformat(task["createdAt"]) >= since]
        return found

    @staticmethod
    def concise(task: dict[str, Any]) -> dict[str, Any]:
        """Leave out what a list does not tell."""
        return {name: value for name, value in task.items() if name not in ("description", "attachments")}

    @staticmethod
    def page(found: list[Any], query: dict[str, list[str]]) -> dict[str, Any]:
        """Return one page."""
        offset, limit = int(query.get("offset", ["0"])[0]), int(query.get("limit", ["50"])[0])
        return {"count": len(found), "results": found[offset : offset + limit], "next": None, "previous": None}

    def create(self, body: Any) -> dict[str, Any]:
        """Make a task."""
        item = self.read(WrappedTaskCreate, body)
        now, duid = datetime.now(UTC).isoformat(), new_id()
        task: dict[str, Any] = {
            "id": duid, "htmlUrl": f"{self.origin}/t/{duid}-some-words", "parentId": None, "dartboard": "General/Tasks",
            "type": "Task", "status": self.statuses[0], "description": "", "attachments": [], "tags": [],
            "createdAt": now, "updatedAt": now, "completedAt": None, "startAt": None, "dueAt": None,
            ("assignees" if self.several else "assignee"): ["ada@example.org"] if self.several else "ada@example.org",
        }  # fmt: skip
        self.tasks[duid] = task | item
        return {"item": Task.from_dict(self.tasks[duid]).to_dict()}

    def update(self, duid: str, body: Any) -> dict[str, Any]:
        """Change a task."""
        task = self.tasks[duid]
        item = self.read(WrappedTaskUpdate, body)
        if item.pop("id") != duid:
            raise Invalid("another id")
        task |= item | {"updatedAt": datetime.now(UTC).isoformat()}
        return {"item": Task.from_dict(task).to_dict()}

    def comment(self, body: Any) -> dict[str, Any]:
        """Add a comment."""
        item = self.read(WrappedCommentCreate, body)
        if item["taskId"] not in self.tasks:
            raise Invalid("no such task")
        duid = new_id()
        self.comments[duid] = item | {"id": duid, "htmlUrl": f"{self.origin}/c/{duid}", "author": "Ada Test"}
        return {"item": Comment.from_dict(self.comments[duid]).to_dict()}

    def read(self, model: Any, body: Any) -> dict[str, Any]:
        """Read a body with the client's own model, then ask what the model does not: types, names, known values."""
        item = model.from_dict(body).item
        if item.additional_properties:
            raise Invalid(f"unknown fields: {sorted(item.additional_properties)}")
        for attribute in attrs.fields(type(item)):
            if attribute.name != "additional_properties":
                check(attribute.name, attribute.type, getattr(item, attribute.name))
        found: dict[str, Any] = item.to_dict()
        self.check_values(found)
        return found

    def check_values(self, item: dict[str, Any]) -> None:
        """Refuse what the workspace does not know."""
        known = {f"{key}@example.org" for key in PEOPLE}
        wrong = "assignee" if self.several else "assignees"
        if item.get(wrong):
            raise Invalid(f"this workspace has no {wrong}")
        people = item.get("assignees") or [item["assignee"]] if item.get("assignees") or item.get("assignee") else []
        checks = {
            "status": item.get("status", self.statuses[0]) in self.statuses,
            "dartboard": item.get("dartboard", BOARD) in self.dartboards,
            "assignees": set(people) <= known,
            "title": 0 < len(item.get("title", "x")) <= 300,
            "startAt": item.get("startAt") is None or re.fullmatch(r"\d{4}-\d\d-\d\d", item["startAt"]) is not None,
        }
        if bad := [name for name, is_good in checks.items() if not is_good]:
            raise Invalid(f"not valid: {bad}")


def check(name: str, declared: Any, value: Any) -> None:
    """Refuse a value that does not have the type that the model declares."""
    for word in str(declared).split(" | "):
        if word == "list[str]" and isinstance(value, list) and all(type(item) is str for item in value):
            return
        if word in TYPES and type(value) is TYPES[word]:
            return
    if str(declared).split(" | ")[0].startswith(("TaskCreate", "TaskUpdate", "TaskRel")) and isinstance(value, Unset):
        return
    raise Invalid(f"{name} is {type(value).__name__}, not {declared}")


def new_id() -> str:
    """Return a new id: twelve letters and digits."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(12))


class Handler(BaseHTTPRequestHandler):
    """Translates HTTP, and makes the faults."""

    protocol_version = "HTTP/1.1"
    held: StandIn

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the library's name)
        """Say nothing."""

    def _handle(self) -> None:
        self.close_connection = True
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        self.held.asked.append((self.command, parts.path))
        fault = next((f for f in self.held.faults if f.meets(self.command, parts.path, raw)), None)
        if fault is not None and fault.what not in ("lost", "half", "late", "malformed", "types"):
            self._fail(fault)
            return
        status, document = self._done(parts.path, parse_qs(parts.query), raw)
        self._answer(status, document, fault)

    do_GET = do_POST = do_PUT = _handle  # noqa: N815 (the library's names)

    def _done(self, path: str, query: dict[str, list[str]], raw: bytes) -> tuple[int, Any]:
        if self.headers.get("Authorization") != f"Bearer {self.held.token}":
            return 401, {"errors": ["unauthorized"]}
        try:
            return 200, self.held.answer(self.command, path, query, json.loads(raw) if raw else None)
        except KeyError:
            return 404, {"errors": ["not found"]}
        except (Invalid, TypeError, ValueError, AttributeError) as error:
            self.held.refused.append(str(error))
            return 400, {"errors": [str(error)]}

    def _fail(self, fault: Fault) -> None:
        match fault.what:
            case "refused":  # the connection ends before a word is said
                return
            case "slow":  # nothing was done and nothing is said
                time.sleep(self.held.patience)
            case int(status):
                told = f"no, {self.headers.get('Authorization')}"  # a server that repeats what it was sent
                self._write(status, json.dumps({"errors": [told]}).encode(), fault.headers)

    def _answer(self, status: int, document: Any, fault: Fault | None) -> None:
        body = json.dumps(document).encode()
        match fault.what if fault else "":
            case "lost":  # it was done, and the answer never comes
                return
            case "late":  # it was done, and the answer comes too late
                time.sleep(self.held.patience)
            case "half":
                self._write(status, body, {}, stop=len(body) // 2)
            case "malformed":
                self._write(status, body[:-7] + b"oops", {})
            case "types":
                self._write(status, json.dumps({"item": {**document["item"], "id": 17}}).encode(), {})
            case _:
                self._write(status, body, {})

    def _write(self, status: int, body: bytes, headers: dict[str, str], stop: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[:stop])


@contextmanager
def standing_in() -> Iterator[StandIn]:
    """Run a stand-in on a free port of this machine until the block ends."""
    held = StandIn()
    handler = type("Own", (Handler,), {"held": held})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    held.origin = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield held
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
