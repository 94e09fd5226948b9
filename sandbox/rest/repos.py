"""Repositories, branches, commits, comparisons, contents, archives."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from sandbox.acts.pulls import head_branch, move_branch
from sandbox.auth import LIFE
from sandbox.call import Answer, Call, Handler
from sandbox.diffs import files_between
from sandbox.entities import Json, Repository
from sandbox.git import EMPTY_TREE, SHA, Entry, Person
from sandbox.refusal import Refused, not_found
from sandbox.shapes import accounts, pulls, repositories

MOST_CONTENT = 1_000_000  # bytes of a file that the contents API shows inline
MOST_COMPARED = 300  # files of a comparison


def get_repository(call: Call) -> Answer:
    one = call.repository()
    role = call.identity.role(call.state, one)
    return Answer(body=repositories.full_repository(call.state, one, role))


def languages(call: Call) -> Answer:
    one = call.repository()
    tip = one.git.branches().get(one.default_branch)
    entries = one.git.tree(one.git.commit(tip).tree, recursive=True) if tip else ()
    size = sum(entry.size or 0 for entry in entries if entry.path.endswith(".py"))
    return Answer(body={"Python": size} if size else {})


def collaborators(call: Call) -> Answer:
    one = call.repository()
    people = [login for login in one.collaborators if call.state.user(login)]

    def shape(login: str) -> Json:
        account = call.state.users[login.lower()]
        role = one.collaborators[login]
        extra = {"permissions": repositories.permissions(role), "role_name": role}
        return accounts.user(call.state, account) | extra

    return call.page(people, shape)


def permission(call: Call) -> Answer:
    """`permission` knows four levels; triage and maintain show in `role_name` alone."""
    one = call.repository()
    account = call.state.user(call.parameters["username"])
    if account is None:
        raise not_found()
    role = call.state.role_of(account, one) or (None if one.private else "read")
    level = {None: "none", "triage": "read", "maintain": "write"}.get(role, role)
    extra = {"permissions": repositories.permissions(role), "role_name": role or "none"}
    shape = accounts.user(call.state, account) | extra
    return Answer(body={"permission": level, "role_name": role or "none", "user": shape})


def _commit_of(one: Repository, name: str) -> str:
    """The commit that a branch, tag or SHA names; 404 for a branch, 422 for an unknown SHA."""
    for candidate in (f"refs/heads/{name}", f"refs/tags/{name}", f"refs/{name}", name):
        if sha := one.git.resolve(candidate):
            return sha
    if SHA.fullmatch(name):
        raise Refused(422, f"No commit found for SHA: {name}")
    raise Refused(422, f"No commit found for the ref {name}")


def list_branches(call: Call) -> Answer:
    one = call.repository()
    return call.page(sorted(one.git.branches().items()), lambda pair: _branch(call, one, *pair))


def _branch(call: Call, one: Repository, name: str, sha: str) -> Json:
    address = f"{repositories.api(call.state, one)}/commits/{sha}"
    return {"name": name, "commit": {"sha": sha, "url": address}, "protected": False}


def get_branch(call: Call) -> Answer:
    one, name = call.repository(), call.parameters["branch"]
    sha = one.git.branches().get(name)
    if sha is None:
        raise Refused(404, "Branch not found")
    root = repositories.api(call.state, one)
    switched_off = {"enabled": False}
    return Answer(
        body={
            "name": name,
            "commit": repositories.commit(call.state, one, one.git.commit(sha)),
            "_links": {
                "self": f"{root}/branches/{quote(name)}",
                "html": f"{repositories.page(call.state, one)}/tree/{quote(name)}",
            },
            "protected": False,
            "protection": switched_off,
            "protection_url": f"{root}/branches/{quote(name)}/protection",
        }
    )


def list_commits(call: Call) -> Answer:
    one = call.repository()
    start = _commit_of(one, call.query.get("sha", one.default_branch))
    shas = one.git.log(start, call.query.get("path"))
    return call.page(shas, lambda sha: repositories.commit(call.state, one, one.git.commit(sha)))


def get_commit(call: Call) -> Answer:
    one = call.repository()
    sha = _commit_of(one, call.parameters["ref"])
    if call.wants("sha"):
        return Answer(200, sha.encode(), media_type="application/vnd.github.sha")
    commit = one.git.commit(sha)
    parent = commit.parents[0] if commit.parents else EMPTY_TREE
    if call.wants("diff"):
        patch = one.git.diff(parent, sha)[1]
        return Answer(200, patch, media_type="application/vnd.github.diff; charset=utf-8")
    files = files_between(one.git, parent, sha)
    added = sum(file.additions for file in files)
    deleted = sum(file.deletions for file in files)
    shape = repositories.commit(call.state, one, commit)
    shape["stats"] = {"additions": added, "deletions": deleted, "total": added + deleted}
    shape["files"] = [repositories.changed_file(call.state, one, f, sha) for f in files[:300]]
    return Answer(body=shape)


def pulls_of_commit(call: Call) -> Answer:
    one = call.repository()
    sha = _commit_of(one, call.parameters["commit_sha"])
    found = [
        pull
        for pull in call.state.pull_requests_of(one)
        if pull.head_sha == sha or sha in one.git.commits_between(pull.base_sha, pull.head_sha)
    ]
    return call.page(found, lambda pull: pulls.simple(call.state, pull))


def compare(call: Call) -> Answer:
    """Three dots, as on GitHub: from the merge base to the head."""
    one = call.repository()
    base_name, dots, head_name = call.parameters["basehead"].partition("...")
    if not dots:
        raise not_found()
    base, head = _compared(call, one, base_name), _compared(call, one, head_name)
    start = one.git.merge_base(base, head)
    if start is None:
        raise Refused(404, f"No common ancestor between {base_name} and {head_name}.")
    if call.wants("diff"):
        patch = one.git.diff(start, head)[1]
        return Answer(200, patch, media_type="application/vnd.github.diff; charset=utf-8")
    return Answer(body=_comparison(call, one, (base, start, head)))


def _compared(call: Call, one: Repository, name: str) -> str:
    if ":" in name:
        found = head_branch(call.state, one, name)
        if found is None or not one.git.has(found[2], "commit"):
            raise not_found()
        return found[2]
    try:
        return _commit_of(one, name)
    except Refused as refused:
        raise not_found() from refused


def _comparison(call: Call, one: Repository, points: tuple[str, str, str]) -> Json:
    base, start, head = points
    state, git = call.state, one.git
    ahead, behind = git.commits_between(base, head), git.commits_between(head, base)
    words = {
        (False, False): "identical", (True, False): "ahead", (False, True): "behind",
        (True, True): "diverged",
    }  # fmt: skip
    root, html = repositories.api(state, one), repositories.page(state, one)
    address = f"{html}/compare/{base}...{head}"
    size = min(int(call.query.get("per_page", "250")), 250)
    page = int(call.query.get("page", "1"))
    files = files_between(git, start, head) if page == 1 else ()
    shown = ahead[(page - 1) * size : page * size]
    return {
        "url": f"{root}/compare/{base}...{head}",
        "html_url": address,
        "permalink_url": address,
        "diff_url": f"{address}.diff",
        "patch_url": f"{address}.patch",
        "base_commit": repositories.commit(state, one, git.commit(base)),
        "merge_base_commit": repositories.commit(state, one, git.commit(start)),
        "status": words[bool(ahead), bool(behind)],
        "ahead_by": len(ahead),
        "behind_by": len(behind),
        "total_commits": len(ahead),
        "commits": [repositories.commit(state, one, git.commit(sha)) for sha in shown],
        "files": [repositories.changed_file(state, one, f, head) for f in files[:MOST_COMPARED]],
    }


# Contents


def get_content(call: Call) -> Answer:
    one, path = call.repository(), call.parameters["path"].strip("/")
    try:
        commit = _commit_of(one, call.query.get("ref", one.default_branch))
    except Refused as refused:
        raise Refused(404, f"No commit found for the ref {call.query.get('ref')}") from refused
    entry = one.git.entry_at(commit, path)
    if entry is None:
        raise not_found()
    ref = call.query.get("ref", one.default_branch)
    if entry.type == "tree":
        inside = one.git.tree(entry.sha, recursive=False)
        prefix = f"{path}/" if path else ""
        return Answer(
            body=[_content(call, one, child, prefix + child.path, ref) for child in inside]
        )
    if entry.type == "blob" and call.wants("raw"):
        content = one.git.blob(entry.sha) or b""
        return Answer(200, content, media_type="application/vnd.github.raw; charset=utf-8")
    shape = _content(call, one, entry, path, ref)
    return Answer(body=shape | (_inline(one, entry) if shape["type"] == "file" else {}))


def _inline(one: Repository, entry: Entry) -> Json:
    if (entry.size or 0) > MOST_CONTENT:
        return {"content": "", "encoding": "none"}
    content = one.git.blob(entry.sha) or b""
    return {"content": base64.encodebytes(content).decode(), "encoding": "base64"}


def _content(call: Call, one: Repository, entry: Entry, path: str, ref: str) -> Json:
    root, html = repositories.api(call.state, one), repositories.page(call.state, one)
    kinds = {"120000": "symlink", "160000": "submodule", "040000": "dir"}
    kind = kinds.get(entry.mode, "file")
    address = f"{root}/contents/{quote(path)}?ref={quote(ref)}"
    git_url = f"{root}/git/{'trees' if kind == 'dir' else 'blobs'}/{entry.sha}"
    page = f"{html}/{'tree' if kind == 'dir' else 'blob'}/{quote(ref)}/{quote(path)}"
    shape: dict[str, Any] = {
        "type": kind,
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": entry.sha,
        "size": entry.size or 0,
        "url": address,
        "git_url": git_url,
        "html_url": page,
        "download_url": f"{html}/raw/{quote(ref)}/{quote(path)}" if kind == "file" else None,
        "_links": {"self": address, "git": git_url, "html": page},
    }
    if kind == "symlink":
        shape["target"] = (one.git.blob(entry.sha) or b"").decode("utf-8", "replace")
    if kind == "submodule":
        shape["submodule_git_url"] = None
    return shape


def put_content(call: Call) -> Answer:
    """Create or update one file with a commit on a branch."""
    one, path, given = call.repository(), call.parameters["path"], call.body
    branch = given.get("branch", one.default_branch)
    tip = one.git.branches().get(branch)
    if tip is None:
        raise Refused(404, f"Branch {branch} not found")
    old = one.git.entry_at(tip, path)
    if old is not None and given.get("sha") != old.sha:
        text = (
            "sha wasn't supplied."
            if "sha" not in given
            else f"{path} does not match {given['sha']}"
        )
        raise Refused(422 if "sha" not in given else 409, text)
    try:
        content = base64.b64decode(given["content"], validate=False)
    except ValueError as error:
        raise Refused(422, "content is not valid Base64") from error
    blob = one.git.write_blob(content)
    mode = old.mode if old else "100644"
    tree = one.git.write_tree(one.git.commit(tip).tree, [(mode, path, blob)])
    actor = call.actor()
    who = Person(actor.name, f"{actor.login}@example.com", call.state.now())
    sha = one.git.write_commit(tree, [tip], given["message"], who, who)
    move_branch(call.state, one, branch, sha, actor)
    entry = Entry(mode, "blob", blob, len(content), path)
    body = {
        "content": _content(call, one, entry, path, branch),
        "commit": repositories.git_commit(call.state, one, one.git.commit(sha)),
    }
    return Answer(200 if old else 201, body)


def tarball(call: Call) -> Answer:
    return _archive(call, "legacy.tar.gz")


def zipball(call: Call) -> Answer:
    return _archive(call, "legacy.zip")


def _archive(call: Call, kind: str) -> Answer:
    """GitHub sends the client to another host, with a token of its own in the address."""
    one = call.repository()
    sha = _commit_of(one, call.parameters["ref"] or one.default_branch)
    ticket = call.state.new_ticket(one.id, sha, LIFE)
    address = f"{call.state.url}/_codeload/{one.full_name}/{kind}/{sha}?token={ticket}"
    return Answer(302, None, {"Location": address})


def combined_status(call: Call) -> Answer:
    one = call.repository()
    sha = _commit_of(one, call.parameters["ref"])
    root = repositories.api(call.state, one)
    return Answer(
        body={
            "state": "pending",
            "statuses": [],
            "sha": sha,
            "total_count": 0,
            "repository": repositories.repository(call.state, one),
            "commit_url": f"{root}/commits/{sha}",
            "url": f"{root}/commits/{sha}/status",
        }
    )


HANDLERS: Mapping[str, Handler] = {
    "repos/get": get_repository,
    "repos/list-languages": languages,
    "repos/list-collaborators": collaborators,
    "repos/get-collaborator-permission-level": permission,
    "repos/list-branches": list_branches,
    "repos/get-branch": get_branch,
    "repos/list-commits": list_commits,
    "repos/get-commit": get_commit,
    "repos/list-pull-requests-associated-with-commit": pulls_of_commit,
    "repos/compare-commits-with-basehead": compare,
    "repos/get-content": get_content,
    "repos/create-or-update-file-contents": put_content,
    "repos/download-tarball-archive": tarball,
    "repos/download-zipball-archive": zipball,
    "repos/get-combined-status-for-ref": combined_status,
}
