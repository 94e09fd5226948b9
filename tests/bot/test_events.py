from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.events import HANDLED, BadPayloadError, decide, parse
from worker.request import (
    ACTIONS,
    ButtonRequest,
    Closing,
    CommandRequest,
    DeletedComment,
    Ignored,
    PullRequestKey,
    QueuedMerge,
    Reason,
    Rerun,
    ReviewRequest,
)

APP = 29310
KEY = PullRequestKey(installation=5, repository_id=6, owner="octo", repository="shop", number=7)
EXAMPLES = Path(__file__).parents[1] / "webhook_examples"

PULL_REQUEST: dict[str, Any] = {
    "action": "opened",
    "installation": {"id": 5},
    "repository": {"id": 6, "name": "shop", "owner": {"login": "octo", "type": "User"}},
    "sender": {"login": "someone", "type": "User"},
    "pull_request": {"number": 7, "state": "open", "draft": False},
}
COMMENT: dict[str, Any] = {
    **PULL_REQUEST,
    "action": "created",
    "comment": {"id": 8, "body": "/stet review", "user": {"login": "someone", "type": "User"}},
}
ISSUE_COMMENT: dict[str, Any] = {
    **{name: value for name, value in COMMENT.items() if name != "pull_request"},
    "issue": {"number": 7, "state": "open", "pull_request": {"url": "https://evil.example"}},
}
CHECK: dict[str, Any] = {
    **{name: value for name, value in PULL_REQUEST.items() if name != "pull_request"},
    "action": "rerequested",
    "check_run": {"app": {"id": APP}, "pull_requests": [{"number": 7}], "external_id": ""},
}
SUITE: dict[str, Any] = {
    **{name: value for name, value in CHECK.items() if name != "check_run"},
    "check_suite": {"app": {"id": APP}, "pull_requests": [{"number": 7}, {"number": 8}]},
}


def changed(payload: dict[str, Any], path: str = "", value: object = None) -> dict[str, Any]:
    """A copy with one field replaced, or removed when `value` is None."""
    copy = deepcopy(payload)
    *parents, last = path.split(".") if path else [""]
    place = copy
    for name in parents:
        place = place[name]
    if value is None:
        place.pop(last, None)
    else:
        place[last] = value
    return copy


def decided(event: str, payload: dict[str, Any]) -> object:
    return decide(event, parse(event, json.dumps(payload).encode()), APP)


@pytest.mark.parametrize(
    "payload",
    [
        PULL_REQUEST,
        *(
            changed(PULL_REQUEST, "action", action)
            for action in ("reopened", "synchronize", "ready_for_review", "converted_to_draft")
        ),
        changed(PULL_REQUEST, "pull_request.draft", value=True),
        {**PULL_REQUEST, "action": "edited", "changes": {"base": {"ref": {"from": "main"}}}},
        {**PULL_REQUEST, "action": "labeled", "label": {"name": "stet:skip"}},
        {**PULL_REQUEST, "action": "unlabeled", "label": {"name": "stet:strict"}},
        {**PULL_REQUEST, "something": {"new": [1, None]}},
        changed(PULL_REQUEST, "sender"),
    ],
)
def test_what_changes_a_pull_request_asks_for_a_review(payload: dict[str, Any]) -> None:
    action = payload["action"]
    reason: Reason = action if action in ACTIONS else "event"
    assert decided("pull_request", payload) == (ReviewRequest(KEY, reason),)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (changed(PULL_REQUEST, "action", "assigned"), "nothing to review"),
        (changed(PULL_REQUEST, "action", "never heard of"), "nothing to review"),
        (changed(PULL_REQUEST, "action"), "nothing to review"),
        ({**PULL_REQUEST, "action": "edited", "changes": {"title": {}}}, "nothing to review"),
        ({**PULL_REQUEST, "action": "edited"}, "nothing to review"),
        ({**PULL_REQUEST, "action": "labeled", "label": {"name": "bug"}}, "nothing to review"),
        (changed(PULL_REQUEST, "pull_request.state", "closed"), "closed"),
        (changed(PULL_REQUEST, "installation"), "no installation"),
        (changed(PULL_REQUEST, "repository"), "no repository"),
        (changed(PULL_REQUEST, "pull_request"), "no pull request"),
        (changed(PULL_REQUEST, "repository.name", ".."), "name"),
        (changed(PULL_REQUEST, "repository.name", "a/b"), "name"),
        (changed(PULL_REQUEST, "repository.owner.login", "o\n"), "name"),
        (changed(PULL_REQUEST, "installation.id", -1), "range"),
        (changed(PULL_REQUEST, "pull_request.number", 2**64), "range"),
    ],
)
def test_other_events_of_a_pull_request_are_ignored(payload: dict[str, Any], reason: str) -> None:
    answer = decided("pull_request", payload)
    assert isinstance(answer, Ignored)
    assert reason in answer.reason


