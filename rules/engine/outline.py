"""A file of tests without what its tests do: a parser then has a third of it to read.

Tests are most of a large project, and nothing that spans the project is read from their
statements. Every line keeps its number, and every test the line it ends on.
"""

from __future__ import annotations

import re

_TEST = re.compile(
    rb"^([ \t]*)(?:async[ \t]+)?def[ \t]+test\w*\("
    rb"(?:[^\n]*|[ \t]*\n(?:\1[ \t]+\S[^\n]*\n)+\1\)[^\n]*):[ \t]*\n"
    rb"((?:\1[ \t]+\S[^\n]*\n|[ \t]*\n)+)",
    re.MULTILINE,
)
_LONG_QUOTES = (b'"""', b"'''")


def without_tests(data: bytes) -> bytes | None:
    """The file with `pass` for the body of each test that is easy to read.

    None where nothing is gained, or where a string may hold what looks like a test.
    """
    if b"def test" not in data or b"\r" in data:
        return None
    kept: list[bytes] = []
    done = 0
    for match in _TEST.finditer(data):
        start, end = match.span(2)
        body = data[start:end]
        if _is_in_string(data[done:start]) or _is_in_string(body):
            return None
        kept.append(data[done:start])
        kept.append(body if _is_odd(body) else _blank(body, match[1]))
        done = end
    if not kept or _is_in_string(data[done:]):
        return None
    return b"".join([*kept, data[done:]])


def _is_in_string(part: bytes) -> bool:
    """Whether a string may be open at the end of a part, if none is at its beginning."""
    return any(part.count(each) % 2 for each in _LONG_QUOTES)


def _is_odd(body: bytes) -> bool:
    return b"\\\n" in body or any(each in body for each in _LONG_QUOTES)


def _blank(body: bytes, indent: bytes) -> bytes:
    """As many lines, and a statement on the last that holds code."""
    lines = body.split(b"\n")
    last = next(
        (n for n in range(len(lines) - 1, -1, -1) if _is_code(lines[n])),
        None,
    )
    if last is None:
        return body
    return b"\n" * last + indent + b" pass" + b"\n" * (len(lines) - 1 - last)


def _is_code(line: bytes) -> bool:
    words = line.strip()
    return bool(words) and not words.startswith(b"#")
