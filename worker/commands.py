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
    verb = next((each for each in Verb if each.value == word), None)
    return Command(verb, rest.strip()[:_MOST_ARGUMENT])


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

_LEAST: dict[Verb, Role] = {Verb.REVIEW: "triage", Verb.HELP: "none"}
"""The role that a command needs of somebody who is not the author of the pull request."""


def may(verb: Verb, role: str, *, is_author: bool) -> bool:
    """Whether somebody with this role in the repository may use the command.

    A role that we do not know, such as one that an organisation made up, counts as `read`.
    """
    if is_author or _LEAST[verb] == "none":
        return True
    rank = _RANKS.index(role) if role in _RANKS else _RANKS.index("read")
    return rank >= _RANKS.index(_LEAST[verb])


def needs_role(verb: Verb, *, is_author: bool) -> bool:
    """Whether GitHub has to be asked for the role at all."""
    return not is_author and _LEAST[verb] != "none"


HELP = """Commands, each on a line of its own:

- `/stet review`: review the newest commit again; says only what is not said yet
- `/stet help`: this list

To silence a finding in the code: `# stet: ignore[CODE] reason`. To dismiss one in this pull request: resolve its thread."""

UNKNOWN = f"Stet does not know this command. {HELP}"
NOT_ALLOWED = "Only the author of the pull request, or someone with the triage role or more, can ask for this."