def test_a_comment_in_the_conversation_asks_for_a_command() -> None:
    assert decided("issue_comment", ISSUE_COMMENT) == (CommandRequest(KEY, 8, False, "someone"),)


def test_a_comment_in_a_thread_asks_for_a_command() -> None:
    expected = (CommandRequest(KEY, 8, True, "someone"),)
    assert decided("pull_request_review_comment", COMMENT) == expected


@pytest.mark.parametrize(
    "body",
    ["/stet", "/stet review", "please\n/stet fp it is fine\n", "  /stet help", "a\r\n/stet\r\n"],
)
def test_a_line_that_starts_with_the_prefix_is_a_command(body: str) -> None:
    payload = changed(ISSUE_COMMENT, "comment.body", body)
    assert not isinstance(decided("issue_comment", payload), Ignored)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "/steticism",
        "use /stet review",
        "> /stet review",
        "    /stet review",
        "/review",
        "`/stet`",
    ],
)
def test_other_comments_are_ignored(body: str) -> None:
    payload = changed(ISSUE_COMMENT, "comment.body", body)
    assert decided("issue_comment", payload) == Ignored("no command in the comment")


@pytest.mark.fault(50, 53)
@pytest.mark.parametrize(
    "payload",
    [
        changed(ISSUE_COMMENT, "sender.type", "Bot"),
        changed(ISSUE_COMMENT, "comment.user.type", "Bot"),
        changed(ISSUE_COMMENT, "action", "edited"),
        changed(ISSUE_COMMENT, "action", "deleted"),
        changed(ISSUE_COMMENT, "issue.state", "closed"),
        changed(ISSUE_COMMENT, "issue.pull_request"),
        changed(ISSUE_COMMENT, "issue"),
        changed(ISSUE_COMMENT, "comment"),
        changed(ISSUE_COMMENT, "sender"),
    ],
)
def test_commands_of_bots_old_comments_and_closed_pull_requests_are_ignored(
    payload: dict[str, Any],
) -> None:
    assert isinstance(decided("issue_comment", payload), Ignored)


@pytest.mark.fault(44)
def test_a_command_on_a_number_out_of_range_is_ignored() -> None:
    far = changed(ISSUE_COMMENT, "issue.number", 2**64)
    assert isinstance(decided("issue_comment", far), Ignored)


def test_a_rerun_of_our_check_reviews_its_pull_request() -> None:
    assert decided("check_run", CHECK) == (ReviewRequest(KEY, "rerequest"),)


def test_a_rerun_of_a_suite_reviews_each_of_its_pull_requests() -> None:
    answer = decided("check_suite", SUITE)
    assert isinstance(answer, tuple)
    assert [request.key.number for request in answer] == [7, 8]


def test_a_rerun_from_a_fork_finds_the_number_in_our_own_mark() -> None:
    fork = changed(
        changed(CHECK, "check_run.pull_requests", []), "check_run.external_id", "6:7:abc:1"
    )
    assert decided("check_run", fork) == (ReviewRequest(KEY, "rerequest"),)


