"""Bodies of comments as HTML: GitHub's Markdown, nothing trusted, nothing loaded."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markupsafe import Markup

from sandbox.pages.highlight import highlighted_block
from sandbox.pages.sanitize import sanitized

# Markdown replaces NUL, so no body can write one of these places.
_PLACE = re.compile("\0([cs])(\\d+)\0")
_TASK = re.compile(r"\[([ xX])\][ \t]+")
_BOX = Markup('<input type="checkbox" disabled{} aria-label="{}">')


@dataclass(frozen=True)
class Body:
    """A rendered body; a number stands for the suggestion block of that number."""

    pieces: tuple[Markup | int, ...]
    suggestions: tuple[tuple[str, ...], ...]

    def html(self, show: Callable[[int], Markup]) -> Markup:
        """The whole, given how a suggestion block is shown."""
        shown = (show(one) if isinstance(one, int) else one for one in self.pieces)
        return Markup("").join(shown)

    def plain_html(self) -> Markup:
        """The whole where suggestions cannot be applied: they are code."""
        return self.html(lambda number: _code("\n".join(self.suggestions[number]), ""))


@lru_cache(maxsize=2048)
def rendered(text: str, *, breaks: bool = True) -> Body:
    """The Markdown as HTML. `breaks`: a line end in the source is one on the page (comments)."""
    blocks: list[Markup] = []
    suggestions: list[tuple[str, ...]] = []
    environment: dict[str, Any] = {"blocks": blocks, "suggestions": suggestions}
    html = str(sanitized(_parser(breaks=breaks).render(text, environment)))
    pieces: list[Markup | int] = []
    end = 0
    for place in _PLACE.finditer(html):
        pieces.append(Markup(html[end : place.start()]))  # noqa: S704 - sanitised
        number = int(place[2])
        pieces.append(blocks[number] if place[1] == "c" else number)
        end = place.end()
    pieces.append(Markup(html[end:]))  # noqa: S704 - sanitised
    return Body(tuple(pieces), tuple(suggestions))


def suggestions_in(text: str) -> tuple[tuple[str, ...], ...]:
    """The lines of each suggestion block, in the order of the body."""
    return rendered(text).suggestions


@lru_cache(maxsize=2)
def _parser(*, breaks: bool) -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True, "breaks": breaks})
    parser.enable(["table", "strikethrough"])
    parser.core.ruler.push("tasks", _mark_tasks)
    parser.add_render_rule("fence", _render_code)
    parser.add_render_rule("code_block", _render_code)
    parser.add_render_rule("task", _render_task)
    return parser


def _render_code(
    _renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    _options: Any,
    environment: dict[str, Any],
) -> str:
    token = tokens[index]
    language = token.info.split()[0] if token.info.strip() else ""
    if language == "suggestion":
        lines = token.content.split("\n")[:-1]
        environment["suggestions"].append(tuple(lines))
        return f"\0s{len(environment['suggestions']) - 1}\0"
    return _keep(_code(token.content, language), environment)


def _code(text: str, language: str) -> Markup:
    # Code may be wider than the page: its box scrolls, with the keyboard too.
    frame = Markup('<pre class="code" tabindex="0" role="region" aria-label="Code">{}</pre>')
    return frame.format(Markup("<code>{}</code>").format(highlighted_block(text, language)))


def _render_task(
    _renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    _options: Any,
    environment: dict[str, Any],
) -> str:
    done = tokens[index].content == "x"
    box = _BOX.format(Markup(" checked") if done else "", "done" if done else "to do")
    return _keep(box, environment)


def _keep(block: Markup, environment: dict[str, Any]) -> str:
    environment["blocks"].append(block)
    return f"\0c{len(environment['blocks']) - 1}\0"


def _mark_tasks(state: StateCore) -> None:
    """`- [x] text` becomes an item with a box."""
    tokens = state.tokens
    for number, token in enumerate(tokens):
        if token.type != "inline" or number < 2 or tokens[number - 2].type != "list_item_open":
            continue
        first = token.children[0] if token.children else None
        match = _TASK.match(first.content) if first and first.type == "text" else None
        if first and match and token.children is not None:
            first.content = first.content[match.end() :]
            box = Token("task", "", 0, content=match[1].lower().strip())
            token.children.insert(0, box)
