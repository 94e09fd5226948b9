"""An allow-list over HTML that strangers wrote: parsed and written anew, never passed through."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from types import MappingProxyType

from markupsafe import Markup, escape

from sandbox.pages.plain import visible

_VOID = frozenset({"br", "hr"})
_TABLE = frozenset({"table", "thead", "tbody", "tr", "th", "td"})
_PLAIN = frozenset(
    {"p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre"}
    | {"code", "em", "strong", "b", "i", "s", "del", "ins", "sub", "sup", "kbd", "a"}
    | {"details", "summary", "dl", "dt", "dd"}
)
_ALLOWED = _PLAIN | _TABLE
# Their content is no text for a reader.
_DROPPED = frozenset({"script", "style", "template", "noscript", "title", "textarea", "iframe"})
_ATTRIBUTES: Mapping[str, Mapping[str, re.Pattern[str]]] = MappingProxyType(
    {
        "a": {"href": re.compile(r"(https?://|mailto:|#|/(?![/\\]))[^\x00-\x20]*", re.IGNORECASE)},
        "details": {"open": re.compile(r"")},
        "ol": {"start": re.compile(r"\d{1,9}")},
        "th": {"style": re.compile(r"text-align:(left|right|center)")},
        "td": {"style": re.compile(r"text-align:(left|right|center)")},
    }
)


def sanitized(html: str) -> Markup:
    """The HTML with allowed elements alone, all closed; a picture becomes a link to it."""
    writer = _Writer()
    writer.feed(html)
    writer.close()
    return writer.result()


class _Writer(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._pieces: list[str] = []
        self._open: list[str] = []
        self._dropping: str | None = None

    def result(self) -> Markup:
        return Markup("".join([*self._pieces, *(f"</{tag}>" for tag in reversed(self._open))]))  # noqa: S704 - every piece is written here

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._dropping:
            return
        if tag in _DROPPED:
            self._dropping = tag
        elif tag == "img":
            self._picture(dict(attrs))
        elif tag in _ALLOWED and self._may_stand(tag):
            self._pieces.append(f"<{tag}{_attributes(tag, attrs)}>")
            if tag not in _VOID:
                self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID or tag == "img":
            self.handle_starttag(tag, attrs)

    def _may_stand(self, tag: str) -> bool:
        """Cells only inside a table: elsewhere a browser would take our page apart."""
        if tag not in _TABLE or tag == "table":
            return True
        return "table" in self._open

    def handle_endtag(self, tag: str) -> None:
        if self._dropping:
            if tag == self._dropping:
                self._dropping = None
            return
        if tag not in self._open:
            return
        while self._open:
            last = self._open.pop()
            self._pieces.append(f"</{last}>")
            if last == tag:
                return

    def handle_data(self, data: str) -> None:
        if not self._dropping:
            self._pieces.append(_text(data))

    def _picture(self, attributes: dict[str, str | None]) -> None:
        """Nothing from outside is loaded; a reader may still follow the address."""
        label = _text(f"picture: {attributes.get('alt') or 'without words'}")
        target = _attributes("a", [("href", attributes.get("src"))])
        self._pieces.append(
            f"<a{target}>{label}</a>" if target and "a" not in self._open else label
        )


def _text(data: str) -> str:
    """NUL bounds the places that the renderer fills in; it cannot come from a body."""
    return "\0".join(str(visible(part)) for part in data.split("\0"))


def _attributes(tag: str, given: list[tuple[str, str | None]]) -> str:
    allowed = _ATTRIBUTES.get(tag, {})
    kept = {
        name: value or ""
        for name, value in given
        if name in allowed and allowed[name].fullmatch(value or "")
    }
    if tag in ("td", "th") and "style" in kept:
        kept = {"class": "to-" + kept["style"].partition(":")[2]}
    if tag == "a" and kept:
        kept["rel"] = "nofollow noopener noreferrer"
    return "".join(f' {name}="{escape(value)}"' for name, value in kept.items())
