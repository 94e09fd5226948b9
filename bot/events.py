"""What an event asks of Stet. Pure: it reads the payload and decides, nothing more.

Only the few fields below are read. Addresses in a payload are never followed, and nothing in
it but ids and names is believed: the worker asks GitHub for the state of the pull request.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

import msgspec

from worker.request import (
    ACTIONS,
    ButtonRequest,
    Closing,
    CommandRequest,
    Decision,
    DeletedComment,
    Ignored,
    PullRequestKey,
    QueuedMerge,
    Reason,
    Rerun,
    ReviewRequest,
)

_NAME = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9_.-]{1,100}\Z")
_COMMAND = re.compile(r"^ {0,3}/stet(?=\s|\Z)", re.MULTILINE)
_EXTERNAL_ID = re.compile(r"\d+:(\d{1,10}):")
_QUEUE_BRANCH = re.compile(r"refs/heads/gh-readonly-queue/.+/pr-(\d{1,10})-[0-9a-f]{7,64}\Z")
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_BUTTON = re.compile(r"[a-z-]{1,20}\Z")

_LABELLED = frozenset({"labeled", "unlabeled"})
OWN_LABELS = "stet:"
_RANGE = "ids out of range"


class _Named(msgspec.Struct):
    name: str | None = None


class _Account(msgspec.Struct):
    login: str
    type: str | None = None


class _Identified(msgspec.Struct):
    id: int


class _Repository(msgspec.Struct):
    id: int
    name: str
    owner: _Account


class _Number(msgspec.Struct):
    number: int
    state: str = "open"
    merged: bool | None = None


class _Issue(msgspec.Struct):
    number: int
    state: str = "open"
    pull_request: dict[str, msgspec.Raw] | None = None


class _Comment(msgspec.Struct):
    id: int
    body: str | None = None
    user: _Account | None = None


class _Changes(msgspec.Struct):
    base: dict[str, msgspec.Raw] | None = None


class _Check(msgspec.Struct):
    """A check run or a check suite."""

    app: _Identified | None = None
    pull_requests: list[_Number] = []
    external_id: str | None = None
    head_sha: str | None = None


class _Action(msgspec.Struct):
    identifier: str = ""


class _Thread(msgspec.Struct):
    comments: list[_Comment] = []


class _MergeGroup(msgspec.Struct):
    head_sha: str = ""
    head_ref: str = ""


class Payload(msgspec.Struct):
    """What is read of an event; everything may be missing, everything else is passed over."""

    action: str = ""
    installation: _Identified | None = None
    repository: _Repository | None = None
    sender: _Account | None = None
    pull_request: _Number | None = None
    issue: _Issue | None = None
    comment: _Comment | None = None
    changes: _Changes | None = None
    label: _Named | None = None
    check_run: _Check | None = None
    check_suite: _Check | None = None
    requested_action: _Action | None = None
    thread: _Thread | None = None
    merge_group: _MergeGroup | None = None


class _OtherPayload(msgspec.Struct):
    """An event that Stet does not act on: it must be JSON, its shape is its own affair."""


HANDLED = frozenset(
    {
        "pull_request",
        "issue_comment",
        "pull_request_review_comment",
        "pull_request_review_thread",
        "check_run",
        "check_suite",
        "merge_group",
    }
)
_DECODER = msgspec.json.Decoder(Payload)
_OTHER_DECODER = msgspec.json.Decoder(_OtherPayload)


class BadPayloadError(ValueError):
    """The body is no JSON, or no payload of its event."""


def parse(event: str, body: bytes) -> Payload:
    """Read a body. Raises BadPayloadError."""
    try:
        if event in HANDLED:
            return _DECODER.decode(body)
        _OTHER_DECODER.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise BadPayloadError(str(error)) from None
    return Payload()


def decide(event: str, payload: Payload, app_id: int) -> Decision:
    """Turn an event into requests, or say in a few words why it asks for nothing."""
    if event not in HANDLED:
        return Ignored(f"event {event[:50]!r} asks for nothing")
    if payload.installation is None:
        return Ignored("no installation: the webhook is not the App's")
    repository = payload.repository
    if repository is None:
        return Ignored("no repository")
    if not (_NAME.match(repository.name) and _NAME.match(repository.owner.login)):
        return Ignored("the repository's name is not one of GitHub's")
    if event == "check_run":
        return _check_run(payload, app_id)
    if event == "check_suite":
        return _check(payload, payload.check_suite, app_id)
    return _READERS[event](payload)


def _pull_request(payload: Payload) -> Decision:
    pull_request = payload.pull_request
    if pull_request is None:
        return Ignored("no pull request")
    if payload.action == "closed":
        key = _key(payload, pull_request.number)
        return (Closing(key, pull_request.merged is True),) if key else Ignored(_RANGE)
    if pull_request.state != "open":
        return Ignored("the pull request is closed")
    action = payload.action
    retargeted = (
        action == "edited" and payload.changes is not None and payload.changes.base is not None
    )
    own_label = (
        action in _LABELLED
        and payload.label is not None
        and (payload.label.name or "").startswith(OWN_LABELS)
    )
    named = next((each for each in ACTIONS if each == action), None)
    if named is not None:
        return _reviews(payload, [pull_request.number], named)
    if action == "converted_to_draft" or retargeted or own_label:
        return _reviews(payload, [pull_request.number], "event")
    return Ignored(f"action {action[:50]!r} changes nothing to review")


def _issue_comment(payload: Payload) -> Decision:
    issue = payload.issue
    if issue is None or issue.pull_request is None:
        return Ignored("the comment is not on a pull request")
    return _comment(payload, _Number(issue.number, issue.state), "conversation")


def _review_comment(payload: Payload) -> Decision:
    if payload.action == "deleted":
        return _deleted(payload)
    return _comment(payload, payload.pull_request, "thread")


def _comment(
    payload: Payload, pull_request: _Number | None, place: Literal["thread", "conversation"]
) -> Decision:
    comment, sender = payload.comment, payload.sender
    if payload.action != "created":
        return Ignored("only new comments are read")
    if pull_request is None or comment is None or sender is None:
        return Ignored("no comment on a pull request")
    if sender.type == "Bot" or (comment.user is not None and comment.user.type == "Bot"):
        return Ignored("bots give no commands")
    if pull_request.state != "open":
        return Ignored("the pull request is closed")
    if _COMMAND.search(comment.body or "") is None:
        return Ignored("no command in the comment")
    key = _key(payload, pull_request.number)
    if key is None:
        return Ignored(_RANGE)
    return (CommandRequest(key, comment.id, place == "thread", sender.login[:100]),)


def _deleted(payload: Payload) -> Decision:
    """Whose comment it was the ledger knows; that a bot wrote it, the payload tells."""
    comment, sender, pull_request = payload.comment, payload.sender, payload.pull_request
    if pull_request is None or comment is None or sender is None:
        return Ignored("no comment on a pull request")
    if sender.type == "Bot" or comment.user is None or comment.user.type != "Bot":
        return Ignored("no person deleted a comment of a bot")
    key = _key(payload, pull_request.number)
    if key is None or not _in_range(comment.id):
        return Ignored(_RANGE)
    return (DeletedComment(key, comment.id, sender.login[:100]),)


def _thread(payload: Payload) -> Decision:
    """A thread of a bot's was resolved or opened again by a person: the verdict may change."""
    pull_request, thread, sender = payload.pull_request, payload.thread, payload.sender
    if payload.action not in ("resolved", "unresolved"):
        return Ignored(f"action {payload.action[:50]!r} changes nothing to review")
    if pull_request is None or thread is None or pull_request.state != "open":
        return Ignored("no thread of an open pull request")
    first = thread.comments[0].user if thread.comments else None
    if first is None or first.type != "Bot" or sender is None or sender.type == "Bot":
        return Ignored("no person resolved a thread of a bot")
    return _reviews(payload, [pull_request.number], "event")


