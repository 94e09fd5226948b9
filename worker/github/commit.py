"""One commit with the safe fixes, on the branch of the pull request."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

import msgspec

from worker.github.client import Client
from worker.github.gate import Gate
from worker.patch import Patched
from worker.pull_request import PullRequest


class _Sha(msgspec.Struct):
    sha: str


class _Commit(msgspec.Struct):
    tree: _Sha


def commit_fixes(
    client: Client, pull_request: PullRequest, files: Sequence[Patched], message: str, gate: Gate
) -> str:
    """The new head. RefusedError: the branch has moved, or is protected against us.

    Nothing is forced: a push that came meanwhile wins.
    """
    root = f"{client.repository}/git"
    head = client.get(f"{root}/commits/{pull_request.head}", _Commit)
    entries = [
        {"path": each.path, "mode": each.mode, "type": "blob", "content": each.after}
        for each in files
    ]
    changed_tree = {"base_tree": head.tree.sha, "tree": entries}
    tree = client.write("POST", f"{root}/trees", _Sha, changed_tree, gate=gate)
    commit = client.write(
        "POST",
        f"{root}/commits",
        _Sha,
        {"message": message, "tree": tree.sha, "parents": [pull_request.head]},
        gate=gate,
    )
    branch = quote(pull_request.head_branch)
    path = f"{root}/refs/heads/{branch}"
    client.write("PATCH", path, object, {"sha": commit.sha, "force": False}, gate=gate)
    return commit.sha
