"""Git objects and refs."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from sandbox.acts.pulls import move_branch
from sandbox.call import Answer, Call, Handler
from sandbox.entities import Json, Repository
from sandbox.git import SHA, GitError, Person
from sandbox.refusal import Refused, invalid, not_found
from sandbox.shapes import repositories
from sandbox.state import node_id

MOST_ENTRIES = 100_000  # of a recursive tree
MOST_TREE_BYTES = 7_000_000
MOST_BLOB = 100 * 1024 * 1024


def get_tree(call: Call) -> Answer:
    one, name = call.repository(), call.parameters["tree_sha"]
    sha = one.git.object_of(f"{name}^{{tree}}")
    if sha is None:
        raise not_found()
    recursive = "recursive" in call.query
    entries = one.git.tree(sha, recursive=recursive)
    root = repositories.api(call.state, one)
    shapes: list[Json] = []
    weight = 0
    for entry in entries:
        weight += len(entry.path) + 100
        if len(shapes) >= MOST_ENTRIES or weight > MOST_TREE_BYTES:
            break
        shape: Json = {"path": entry.path, "mode": entry.mode, "type": entry.type, "sha": entry.sha}
        if entry.type == "blob":
            shape["size"] = entry.size
        if entry.type != "commit":
            shape["url"] = f"{root}/git/{entry.type}s/{entry.sha}"
        shapes.append(shape)
    body = {"sha": sha, "url": f"{root}/git/trees/{sha}", "tree": shapes}
    return Answer(body=body | {"truncated": len(shapes) < len(entries)})


def get_blob(call: Call) -> Answer:
    one, sha = call.repository(), call.parameters["file_sha"]
    content = one.git.blob(sha)
    if content is None:
        raise not_found()
    if len(content) > MOST_BLOB:
        raise Refused(403, "This API returns blobs up to 100 MB in size.")
    if call.wants("raw"):
        return Answer(200, content, media_type="application/vnd.github.raw; charset=utf-8")
    return Answer(
        body={
            "sha": sha,
            "node_id": f"B_{sha}",
            "size": len(content),
            "url": f"{repositories.api(call.state, one)}/git/blobs/{sha}",
            "content": base64.encodebytes(content).decode(),
            "encoding": "base64",
        }
    )


def create_blob(call: Call) -> Answer:
    one, given = call.repository(), call.body
    content = given["content"].encode()
    if given.get("encoding", "utf-8") == "base64":
        try:
            content = base64.b64decode(content)
        except binascii.Error as error:
            raise Refused(422, "content is not valid Base64") from error
    sha = one.git.write_blob(content)
    address = f"{repositories.api(call.state, one)}/git/blobs/{sha}"
    return Answer(201, {"sha": sha, "url": address}, {"Location": address})


def create_tree(call: Call) -> Answer:
    one = call.repository()
    base = call.body.get("base_tree")
    if base is not None and one.git.object_of(f"{base}^{{tree}}") is None:
        raise Refused(422, "base_tree is not a valid tree")
    changes = []
    for entry in call.body["tree"]:
        sha = entry.get("sha")
        if "content" in entry:
            sha = one.git.write_blob(entry["content"].encode())
        if sha is not None and not SHA.fullmatch(sha):
            raise Refused(422, "tree.sha is not a valid sha")
        changes.append((entry.get("mode", "100644"), entry["path"], sha))
    try:
        tree = one.git.write_tree(base, changes)
    except GitError as error:
        raise Refused(422, "GitRPC::BadObjectState") from error
    root = repositories.api(call.state, one)
    listing = [
        {"path": e.path, "mode": e.mode, "type": e.type, "sha": e.sha, "size": e.size or 0}
        for e in one.git.tree(tree, recursive=False)
    ]
    body = {"sha": tree, "url": f"{root}/git/trees/{tree}", "truncated": False, "tree": listing}
    return Answer(201, body)


def get_commit(call: Call) -> Answer:
    one, sha = call.repository(), call.parameters["commit_sha"]
    if not one.git.has(sha, "commit"):
        raise not_found()
    return Answer(body=repositories.git_commit(call.state, one, one.git.commit(sha)))


def create_commit(call: Call) -> Answer:
    one, given, actor = call.repository(), call.body, call.actor()
    if not one.git.has(given["tree"], "tree"):
        raise Refused(422, "Tree SHA does not exist")
    parents = given.get("parents", [])
    if not all(one.git.has(parent, "commit") for parent in parents):
        raise Refused(422, "Parent SHA does not exist or is not a commit object")
    default = {"name": actor.name, "email": f"{actor.login}@example.com", "date": call.state.now()}
    author = default | given.get("author", {})
    committer = author | given.get("committer", {})
    sha = one.git.write_commit(
        given["tree"], parents, given["message"], Person(**author), Person(**committer)
    )
    return Answer(201, repositories.git_commit(call.state, one, one.git.commit(sha)))


def get_ref(call: Call) -> Answer:
    one, name = call.repository(), call.parameters["ref"]
    sha = one.git.refs().get(name)
    if sha is None:
        raise not_found()
    return Answer(body=_reference(call, one, name, sha))


def matching_refs(call: Call) -> Answer:
    one, prefix = call.repository(), call.parameters["ref"]
    found = [pair for pair in sorted(one.git.refs().items()) if pair[0].startswith(prefix)]
    return Answer(body=[_reference(call, one, name, sha) for name, sha in found])


def _reference(call: Call, one: Repository, name: str, sha: str) -> Json:
    kind = (one.git.object(sha) or ("commit", b""))[0]
    shape = repositories.reference(call.state, one, f"refs/{name}", sha, kind)
    return shape | {"node_id": node_id("REF", one.id)}


def create_ref(call: Call) -> Answer:
    one, given = call.repository(), call.body
    name = given["ref"]
    if not name.startswith("refs/heads/") or not one.git.is_ref_name(name):
        raise Refused(422, "Reference name must start with 'refs/heads/' here")
    branch = name.removeprefix("refs/heads/")
    if branch in one.git.branches():
        raise Refused(422, "Reference already exists")
    _require_commit(one, given["sha"])
    move_branch(call.state, one, branch, given["sha"], call.actor())
    return Answer(201, _reference(call, one, f"heads/{branch}", given["sha"]))


def update_ref(call: Call) -> Answer:
    one, given = call.repository(), call.body
    branch = _branch(call, one)
    before = one.git.branches()[branch]
    _require_commit(one, given["sha"])
    if not given.get("force") and not one.git.is_ancestor(before, given["sha"]):
        raise Refused(422, "Update is not a fast forward")
    move_branch(call.state, one, branch, given["sha"], call.actor())
    return Answer(body=_reference(call, one, f"heads/{branch}", given["sha"]))


def delete_ref(call: Call) -> Answer:
    one = call.repository()
    move_branch(call.state, one, _branch(call, one), None, call.actor())
    return Answer(204)


def _branch(call: Call, one: Repository) -> str:
    branch = call.parameters["ref"].removeprefix("heads/")
    if branch not in one.git.branches():
        raise Refused(422, "Reference does not exist")
    return branch


def _require_commit(one: Repository, sha: str) -> None:
    if not one.git.has(sha, "commit"):
        raise invalid("Reference", "sha", "Object does not exist")


HANDLERS: Mapping[str, Handler] = {
    "git/get-tree": get_tree,
    "git/create-tree": create_tree,
    "git/get-blob": get_blob,
    "git/create-blob": create_blob,
    "git/get-commit": get_commit,
    "git/create-commit": create_commit,
    "git/get-ref": get_ref,
    "git/list-matching-refs": matching_refs,
    "git/create-ref": create_ref,
    "git/update-ref": update_ref,
    "git/delete-ref": delete_ref,
}