@pytest.mark.fault(44)
@pytest.mark.parametrize(
    "payload",
    [
        changed(CHECK, "check_run.app.id", APP + 1),
        changed(CHECK, "check_run.app"),
        changed(CHECK, "check_run.pull_requests", []),
        changed(CHECK, "action", "completed"),
        changed(CHECK, "check_run"),
    ],
)
def test_other_checks_are_ignored(payload: dict[str, Any]) -> None:
    assert isinstance(decided("check_run", payload), Ignored)


@pytest.mark.fault(7)
@pytest.mark.parametrize(
    "path", sorted(EXAMPLES.rglob("*.json")), ids=lambda path: f"{path.parent.name}-{path.name}"
)
def test_githubs_own_examples_are_understood(path: Path) -> None:
    event = path.parent.name
    answer = decide(event, parse(event, path.read_bytes()), APP)
    text = path.read_text(encoding="utf-8")
    if event == "pull_request" and path.name.startswith(("opened", "synchronize")):
        assert isinstance(answer, tuple) == ('"installation"' in text)
    assert isinstance(answer, tuple | Ignored)


def test_all_examples_are_there() -> None:
    assert len(list(EXAMPLES.rglob("*.json"))) == 79


BROKEN = {
    "empty": b"",
    "cut off": b'{"action": "opened"',
    "deep arrays": b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"a":' * 100_000,
    "no number": b'{"action": "opened", "x": NaN}',
    "lone surrogate": rb'{"action": "\ud800"}',
    "no utf-8": b"\xff\xfe{}",
    "no object": b"[]",
    "null": b"null",
    "trailing": b"{} {}",
}


@pytest.mark.fault(8)
@pytest.mark.parametrize("event", ["pull_request", "ping"])
@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN.keys())
def test_broken_json_is_refused(event: str, body: bytes) -> None:
    with pytest.raises(BadPayloadError):
        parse(event, body)


@pytest.mark.fault(8)
def test_of_doubled_keys_one_counts_and_nothing_breaks() -> None:
    body = b'{"action": "opened", "action": "closed"}'
    assert parse("pull_request", body).action == "closed"


@given(st.binary(max_size=200), st.sampled_from([*HANDLED, "ping", ""]))
def test_any_bytes_are_read_or_refused(body: bytes, event: str) -> None:
    try:
        payload = parse(event, body)
    except BadPayloadError:
        return
    assert isinstance(decide(event, payload, APP), Ignored)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.fault(7)
@given(
    st.sampled_from(sorted(HANDLED)),
    st.sampled_from([PULL_REQUEST, COMMENT, ISSUE_COMMENT, CHECK, SUITE]),
    st.data(),
)
def test_a_payload_with_any_field_replaced_is_decided_or_refused(
    event: str, payload: dict[str, Any], data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(payload)))
    hostile = {**payload, name: data.draw(JSON_VALUES)}
    try:
        read = parse(event, json.dumps(hostile).encode())
    except BadPayloadError:
        return
    assert isinstance(decide(event, read, APP), tuple | Ignored)


BOT = {"login": "stet[bot]", "type": "Bot"}
PERSON = {"login": "someone", "type": "User"}
SHA = "0123456789abcdef0123456789abcdef01234567"
DELETED: dict[str, Any] = {
    **PULL_REQUEST,
    "action": "deleted",
    "comment": {"id": 8, "body": "…", "user": BOT},
}
RESOLVED: dict[str, Any] = {
    **PULL_REQUEST,
    "action": "resolved",
    "thread": {"node_id": "x", "comments": [{"id": 8, "user": BOT}, {"id": 9, "user": PERSON}]},
}
QUEUED: dict[str, Any] = {
    **{name: value for name, value in PULL_REQUEST.items() if name != "pull_request"},
    "action": "checks_requested",
    "merge_group": {
        "head_sha": SHA,
        "head_ref": f"refs/heads/gh-readonly-queue/main/pr-7-{SHA}",
        "base_ref": "refs/heads/main",
    },
}
PRESSED: dict[str, Any] = {
    **CHECK,
    "action": "requested_action",
    "requested_action": {"identifier": "post"},
}


