"""Data of the local Hub: repositories, requests, faults and answers."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

#: Suffixes of the files that the Hub keeps in its storage for large files.
LARGE = (".safetensors", ".onnx", ".png")

#: status, headers, body
Answer = tuple[int, dict[str, str], bytes]


class Refusal(Exception):
    """An error answer, with the Hub's error code in a header."""

    def __init__(self, status: int, code: str = "", message: str = "", **headers: str) -> None:
        named = {"X-Error-Code": code, "X-Error-Message": message}
        self.answer: Answer = (status, {name: value for name, value in named.items() if value} | headers,
                               json.dumps({"error": message or code}).encode())  # fmt: skip


@dataclass
class Repo:
    """A repository.

    Attributes:
        private: only the owner and readers can read it.
        gated: only the owner and readers can download files.
        readers: names of users.
        commits: commit → path → file contents.
        messages: the commits' messages, the oldest first.
        branches: name → commit; a pull request is the branch ``refs/pr/N``.
        tags: name → commit.
    """

    private: bool = False
    gated: bool = False
    readers: set[str] = field(default_factory=set)
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def resolve(self, revision: str) -> str:
        commit = self.branches.get(revision) or self.tags.get(revision) or revision
        if commit not in self.commits:
            raise Refusal(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return commit

    def add_commit(self, files: dict[str, bytes], message: str) -> str:
        commit = hashlib.sha1(uuid.uuid4().bytes).hexdigest()
        self.commits[commit] = files
        self.messages.append(message)
        return commit

    def push(self, files: dict[str, bytes], message: str = "pushed") -> str:
        """Commit to main directly, without a request."""
        self.branches["main"] = self.add_commit({**self.files, **files}, message)
        return self.branches["main"]

    @property
    def files(self) -> dict[str, bytes]:
        """The files on main: path → contents."""
        return self.commits[self.branches["main"]]


@dataclass
class Request:
    """A client's request to one of the two servers, "hub" or "storage"."""

    server: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.path).query)


@dataclass
class Fault:
    """A fault in the answers to the next ``times`` matching requests.

    Attributes:
        pattern: regular expression, searched in the method and path.
        status: answer with this HTTP status.
        cut_after: close the connection after this many bytes of the body.
        body: answer with this body.
        times: number of requests.
    """

    pattern: str
    status: int | None = None
    cut_after: int | None = None
    body: bytes | None = None
    times: int = 1


def json_answer(value: Any, status: int = 200) -> Answer:
    return status, {}, json.dumps(value).encode()


def tree_entry(path: str, data: bytes) -> dict[str, Any]:
    large = {"lfs": {"oid": sha256(data), "size": len(data), "pointerSize": 130}} if path.endswith(LARGE) else {}
    return {"type": "file", "path": path, "size": len(data), "oid": git_sha1(data), **large}


def entries(files: dict[str, bytes]) -> list[dict[str, Any]]:
    """Return the entries of all files, and of all folders that contain them."""
    folders = {path.rsplit("/", depth)[0] for path in files for depth in range(1, path.count("/") + 1)}
    inner = [{"type": "directory", "path": path, "size": 0, "oid": git_sha1(path.encode())} for path in sorted(folders)]
    return [*(tree_entry(path, data) for path, data in files.items()), *inner]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def git_sha1(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
