"""Words of strangers made safe to look at: characters that hide or reorder are shown."""

from __future__ import annotations

import unicodedata

from markupsafe import Markup, escape

# Right-to-left letters are fine; marks that turn the direction of their neighbours are not.
_HIDING = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
_HARMLESS = frozenset("\t\n\u00ad\u200d")


def is_hidden(char: str) -> bool:
    """Whether a reader would not see that the character is there."""
    return char not in _HARMLESS and unicodedata.category(char) in _HIDING


def spelled(text: str) -> str:
    """The text with each hidden character as its code point: for titles and labels."""
    if text.isprintable():
        return text
    return "".join(f"U+{ord(char):04X}" if is_hidden(char) else char for char in text)


def visible(text: str) -> Markup:
    """The text as HTML, each hidden character as its code point in a box."""
    if text.isprintable():
        return escape(text)
    return Markup("").join(_box(char) if is_hidden(char) else escape(char) for char in text)


def _box(char: str) -> Markup:
    name = unicodedata.name(char, "control character")
    form = Markup('<span class="hidden-character" title="{}">U+{:04X}</span>')
    return form.format(name, ord(char))


def visible_line(text: str, most: int = 2000) -> Markup:
    """One line of code; what is too long for a page is counted instead of shown."""
    text = text.removesuffix("\r")
    if len(text) <= most:
        return visible(text)
    rest = Markup(' <span class="cut">… {} more characters</span>').format(len(text) - most)
    return visible(text[:most]) + rest
