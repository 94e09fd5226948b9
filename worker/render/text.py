"""Words that come from somebody else's code, made harmless, and text made to fit."""

from __future__ import annotations

import re
import unicodedata

_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_SPECIAL = re.compile(r"[\\`*_\[\]~|!]")
_BREAK = "\u200b"
# What GitHub or another bot would act on: mentions, references, links, closing keywords.
_LIVE = re.compile(r"(@|#|GH-|https?(?=:)|www(?=\.))", re.IGNORECASE)
_LINE_START = re.compile(r"^(?=[/+=-]|\d+[.)])")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})(.*)$")
_KEPT_CONTROLS = "\t\n"


def clean(text: str) -> str:
    """Without characters that hide or reorder others: they are shown as escapes instead."""
    if text.isprintable():
        return text
    return "".join(each if _is_plain(each) else _escape(each) for each in text)


def _is_plain(char: str) -> bool:
    return char in _KEPT_CONTROLS or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co")


def _escape(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def one_line(text: str) -> str:
    """Cleaned, and any run of white space is one blank."""
    return " ".join(clean(text.replace("\r", "\n")).split())


def code(text: str) -> str:
    """A code span that holds any text, on one line."""
    text = one_line(text)
    if not text:
        return "` `"
    fence = "`" * (_longest_run(text) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)


def fence_for(text: str) -> str:
    """A fence that the text cannot close."""
    return "`" * max(3, _longest_run(text) + 1)


def prose(text: str, most: int = 500) -> str:
    """One line of Markdown from a sentence that may quote names out of somebody's code.

    Its code spans stay code spans; everything else is text: no HTML, mentions, references,
    links or emphasis, and no other bot's command at the start of the line.
    """
    text = one_line(text)
    text = text if len(text) <= most else text[: most - 1].rstrip() + "…"
    pieces, at = [], 0
    for span in _CODE_SPAN.finditer(text):
        pieces += [_plain(text[at : span.start()]), code(span[2])]
        at = span.end()
    pieces.append(_plain(text[at:]))
    return _LINE_START.sub(_BREAK, "".join(pieces))


def _plain(text: str) -> str:
    text = _SPECIAL.sub(r"\\\g<0>", text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _LIVE.sub(rf"\g<0>{_BREAK}", text)


def fit(text: str, most_bytes: int, note: str = "… cut here: too long for GitHub") -> str:
    """The text, or as many of its lines as fit, with open fences and folds closed."""
    if len(text.encode()) <= most_bytes:
        return text
    kept: list[str] = []
    used = len(note.encode()) + 2
    state = _Open()
    for line in text.split("\n"):
        ahead = state.after(line)
        cost = len(line.encode()) + 1
        if used + cost + ahead.closing_bytes > most_bytes:
            break
        used += cost
        state = ahead
        kept.append(line)
    return "\n".join([*kept, *state.closing(), "", note])[:most_bytes]


class _Open:
    """Fences and folds that stand open after some lines."""

    def __init__(self, fence: str = "", folds: int = 0) -> None:
        self._fence = fence
        self._folds = folds

    def after(self, line: str) -> _Open:
        match = _FENCE.match(line)
        if self._fence:
            closes = match and match[1].startswith(self._fence) and not match[2].strip()
            return _Open("", self._folds) if closes else self
        if match:
            return _Open(match[1], self._folds)
        opened = line.count("<details>") - line.count("</details>")
        return _Open("", max(0, self._folds + opened)) if opened else self

    def closing(self) -> list[str]:
        return [*([self._fence] if self._fence else []), *["</details>"] * self._folds]

    @property
    def closing_bytes(self) -> int:
        return sum(len(line) + 1 for line in self.closing())