def _merge_group(payload: Payload) -> Decision:
    group = payload.merge_group
    if payload.action != "checks_requested" or group is None:
        return Ignored("only a merge queue that waits for checks is answered")
    queued = _QUEUE_BRANCH.match(group.head_ref)
    if queued is None or not _SHA.match(group.head_sha):
        return Ignored("the merge group names no pull request")
    key = _key(payload, int(queued[1]))
    return (QueuedMerge(key, group.head_sha),) if key else Ignored(_RANGE)


def _check_run(payload: Payload, app_id: int) -> Decision:
    if payload.action == "requested_action":
        return _button(payload, app_id)
    return _check(payload, payload.check_run, app_id)


def _button(payload: Payload, app_id: int) -> Decision:
    check, action, sender = payload.check_run, payload.requested_action, payload.sender
    if check is None or check.app is None or check.app.id != app_id:
        return Ignored("the check is another App's")
    if action is None or sender is None or sender.type == "Bot":
        return Ignored("no person pressed a button")
    if not _BUTTON.match(action.identifier):
        return Ignored("no button of ours")
    keys = [_key(payload, number) for number in _numbers(check)]
    found = (ButtonRequest(key, action.identifier, sender.login[:100]) for key in keys if key)
    return tuple(found) or Ignored("the check names no pull request")


def _check(payload: Payload, check: _Check | None, app_id: int) -> Decision:
    if payload.action != "rerequested":
        return Ignored("only a re-run of a check is acted on")
    if check is None or check.app is None or check.app.id != app_id:
        return Ignored("the check is another App's")
    numbers = _numbers(check)
    if not numbers:
        return _rerun(payload, check.head_sha or "")
    return _reviews(payload, numbers, "rerequest")


def _rerun(payload: Payload, head: str) -> Decision:
    key = _key(payload, 1)
    if key is None or not _SHA.match(head):
        return Ignored("the check names no pull request")
    return Rerun(key.installation, key.repository_id, key.owner, key.repository, head)


def _numbers(check: _Check) -> list[int]:
    """The pull requests of a check. GitHub names none of forks, so our own runs carry theirs."""
    numbers = [pull_request.number for pull_request in check.pull_requests]
    own = _EXTERNAL_ID.match(check.external_id or "")
    return [int(own[1])] if own and not numbers else list(dict.fromkeys(numbers))


def _reviews(payload: Payload, numbers: list[int], reason: Reason) -> Decision:
    keys = [_key(payload, number) for number in dict.fromkeys(numbers)]
    requests = tuple(ReviewRequest(key, reason) for key in keys if key is not None)
    return requests or Ignored(_RANGE)


def _in_range(*numbers: int) -> bool:
    return all(0 < number < 2**63 for number in numbers)


def _key(payload: Payload, number: int) -> PullRequestKey | None:
    installation, repository = payload.installation, payload.repository
    if (
        installation is None
        or repository is None
        or not _in_range(installation.id, repository.id, number)
    ):
        return None
    return PullRequestKey(
        installation.id, repository.id, repository.owner.login, repository.name, number
    )


_READERS: dict[str, Callable[[Payload], Decision]] = {
    "pull_request": _pull_request,
    "issue_comment": _issue_comment,
    "pull_request_review_comment": _review_comment,
    "pull_request_review_thread": _thread,
    "merge_group": _merge_group,
}
