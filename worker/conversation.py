"""Commands in comments: heard, allowed or refused, and answered with a reaction."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import quote

import msgspec

from worker.commands import HELP, NOT_ALLOWED, UNKNOWN, Command, Verb, may, needs_role, parse
from worker.github.client import Client
from worker.github.errors import ForbiddenError, GoneError, RefusedError
from worker.github.gate import Gate
from worker.github.publish import react, reply
from worker.pull_request import PullRequest
from worker.request import CommandRequest

log = logging.getLogger(__name__)


class _User(msgspec.Struct):
    login: str
    type: str = "User"


class _Comment(msgspec.Struct):
    body: str = ""
    user: _User | None = None
    in_reply_to_id: int | None = None


class _Permission(msgspec.Struct):
    role_name: str = "none"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a comment may have. `answer` is empty where a reaction says enough.

    `thread` is the comment that opened the thread: GitHub takes replies to that one only.
    """

    allowed: frozenset[Verb] = frozenset()
    is_refused: bool = False
    answer: str = ""
    thread: int | None = None

    @property
    def wants_review(self) -> bool:
        return Verb.REVIEW in self.allowed


class Asker:
    """Somebody who wrote a command. The role is asked of GitHub, at most once."""

    def __init__(self, client: Client, login: str, *, is_author: bool) -> None:
        self._client = client
        self._login = login
        self._is_author = is_author
        self._role: str | None = None

    def may(self, verb: Verb) -> bool:
        if not needs_role(verb, is_author=self._is_author):
            return True
        if self._role is None:
            self._role = self._ask()
        return may(verb, self._role, is_author=self._is_author)

    def _ask(self) -> str:
        path = f"{self._client.repository}/collaborators/{quote(self._login, safe='')}/permission"
        try:
            return self._client.get(path, _Permission).role_name
        except GoneError:
            return "none"


def hear(client: Client, request: CommandRequest, pull_request: PullRequest) -> Verdict:
    """Read a comment from GitHub, not from the event, and judge the commands in it."""
    kind = "pulls" if request.in_review_thread else "issues"
    path = f"{client.repository}/{kind}/comments/{request.comment_id}"
    try:
        comment = client.get(path, _Comment)
    except GoneError:
        return Verdict()
    if comment.user is None or comment.user.type == "Bot":
        return Verdict()
    is_author = comment.user.login.lower() == pull_request.author.lower()
    verdict = judge(parse(comment.body), Asker(client, comment.user.login, is_author=is_author))
    return replace(verdict, thread=comment.in_reply_to_id)


def judge(commands: Iterable[Command], asker: Asker) -> Verdict:
    """Allow what this person may have; the first refusal is the one that is explained."""
    allowed: set[Verb] = set()
    refusal = ""
    for command in commands:
        if command.verb is None:
            refusal = refusal or UNKNOWN
        elif asker.may(command.verb):
            allowed.add(command.verb)
        else:
            refusal = refusal or NOT_ALLOWED
    answer = refusal or (HELP if Verb.HELP in allowed else "")
    return Verdict(frozenset(allowed), is_refused=bool(refusal), answer=answer)


def accept(client: Client, request: CommandRequest, verdict: Verdict, gate: Gate) -> None:
    """Eyes: it was seen, and something is being done."""
    if verdict.wants_review:
        _react(client, request, "eyes", gate)


def close(client: Client, request: CommandRequest, verdict: Verdict, gate: Gate) -> None:
    """A rocket, or a confused face and the reason in a few words."""
    if verdict.answer:
        gate()
        comment = verdict.thread or request.comment_id
        try:
            reply(client, comment, verdict.answer, in_thread=request.in_review_thread)
        except (GoneError, ForbiddenError, RefusedError) as error:
            log.info("%s: no answer possible: %s", request.key, error)
    if verdict.is_refused:
        _react(client, request, "confused", gate)
    elif verdict.allowed:
        _react(client, request, "rocket", gate)


def _react(client: Client, request: CommandRequest, content: str, gate: Gate) -> None:
    gate()
    try:
        react(client, request.comment_id, content, in_thread=request.in_review_thread)
    except (GoneError, ForbiddenError, RefusedError) as error:
        log.info("%s: no reaction possible: %s", request.key, error)
