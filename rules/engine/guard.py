"""Cheap tests on bytes before anything is parsed.

LibCST's native parser can neither be interrupted nor survived when a file is made to break
it: it crashes on deep brackets and takes exponential time on nested patterns.
"""

from __future__ import annotations

import re

MAX_BYTES = 512 * 1024
MAX_DEPTH = 60
MAX_LINE = 100_000
MAX_CHAIN = 800

_LITERALS = re.compile(
    rb"""#[^\n\r]*|[A-Za-z]{0,2}('''(?:\\.|[^\\])*?'''|\"\"\"(?:\\.|[^\\])*?\"\"\""""
    rb"""|'(?:\\.|[^\\'\n])*'|"(?:\\.|[^\\"\n])*")""",
    re.DOTALL,
)
_BRACKET = re.compile(rb"[()\[\]{}]")
_OPERATOR = re.compile(rb"\b(?:and|or|not|if|lambda|await|elif)\b|\*\*|//|<<|>>|[-+*/%@|&^~.]|\)\(")


def reason_to_skip(data: bytes) -> str | None:
    """Why a file must not be given to the parser, in words for its author; None if it may."""
    if len(data) > MAX_BYTES:
        return f"larger than {MAX_BYTES // 1024} kB"
    if b"\0" in data:
        return "holds NUL bytes"
    code = _LITERALS.sub(b'""', data)
    if _too_deep(code):
        return f"brackets nested deeper than {MAX_DEPTH}"
    if _too_chained(code):
        return f"an expression or chain of more than {MAX_CHAIN} operators"
    return None


def _too_deep(code: bytes) -> bool:
    depth = 0
    for match in _BRACKET.finditer(code):
        if match[0] in b"([{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif depth:
            depth -= 1
    return False


def _too_chained(code: bytes) -> bool:
    """Operators of one statement, counted over continued lines."""
    joined = code.replace(b"\\\r\n", b" ").replace(b"\\\n", b" ")
    return any(
        len(line) > MAX_CHAIN and sum(1 for _ in _OPERATOR.finditer(line)) > MAX_CHAIN
        for line in joined.split(b"\n")
    )
