"""Slash commands: what a comment asks for, and who may ask it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

MOST_COMMANDS = 5
_MOST_TEXT = 64 * 1024
_MOST_ARGUMENT = 500
_LINE = re.compile(r"^/stet(?:[ \t]+(?P<verb>[a-z][a-z-]{0,19})(?:[ \t]+(?P<rest>.*))?)?[ \t]*$")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
# Only what decides where a line stands: the words of a command are not read as Markdown.
_MARKDOWN = MarkdownIt("commonmark", {"maxNesting": 20})


class Verb(Enum):
    """The commands that work."""

    REVIEW = "review"
    FULL = "review full"
    IGNORE = "ignore"
    FALSE_POSITIVE = "fp"
    UNIGNORE = "unignore"
    PAUSE = "pause"
    RESUME = "resume"
    EXPLAIN = "explain"
    PATCH = "patch"
    FIX = "fix"
    CONFIG = "config"
    HELP = "help"


@dataclass(frozen=True, slots=True)
class Command:
    """One line of a comment. `verb` is None where the line names no verb that works."""

    verb: Verb | None
    argument: str = ""


def parse(body: str) -> tuple[Command, ...]:
    """The commands of a comment, in order, at most `MOST_COMMANDS`.

    A command stands at the start of a line of an ordinary paragraph: not in code, not in a
    quotation or list, not in an HTML comment.
    """
    if "/stet" not in body or len(body) > _MOST_TEXT:
        return ()
    found: list[Command] = []
    for line in _plain_lines(_COMMENT.sub("", body.replace("\r\n", "\n"))):
        match = _LINE.match(line)
        if match is not None:
            found.append(_command(match["verb"] or "help", match["rest"] or ""))
    return tuple(found[:MOST_COMMANDS])


def _command(word: str, rest: str) -> Command:
    rest = rest.strip()[:_MOST_ARGUMENT]
    if word == "review":
        return Command({"": Verb.REVIEW, "full": Verb.FULL}.get(rest))
    return Command(next((each for each in Verb if each.value == word), None), rest)


def _plain_lines(body: str) -> Iterator[str]:
    """Lines of the paragraphs that stand at the top level, as they were typed."""
    tokens = _MARKDOWN.parse(body)
    for before, token in pairwise(tokens):
        if before.type == "paragraph_open" and before.level == 0 and token.type == "inline":
            code = _code_lines(token)
            for number, line in enumerate(token.content.split("\n")):
                if number not in code:
                    yield line


def _code_lines(inline: Token) -> frozenset[int]:
    """Lines that a code span begun further up reaches into."""
    inside: set[int] = set()
    at = 0
    for child in inline.children or ():
        if child.type in ("softbreak", "hardbreak"):
            at += 1
        elif child.type in ("code_inline", "html_inline"):
            # A line break within a code span has become a blank; the source tells how many.
            breaks = _breaks_in_span(inline.content, child, at)
            inside.update(range(at + 1, at + breaks + 1))
            at += breaks
    return frozenset(inside)


def _breaks_in_span(content: str, child: Token, line: int) -> int:
    if child.type == "html_inline":
        return child.content.count("\n")
    rest = "\n".join(content.split("\n")[line:])
    words = [re.escape(word) for word in child.content.split(" ")]
    match = re.search(re.escape(child.markup) + r"[ \n]?" + r"[ \n]".join(words), rest)
    return match[0].count("\n") if match else 0


Role = Literal["none", "read", "triage", "write", "maintain", "admin"]
_RANKS: tuple[str, ...] = ("none", "read", "triage", "write", "maintain", "admin")

_LEAST: dict[Verb, Role] = {
    Verb.REVIEW: "triage",
    Verb.FULL: "write",
    Verb.IGNORE: "write",
    Verb.FALSE_POSITIVE: "write",
    Verb.UNIGNORE: "write",
    Verb.PAUSE: "write",
    Verb.RESUME: "write",
    Verb.EXPLAIN: "none",
    Verb.PATCH: "write",
    Verb.FIX: "write",
    Verb.CONFIG: "write",
    Verb.HELP: "write",
}
"""The role that a command needs of somebody who is not the author of the pull request."""

_AUTHORS = frozenset({Verb.REVIEW, Verb.PAUSE, Verb.RESUME, Verb.PATCH, Verb.CONFIG, Verb.HELP})
"""What the author of the pull request may have without any role."""

DISMISSING = frozenset({Verb.IGNORE, Verb.FALSE_POSITIVE, Verb.UNIGNORE})


def is_authors(verb: Verb, *, authors_may_ignore: bool) -> bool:
    """Whether the author of the pull request needs no role for this."""
    return verb in _AUTHORS or (authors_may_ignore and verb in DISMISSING)


def may(verb: Verb, role: str) -> bool:
    """Whether somebody with this role in the repository may use the command.

    A role that we do not know, such as one that an organisation made up, counts as `read`.
    """
    rank = _RANKS.index(role) if role in _RANKS else _RANKS.index("read")
    return rank >= _RANKS.index(_LEAST[verb])


def needs_role(verb: Verb) -> bool:
    """Whether GitHub has to be asked for the role of somebody who is not the author."""
    return _LEAST[verb] != "none"


def refusal(verb: Verb) -> str:
    """Why somebody may not have it, in one sentence."""
    least = _LEAST[verb]
    who = f"someone with the {least} role or more"
    if verb in _AUTHORS:
        who = f"the author of the pull request, or {who},"
    return f"Only {who} can ask for `/stet {verb.value}`."


HELP = """Commands, each on a line of its own:

- `/stet review`: review the newest commit again; says only what is not said yet
- `/stet review full`: the same, and brings comments on old lines to where the code is now
- `/stet ignore [RULE] reason`: in a thread of Stet's, that finding; elsewhere, that rule in this pull request
- `/stet fp [RULE] reason`: the same, and counts as a mistake of the rule
- `/stet unignore [RULE]`: takes either back
- `/stet pause`, `/stet resume`: no comments here; the check goes on
- `/stet explain RULE`: why a rule is one, with examples
- `/stet patch`: all fixes as one patch
- `/stet fix [RULE]`: commits the safe fixes, where Stet may write
- `/stet config`: the configuration that holds here
- `/stet help`: this list

To silence a finding in the code: `# stet: ignore[CODE] reason`."""

UNKNOWN = f"Stet does not know this command. {HELP}"
