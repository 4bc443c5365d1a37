"""A small Hugging Face Hub on this machine. It speaks the real HTTP protocol for models, Spaces and data sets.

Two servers share one state: the Hub, which checks tokens, and the storage for large files, which is another host, as in
reality. Repositories, branches, tags, pull requests and commits are kept in memory. All requests are recorded, so tests
can check what was sent to which server. Tests can inject faults: an HTTP status, a closed connection, a truncated body.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

from tests.checkpoint.hub_http import serve
from tests.checkpoint.hub_state import (
    LARGE,
    Answer,
    Fault,
    Refusal,
    Repo,
    Request,
    entries,
    git_sha1,
    json_answer,
    sha256,
    tree_entry,
)

REVISION = r"(?P<revision>refs%2Fpr%2F\d+|[^/?]+)"
REPO = r"(?P<repo>[^/]+/[^/]+)"
API = rf"/api/(?P<kind>models|spaces|datasets)/{REPO}"


class LocalHub:
    """The local Hub. It runs until :meth:`close`.

    Attributes:
        url: the value for HF_ENDPOINT.
        users: token → user name. Users can write only to their own repositories.
        repos: (kind, "owner/name") → repository; the kinds are "models", "spaces" and "datasets".
        storage: sha256 → contents of large files.
        requests: all requests so far.
        faults: faults in the next answers.
    """

    def __init__(self, users: dict[str, str]) -> None:
        self.users = users
        self.repos: dict[tuple[str, str], Repo] = {}
        self.storage: dict[str, bytes] = {}
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.lock = threading.Lock()
        self._servers = [serve(self, name) for name in ("hub", "storage")]
        hub, storage = (server.server_port for server in self._servers)
        self.url, self.storage_url = f"http://127.0.0.1:{hub}", f"http://localhost:{storage}"

    def close(self) -> None:
        for server in self._servers:
            server.stop()

    def model(self, repo: str) -> Repo:
        return self.repos["models", repo]

    def create(self, repo: str, kind: str = "models", **settings: Any) -> Repo:
        created = Repo(**settings)
        created.branches["main"] = created.add_commit(
            {".gitattributes": b"*.safetensors filter=lfs\n"}, "initial commit"
        )
        self.repos[kind, repo] = created
        return created

    def sent(self, method: str, pattern: str = "") -> list[Request]:
        """Return the requests with this method whose path matches."""
        return [request for request in self.requests if request.method == method and re.search(pattern, request.path)]

    def fault_for(self, line: str) -> Fault | None:
        for fault in self.faults:
            if fault.times > 0 and re.search(fault.pattern, line):
                fault.times -= 1
                return fault
        return None

    def answer(self, request: Request) -> Answer:
        path = urlsplit(request.path).path
        for server, method, pattern, handle in ROUTES:
            if server == request.server and request.method in method and (match := re.fullmatch(pattern, path)):
                return handle(self, request, **{k: unquote(v) for k, v in match.groupdict().items() if v})
        raise Refusal(404, message=f"no route for {request.method} {request.path}")

    # Permissions.

    def user(self, request: Request) -> str | None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token and token not in self.users:
            raise Refusal(401, message="Invalid credentials in Authorization header")
        return self.users.get(token)

    def readable(self, request: Request, repo: str, kind: str = "models") -> Repo:
        user, found = self.user(request), self.repos.get((kind, repo))
        hidden = found is not None and found.private and user != repo.split("/")[0] and user not in found.readers
        if found is None or hidden:
            raise Refusal(404 if user else 401, "RepoNotFound", "Repository not found")
        return found

    def writable(self, request: Request, repo: str, kind: str, create_pr: bool = False) -> Repo:
        found, user = self.readable(request, repo, kind), self.user(request)
        if user is None or (user != repo.split("/")[0] and not create_pr):
            raise Refusal(403, message=f"no write permission for {repo}")
        return found

    # The Hub's routes.

    def create_repo(self, request: Request) -> Answer:
        asked, user = json.loads(request.body), self.user(request)
        owner = asked.get("organization") or user
        repo, kind = f"{owner}/{asked['name']}", f"{asked.get('type') or 'model'}s"
        if user is None:
            raise Refusal(401, message="Invalid username or password.")
        if owner != user:
            raise Refusal(403, message=f"You don't have the rights to create a {kind[:-1]} under the namespace {owner}")
        prefix = "" if kind == "models" else f"{kind}/"
        if (kind, repo) in self.repos:
            return json_answer({"error": "You already created this repo", "url": f"{self.url}/{prefix}{repo}"}, 409)
        self.create(repo, kind, private=asked.get("visibility") == "private" or bool(asked.get("private")))
        return json_answer({"url": f"{self.url}/{prefix}{repo}"})

    def validate_yaml(self, request: Request) -> Answer:
        content = json.loads(request.body)["content"]
        front = re.match(r"---\n(.*?)\n---\n", content, re.DOTALL)
        try:
            valid = front is None or isinstance(yaml.safe_load(front[1]), dict)
        except yaml.YAMLError:
            valid = False
        errors = [] if valid else [{"message": "the front matter is not a YAML object"}]
        warnings = [] if front else [{"message": "empty or missing yaml metadata in repo card"}]
        return json_answer({"errors": errors, "warnings": warnings}, 200 if valid else 400)

    def info(self, request: Request, kind: str, repo: str, revision: str = "main") -> Answer:
        found = self.readable(request, repo, kind)
        commit = found.resolve(revision)
        siblings = [{"rfilename": path} for path in found.commits[commit]]
        return json_answer({"id": repo, "modelId": repo, "sha": commit, "private": found.private, "gated": found.gated,
                      "siblings": siblings, "tags": [], "downloads": 0, "likes": 0})  # fmt: skip

    def tree(self, request: Request, kind: str, repo: str, revision: str, path: str = "") -> Answer:
        found = self.readable(request, repo, kind)
        files = found.commits[found.resolve(revision)]
        inside = {name: data for name, data in files.items() if name.startswith(f"{path}/" if path else "")}
        if path and not inside:
            raise Refusal(404, "EntryNotFound", f"{path} does not exist on {revision}")
        if request.query.get("recursive") == ["false"]:
            return json_answer([entry for entry in entries(files) if entry["path"].rpartition("/")[0] == path])
        return json_answer(entries(inside) if kind == "datasets" else [tree_entry(*file) for file in inside.items()])

    def paths_info(self, request: Request, kind: str, repo: str, revision: str) -> Answer:
        found = self.readable(request, repo, kind)
        fields = parse_qs(request.body.decode())
        asked = fields["paths"] if fields.get("paths") else json.loads(request.body)["paths"]
        return json_answer([entry for entry in entries(found.commits[found.resolve(revision)])
                            if entry["path"] in asked])  # fmt: skip

    def refs(self, request: Request, kind: str, repo: str) -> Answer:
        found = self.readable(request, repo, kind)
        branches = [{"name": name, "ref": f"refs/heads/{name}", "targetCommit": commit}
                    for name, commit in found.branches.items() if not name.startswith("refs/")]  # fmt: skip
        tags = [{"name": name, "ref": f"refs/tags/{name}", "targetCommit": commit}
                for name, commit in found.tags.items()]  # fmt: skip
        return json_answer({"branches": branches, "converts": [], "tags": tags})

    def tag(self, request: Request, kind: str, repo: str, revision: str) -> Answer:
        found, name = self.writable(request, repo, kind), json.loads(request.body)["tag"]
        commit = found.resolve(revision)
        if name in found.tags:
            raise Refusal(409, message=f"Tag {name} already exists")
        found.tags[name] = commit
        return json_answer({})

    def branch(self, request: Request, kind: str, repo: str, revision: str) -> Answer:
        found = self.writable(request, repo, kind)
        start = found.resolve(json.loads(request.body).get("startingPoint", "main"))
        if revision in found.branches:
            raise Refusal(409, message=f"Reference already exists: {revision}")
        found.branches[revision] = start
        return json_answer({})

    def preupload(self, request: Request, kind: str, repo: str, revision: str) -> Answer:
        found = self.writable(request, repo, kind, "create_pr" in request.query)
        present = found.commits[found.resolve(revision)]
        files = []
        for file in json.loads(request.body)["files"]:
            path, large = file["path"], file["path"].endswith(LARGE)
            oid = (sha256 if large else git_sha1)(present[path]) if path in present else None
            files.append({"path": path, "uploadMode": "lfs" if large else "regular", "shouldIgnore": False, "oid": oid})
        return json_answer({"files": files})

    def lfs_batch(self, request: Request, repo: str, kind: str = "models") -> Answer:
        self.readable(request, repo, kind)
        if self.user(request) is None:
            raise Refusal(401, message="uploading needs a token")
        objects = []
        for file in json.loads(request.body)["objects"]:
            upload = {"upload": {"href": f"{self.storage_url}/{file['oid']}?signature=for-upload"}}
            objects.append(file | ({} if file["oid"] in self.storage else {"actions": upload}))
        return json_answer({"transfer": "basic", "objects": objects})

    def commit(self, request: Request, kind: str, repo: str, revision: str) -> Answer:
        create_pr = "create_pr" in request.query
        found = self.writable(request, repo, kind, create_pr)
        lines = [json.loads(line) for line in request.body.splitlines()]
        header = next(line["value"] for line in lines if line["key"] == "header")
        parent = found.resolve(revision)
        if header.get("parentCommit") not in (None, parent):
            raise Refusal(412, message="A commit has happened since. Please refresh and try again.")
        files = dict(found.commits[parent])
        for key, value in ((line["key"], line["value"]) for line in lines):
            if key == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif key == "lfsFile":
                if value["oid"] not in self.storage:
                    raise Refusal(400, message=f"{value['path']}: its content was never uploaded")
                files[value["path"]] = self.storage[value["oid"]]
            elif key == "deletedFile":
                del files[value["path"]]
        commit = found.add_commit(files, header["summary"])
        number = 1 + sum(name.startswith("refs/pr/") for name in found.branches)
        found.branches[f"refs/pr/{number}" if create_pr else revision] = commit
        page = f"{self.url}/{repo}"
        return json_answer({"success": True, "commitOid": commit, "commitUrl": f"{page}/commit/{commit}",
                      "pullRequestUrl": f"{page}/discussions/{number}" if create_pr else None})  # fmt: skip

    def resolve(self, request: Request, repo: str, revision: str, path: str,
                kind: str = "models") -> Answer:  # fmt: skip
        found = self.readable(request, repo, kind)
        user = self.user(request)
        if found.gated and user != repo.split("/")[0] and user not in found.readers:
            raise Refusal(403 if user else 401, "GatedRepo", f"Access to model {repo} is restricted.")
        commit = found.resolve(revision)
        if path not in found.commits[commit]:
            raise Refusal(404, "EntryNotFound", "Entry not found", **{"X-Repo-Commit": commit})
        data = found.commits[commit][path]
        headers = {"X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        if not path.endswith(LARGE):
            return 200, headers | {"ETag": f'"{git_sha1(data)}"'}, data
        self.storage[sha256(data)] = data
        linked = {"X-Linked-Etag": f'"{sha256(data)}"', "X-Linked-Size": str(len(data))}
        return 302, headers | linked | {"Location": f"{self.storage_url}/{sha256(data)}?signature=for-download"}, b""

    # The storage's routes. A signed link is enough; no token is needed.

    def put_object(self, request: Request, oid: str) -> Answer:
        if sha256(request.body) != oid or request.query.get("signature") != ["for-upload"]:
            raise Refusal(403, message="SignatureDoesNotMatch")
        self.storage[oid] = request.body
        return 200, {"ETag": f'"{oid}"'}, b""

    def get_object(self, request: Request, oid: str) -> Answer:
        if oid not in self.storage or request.query.get("signature") != ["for-download"]:
            raise Refusal(403, message="AccessDenied")
        return 200, {"ETag": f'"{oid}"', "Accept-Ranges": "bytes"}, self.storage[oid]


#: (server, methods, path, handler). The groups of the path's pattern are the handler's arguments.
ROUTES = [
    ("hub", ("POST",), "/api/repos/create", LocalHub.create_repo),
    ("hub", ("POST",), "/api/validate-yaml", LocalHub.validate_yaml),
    ("hub", ("GET",), API, LocalHub.info),
    ("hub", ("GET",), f"{API}/revision/{REVISION}", LocalHub.info),
    ("hub", ("GET",), rf"{API}/tree/{REVISION}(?:/(?P<path>.+))?", LocalHub.tree),
    ("hub", ("POST",), f"{API}/paths-info/{REVISION}", LocalHub.paths_info),
    ("hub", ("GET",), f"{API}/refs", LocalHub.refs),
    ("hub", ("POST",), f"{API}/tag/{REVISION}", LocalHub.tag),
    ("hub", ("POST",), f"{API}/branch/{REVISION}", LocalHub.branch),
    ("hub", ("POST",), f"{API}/preupload/{REVISION}", LocalHub.preupload),
    ("hub", ("POST",), f"{API}/commit/{REVISION}", LocalHub.commit),
    ("hub", ("POST",), rf"/(?:(?P<kind>spaces)/)?{REPO}\.git/info/lfs/objects/batch", LocalHub.lfs_batch),
    (
        "hub",
        ("GET", "HEAD"),
        rf"/(?:(?P<kind>spaces|datasets)/)?{REPO}/resolve/{REVISION}/(?P<path>.+)",
        LocalHub.resolve,
    ),
    ("storage", ("PUT",), "/(?P<oid>[0-9a-f]{64})", LocalHub.put_object),
    ("storage", ("GET", "HEAD"), "/(?P<oid>[0-9a-f]{64})", LocalHub.get_object),
]
