"""Commands and buttons: heard, allowed or refused, and answered with a reaction or a few words."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from urllib.parse import quote

import msgspec

from worker.commands import Command, Verb, is_authors, may, needs_role, parse
from worker.github.client import Client
from worker.github.errors import ForbiddenError, GoneError, RefusedError
from worker.github.gate import Gate
from worker.github.publish import edit_remark, react, reply
from worker.ledger import Ledger, Ledgers, Place, places_of
from worker.orders import NOTES, Outcome, Scene, Want, obey
from worker.pull_request import PullRequest
from worker.request import ButtonRequest, CommandRequest

log = logging.getLogger(__name__)

COMMANDS_AN_HOUR = 10
EXPLANATIONS_AN_HOUR = 5
_HOUR = 3600
_TOO_MANY = "That is more than Stet answers in an hour. Nothing was done."

BUTTONS: dict[str, tuple[Verb, frozenset[Want]]] = {
    "review-full": (Verb.FULL, frozenset({"review", "full"})),
    "post": (Verb.FULL, frozenset({"review", "post"})),
    "fix": (Verb.FIX, frozenset({"review", "fix"})),
}
"""What a button asks for, and the command whose permission it needs."""


class _User(msgspec.Struct):
    login: str
    type: str = "User"


class _Comment(msgspec.Struct):
    body: str = ""
    user: _User | None = None
    in_reply_to_id: int | None = None


class _Permission(msgspec.Struct):
    role_name: str = "none"


@dataclass(frozen=True)
class Room:
    """Where commands are heard: one pull request, and what is known and allowed there."""

    client: Client
    pull_request: PullRequest
    ledgers: Ledgers
    gate: Gate
    check_name: str
    authors_may_ignore: bool
    explain: Callable[[str], str]
    configuration: Callable[[], str]


@dataclass(frozen=True)
class Heard:
    """What a comment or a button came to. `thread` takes replies: the comment that opened it."""

    request: CommandRequest | ButtonRequest
    outcome: Outcome
    thread: int | None = None


@dataclass
class Asker:
    """Somebody who gave a command. The role is asked of GitHub, once in a few minutes."""

    room: Room
    login: str
    _role: str | None = field(default=None, init=False)

    def may(self, verb: Verb) -> bool:
        is_author = self.login.lower() == self.room.pull_request.author.lower()
        if is_author and is_authors(verb, authors_may_ignore=self.room.authors_may_ignore):
            return True
        if not needs_role(verb):
            return True
        if self._role is None:
            ledgers, key = self.room.ledgers, self.room.client.key
            self._role = ledgers.role(key, self.login)
            if self._role is None:
                self._role = self._ask()
                ledgers.keep_role(key, self.login, self._role)
        return may(verb, self._role)

    def _ask(self) -> str:
        client = self.room.client
        path = f"{client.repository}/collaborators/{quote(self.login, safe='')}/permission"
        try:
            return client.get(path, _Permission).role_name
        except GoneError:
            return "none"


def hear(room: Room, request: CommandRequest, ledger: Ledger) -> Heard:
    """Read a comment from GitHub, not from the event, and do what its commands may have."""
    kind = "pulls" if request.in_review_thread else "issues"
    path = f"{room.client.repository}/{kind}/comments/{request.comment_id}"
    try:
        comment = room.client.get(path, _Comment)
    except GoneError:
        return Heard(request, Outcome(ledger))
    if comment.user is None or comment.user.type == "Bot":
        return Heard(request, Outcome(ledger))
    commands = parse(comment.body)
    if not commands:
        return Heard(request, Outcome(ledger))
    thread = comment.in_reply_to_id
    login = comment.user.login
    if not _is_allowed_now(room, commands, login):
        return Heard(request, Outcome(ledger, is_refused=True, answer=_TOO_MANY), thread)
    scene = _scene(room, login, ledger, _places(room, thread))
    return Heard(request, obey(commands, scene), thread)


def press(room: Room, request: ButtonRequest, ledger: Ledger) -> Heard:
    """What a button asks for, if the one who pressed it may ask for that."""
    known = BUTTONS.get(request.button)
    if known is None or not Asker(room, request.sender).may(known[0]):
        log.info("%s: button %r is not for %s", request.key, request.button, request.sender)
        return Heard(request, Outcome(ledger))
    return Heard(request, Outcome(ledger, wants=known[1], done=(known[0],)))


def _is_allowed_now(room: Room, commands: tuple[Command, ...], login: str) -> bool:
    pull = f"{room.client.key.repository_id}:{room.client.key.number}"
    if not room.ledgers.allows(f"commands:{pull}", COMMANDS_AN_HOUR, _HOUR):
        return False
    if any(each.verb is Verb.EXPLAIN for each in commands):
        return room.ledgers.allows(f"explain:{pull}:{login}", EXPLANATIONS_AN_HOUR, _HOUR)
    return True


def _scene(room: Room, login: str, ledger: Ledger, places: tuple[Place, ...]) -> Scene:
    return Scene(
        login=login,
        may=Asker(room, login).may,
        ledger=ledger,
        explain=room.explain,
        configuration=room.configuration,
        thread=places,
        may_write=room.client.may_resolve,
    )


def _places(room: Room, first: int | None) -> tuple[Place, ...]:
    """What the thread is about, if Stet began it."""
    return next((places_of(each) for each in room.pull_request.said if each.id == first), ())


def accept(room: Room, heard: Heard) -> None:
    """Eyes: it was seen, and something is being done."""
    if heard.outcome.wants and isinstance(heard.request, CommandRequest):
        _react(room, heard.request, "eyes")


def close(room: Room, heard: Heard, ledger: Ledger) -> Ledger:
    """A rocket, or a confused face and the reason in a few words; the ledger with the answer."""
    request, outcome = heard.request, heard.outcome
    if isinstance(request, ButtonRequest) or outcome.is_nothing:
        return ledger
    if outcome.answer:
        ledger = _answer(room, request, heard, ledger)
    _react(room, request, "confused" if outcome.is_refused else "rocket")
    return ledger


def _answer(room: Room, request: CommandRequest, heard: Heard, ledger: Ledger) -> Ledger:
    outcome = heard.outcome
    body = outcome.answer
    if outcome.note and not request.in_review_thread:
        body = f"{NOTES[outcome.note]}\n\n{body}\n</details>"
    try:
        if outcome.note and not request.in_review_thread:
            return _note(room, outcome.note, body, ledger)
        comment = heard.thread or request.comment_id
        reply(room.client, room.gate, comment, body, in_thread=request.in_review_thread)
    except (GoneError, ForbiddenError, RefusedError) as error:
        log.info("%s: no answer possible: %s", request.key, error)
    return ledger


def _note(room: Room, name: str, body: str, ledger: Ledger) -> Ledger:
    """Said once in a pull request, and edited from then on."""
    known = ledger.notes.get(name)
    if known is not None:
        try:
            edit_remark(room.client, room.gate, known, body)
        except GoneError:
            log.info("%s: the note %r was deleted and is written anew", room.client.key, name)
        else:
            return ledger
    written = reply(room.client, room.gate, 0, body, in_thread=False)
    return replace(ledger, notes={**ledger.notes, name: written})


def _react(room: Room, request: CommandRequest, content: str) -> None:
    in_thread = request.in_review_thread
    try:
        react(room.client, room.gate, request.comment_id, content, in_thread=in_thread)
    except (GoneError, ForbiddenError, RefusedError) as error:
        log.info("%s: no reaction possible: %s", request.key, error)
