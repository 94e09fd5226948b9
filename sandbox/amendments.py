"""Where GitHub's description and GitHub disagree, and GitHub is right.

Each amendment widens what is allowed, or describes what the file leaves out: the merge queue. The
file itself is kept as it was published.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sandbox.entities import Json

# Fields that GitHub answers with null (an outdated comment, for one) and describes without it.
ALSO_NULL = (
    ("review-comment", "line"),
    ("pull-request-review-comment", "line"),
    ("pull-request-review-comment", "position"),
    ("pull-request-review-comment", "original_line"),
    ("review-comment", "original_line"),
    ("content-tree", "size"),
)


def amend(document: Json) -> None:
    """Change a freshly loaded description in place."""
    for enum, nullable in _enums(document):
        if nullable and None not in enum:
            enum.append(None)
        if "pull_request_review_thread" in enum and "merge_group" not in enum:
            enum.append("merge_group")  # an event newer than the lists of events
    for choices in _nullable_choices(document):
        choices.append({"type": "string", "nullable": True, "enum": [None]})
    for schema, name in ALSO_NULL:
        document["components"]["schemas"][schema]["properties"][name]["nullable"] = True
    for schema in document["components"]["schemas"].values():
        _allow_deleted_forks(schema)
    _allow_bare_labels(document)
    _allow_folders(document)
    _allow_people_as_accounts(document)
    _describe_merge_groups(document)


def _describe_merge_groups(document: Json) -> None:
    """The two events of a merge queue, as GitHub documents them."""
    schemas = document["components"]["schemas"]
    resolved = schemas["webhook-pull-request-review-thread-resolved"]["properties"]
    names = ("installation", "organization", "repository", "sender")
    group = ("head_sha", "head_ref", "base_sha", "base_ref")
    words = {name: {"type": "string"} for name in group}
    commit = {"$ref": "#/components/schemas/simple-commit"}
    for action in ("checks_requested", "destroyed"):
        properties = {name: resolved[name] for name in names} | {
            "action": {"type": "string", "enum": [action]},
            "merge_group": {
                "type": "object",
                "properties": {**words, "head_commit": commit},
                "required": [*group, "head_commit"],
            },
        }
        if action == "destroyed":
            reasons = ["merged", "invalidated", "dequeued"]
            properties["reason"] = {"type": "string", "enum": reasons}
        schema = {
            "type": "object",
            "properties": properties,
            "required": ["action", "merge_group", "repository"],
        }
        body = {"required": True, "content": {"application/json": {"schema": schema}}}
        name = f"merge-group-{action.replace('_', '-')}"
        document["x-webhooks"][name] = {"post": {"requestBody": body}}


def _enums(value: Any) -> Iterator[tuple[list[Any], bool]]:
    """Every list of allowed values, and whether null is allowed beside them."""
    if isinstance(value, dict):
        enum = value.get("enum")
        if isinstance(enum, list):
            yield enum, bool(value.get("nullable"))
        children: Iterable[Any] = value.values()
    else:
        children = value if isinstance(value, list) else ()
    for child in children:
        yield from _enums(child)


def _nullable_choices(value: Any) -> Iterator[list[Any]]:
    """Every `oneOf` and `anyOf` beside a `nullable` that the validator does not see."""
    if isinstance(value, dict):
        for key in ("oneOf", "anyOf"):
            choices = value.get(key)
            if value.get("nullable") and isinstance(choices, list):
                yield choices
        children: Iterable[Any] = tuple(value.values())
    else:
        children = tuple(value) if isinstance(value, list) else ()
    for child in children:
        yield from _nullable_choices(child)


def _allow_deleted_forks(value: Any) -> None:
    """`head.repo` is null once a fork was deleted, whatever the description says."""
    if isinstance(value, list):
        for child in value:
            _allow_deleted_forks(child)
    if not isinstance(value, dict):
        return
    properties = value.get("properties", {})
    if "sha" in properties and "label" in properties and "repo" in properties:
        properties["repo"] = {"anyOf": [properties["repo"], {"enum": [None]}]}
        return
    for child in value.values():
        _allow_deleted_forks(child)


def _allow_bare_labels(document: Json) -> None:
    """GitHub has always taken a bare list of labels; the description knows the object alone."""
    adding = document["paths"]["/repos/{owner}/{repo}/issues/{issue_number}/labels"]["post"]
    schema = adding["requestBody"]["content"]["application/json"]["schema"]
    schema["oneOf"].append(schema["oneOf"][0]["properties"]["labels"])


def _allow_folders(document: Json) -> None:
    """A folder's contents are a list, which has no property to tell the kinds apart by."""
    getting = document["paths"]["/repos/{owner}/{repo}/contents/{path}"]["get"]
    schema = getting["responses"]["200"]["content"]["application/json"]["schema"]
    schema.pop("discriminator")


def _allow_people_as_accounts(document: Json) -> None:
    """The list of installations says that an account is a user *and* an enterprise."""
    listing = document["paths"]["/app/installations"]["get"]["responses"]["200"]
    schema = listing["content"]["application/json"]["schema"]
    schema["items"] = {"$ref": "#/components/schemas/installation"}
