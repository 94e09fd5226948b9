"""The text of a file, and how to write it back so that nothing else changes."""

from __future__ import annotations

import io
import re
from codecs import BOM_UTF8, lookup
from dataclasses import dataclass
from tokenize import detect_encoding

_COOKIE = re.compile(rb"^[ \t\f]*+#.*?coding[:=]")
_NEWLINE = re.compile(r"\r\n?|\n")
_HEAD_BYTES = 1000
_FALLBACK = "latin-1"  # gives every byte back as it was


@dataclass(frozen=True, slots=True)
class Encoded:
    """A text and its encoding; `utf-8-sig` where a byte order mark stands before it."""

    text: str
    encoding: str

    def encode(self, text: str) -> bytes | None:
        """Another text as the bytes of this file; None if its encoding has no such signs."""
        try:
            return text.encode(self.encoding)
        except UnicodeError:
            return None


def read_python(data: bytes) -> Encoded | None:
    """A Python file by its cookie or byte order mark; None if it cannot be read.

    A codec that writes other bytes than it read, such as `unicode_escape`, is no encoding of
    source code: the parser would see brackets that stand nowhere in the file.
    """
    try:
        encoding = _encoding_of(data)
        text = data.decode(encoding)
        same = encoding.startswith("utf-8") or text.encode(encoding) == data
    except (SyntaxError, LookupError, ValueError):
        return None
    return Encoded(text, encoding) if same else None


def read_text(data: bytes) -> Encoded:
    """Any other file: UTF-8, or Latin-1 where it is not."""
    encoding = "utf-8-sig" if data.startswith(BOM_UTF8) else "utf-8"
    try:
        return Encoded(data.decode(encoding), encoding)
    except UnicodeDecodeError:
        return Encoded(data.decode(_FALLBACK), _FALLBACK)


def read_shown(path: str, data: bytes) -> str:
    """The text of any file as well as it can be read."""
    source = read_python(data) if path.endswith((".py", ".pyi")) else None
    return (source or read_text(data)).text


def _encoding_of(data: bytes) -> str:
    head = data[:_HEAD_BYTES].removeprefix(BOM_UTF8).splitlines()[:2]
    if any(_COOKIE.match(line) for line in head):
        encoding, _ = detect_encoding(io.BytesIO(data).readline)
        if not lookup(encoding)._is_text_encoding:  # noqa: SLF001 - as `bytes.decode` asks
            raise LookupError(encoding)
        return encoding
    return "utf-8-sig" if data.startswith(BOM_UTF8) else "utf-8"


def lines_of(text: str) -> list[str]:
    """The lines of a text, without their ends, as Python and LibCST count them."""
    return _NEWLINE.split(text) if "\r" in text else text.split("\n")