def test_a_comment_of_a_bot_that_a_person_deleted_is_told() -> None:
    name = "pull_request_review_comment"
    assert decided(name, DELETED) == (DeletedComment(KEY, 8, "someone"),)
    assert isinstance(decided(name, changed(DELETED, "sender", BOT)), Ignored)
    assert isinstance(decided(name, changed(DELETED, "comment.user", PERSON)), Ignored)
    assert isinstance(decided(name, changed(DELETED, "comment.user")), Ignored)
    assert isinstance(decided(name, changed(DELETED, "comment.id", -1)), Ignored)
    assert isinstance(decided(name, changed(DELETED, "comment")), Ignored)


def test_a_thread_of_a_bot_that_a_person_resolved_asks_for_a_verdict() -> None:
    name = "pull_request_review_thread"
    assert decided(name, RESOLVED) == (ReviewRequest(KEY, "event"),)
    assert decided(name, changed(RESOLVED, "action", "unresolved")) == (
        ReviewRequest(KEY, "event"),
    )
    assert isinstance(decided(name, changed(RESOLVED, "action", "moved")), Ignored)
    assert isinstance(decided(name, changed(RESOLVED, "sender", BOT)), Ignored)
    assert isinstance(decided(name, changed(RESOLVED, "thread.comments", [])), Ignored)
    closed = changed(RESOLVED, "pull_request.state", "closed")
    assert isinstance(decided(name, closed), Ignored)


def test_a_merge_queue_that_waits_gets_a_verdict_on_its_own_commit() -> None:
    assert decided("merge_group", QUEUED) == (QueuedMerge(KEY, SHA),)
    assert isinstance(decided("merge_group", changed(QUEUED, "action", "destroyed")), Ignored)
    for wrong in ("refs/heads/main", f"refs/heads/gh-readonly-queue/main/pr-x-{SHA}"):
        other = changed(QUEUED, "merge_group.head_ref", wrong)
        assert isinstance(decided("merge_group", other), Ignored)
    assert isinstance(decided("merge_group", changed(QUEUED, "merge_group.head_sha", "x")), Ignored)
    assert isinstance(decided("merge_group", changed(QUEUED, "repository.id", -1)), Ignored)


def test_a_button_of_ours_is_told_with_who_pressed_it() -> None:
    assert decided("check_run", PRESSED) == (ButtonRequest(KEY, "post", "someone"),)
    assert isinstance(decided("check_run", changed(PRESSED, "check_run.app.id", 1)), Ignored)
    assert isinstance(decided("check_run", changed(PRESSED, "sender", BOT)), Ignored)
    odd = changed(PRESSED, "requested_action.identifier", "<script>")
    assert isinstance(decided("check_run", odd), Ignored)
    none = changed(PRESSED, "check_run.pull_requests", [])
    assert isinstance(decided("check_run", none), Ignored)


@pytest.mark.parametrize("merged", [True, False])
def test_a_closing_is_told_once_for_all_that_was_said(*, merged: bool) -> None:
    closed = changed(changed(PULL_REQUEST, "action", "closed"), "pull_request.state", "closed")
    closed = changed(closed, "pull_request.merged", merged)
    assert decided("pull_request", closed) == (Closing(KEY, is_merged=merged),)
    lost = changed(closed, "pull_request.number", -1)
    assert isinstance(decided("pull_request", lost), Ignored)


def test_a_rerun_of_a_suite_that_names_nobody_asks_for_those_with_its_head() -> None:
    suite = {"app": {"id": APP}, "pull_requests": [], "head_sha": SHA}
    payload = {**PULL_REQUEST, "action": "rerequested", "check_suite": suite}

    owner, name = KEY.owner, KEY.repository
    expected = Rerun(KEY.installation, KEY.repository_id, owner, name, SHA)
    assert decided("check_suite", payload) == expected
    assert isinstance(
        decided("check_suite", changed(payload, "check_suite.head_sha", "x")), Ignored
    )
    assert isinstance(decided("check_suite", changed(payload, "repository.id", -1)), Ignored)
