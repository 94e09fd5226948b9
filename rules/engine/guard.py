"""Cheap tests on a file before anything parses it.

LibCST's native parser can neither be interrupted nor survived when a file is made to break
it: it crashes on deep brackets, takes cubic time on long chains of operators and exponential
time on nested patterns. What these tests let through costs seconds at most, so that the
limits on the child process are a second fence and not the first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress

from rules.engine.encodings import read_python
from rules.engine.skeleton import skeleton

MAX_BYTES = 512 * 1024
MAX_TOKENS = 150_000
MAX_DEPTH = 40
MAX_CHAIN = 300
MAX_ELIFS = 300
MAX_PATTERN_DEPTH = 8
MAX_TARGET_DEPTH = 12

# What all patterns of a file may cost together, a pattern of depth n costing 4 to the power n.
_PATTERN_BUDGET = 2 * 4**MAX_PATTERN_DEPTH
_FEW_BYTES = 100_000

_NO_BRACKETS = bytes(set(range(256)) - set(b"()[]{}\n"))
_BRACKET_OR_END = re.compile(r"[()\[\]{}\n;]")
_TOKEN = re.compile(r"\w+|[^\w\s]")
_PATTERN = re.compile(r"^[ \t\f]*+case\b", re.MULTILINE)
_TARGETS = re.compile(r"del[ \t]*+[(\[]")  # starts with plain letters, to be found fast
_ELIF = re.compile(r"^([ \t\f]*+)(?:(elif\b)|(?=[^\s]))", re.MULTILINE)
# Words that no expression holds: whatever the parser was in the middle of ends there.
_STOP = (
    "assert|break|class|continue|def|del|except|finally|global|import|nonlocal|pass|raise|return"
    "|try|while|with"
)
_WORDS = ("and", "or", "not", "if", "await", "in", "is", "lambda")
_NO_SIGNS = bytes(set(range(256)) - set(b'-+*/%@|&^~.<>=!([{"'))
_LINK = re.compile(
    rf"(?P<open>[(\[{{])|(?P<close>[)\]}}])|(?P<comma>,)|(?P<colon>:)|\b(?P<stop>{_STOP})\b"
    r"|(?P<lambda>\blambda\b)|\b(?:and|or|not|if|await|in|is)\b|\*\*|//|<<|>>|[<>=!]="
    r'|[-+*/%@|&^~.<>]|""'
)


def reason_to_skip(data: bytes) -> str | None:
    """Why a file must not be given to a parser, in words for its author; None if it may."""
    if len(data) > MAX_BYTES:
        return f"larger than {MAX_BYTES // 1024} kB"
    if b"\0" in data:
        return "holds NUL bytes"
    read = read_python(data)
    if read is None:
        return "its encoding cannot be read"
    code = skeleton(read.text)
    if len(data) > _FEW_BYTES and _tokens(code) > MAX_TOKENS:
        return f"more than {MAX_TOKENS:,} names, numbers and signs"
    if _is_flat(code):
        return _too_many_elifs(code) or _too_patterned(code)
    return _too_deep_or_chained(code) or _too_many_elifs(code) or _too_patterned(code)


def _tokens(code: str) -> int:
    """How many names, numbers and signs there are, or more where there are few."""
    most = len(code) - code.count(" ") - code.count("\n")
    return most if most <= MAX_TOKENS else sum(1 for _ in _TOKEN.finditer(code))


def _is_flat(code: str) -> bool:
    """A quick look that clears most files: true only if `_too_deep_or_chained` finds nothing.

    Brackets that close on their own line are taken out, the innermost first; what is left
    tells which lines make up one statement.
    """
    brackets = code.encode("utf-8", "surrogatepass").translate(None, _NO_BRACKETS)
    inner = 0
    while inner <= MAX_DEPTH:  # deeper ones are read in another way, and would be taken out forever
        left = brackets.replace(b"()", b"").replace(b"[]", b"").replace(b"{}", b"")
        if len(left) == len(brackets):
            break
        inner += 3  # one pass takes out three levels at most
        brackets = left
    if inner > MAX_DEPTH:
        return False
    lines = code.split("\n")
    longest = max(map(len, lines))
    if longest > MAX_CHAIN and any(len(each) > MAX_CHAIN and _chained(each) for each in lines):
        return False
    return _is_flat_across(lines, brackets.split(b"\n"), MAX_DEPTH - inner)


def _is_flat_across(lines: Sequence[str], shapes: Sequence[bytes], most: int) -> bool:
    """The same of statements of several lines, whose brackets may nest `most` deep."""
    depth = first = 0
    for number in compress(range(len(shapes)), shapes):
        turn = _turn_of(shapes[number])
        if depth + turn.highest > most:
            return False
        before, depth = depth, turn.after(depth)
        if not before:
            first = number
        if not depth and _is_chain(lines[first : number + 1]):
            return False
    return not depth or not _is_chain(lines[first:])


def _is_chain(lines: Sequence[str]) -> bool:
    return sum(map(len, lines)) + len(lines) > MAX_CHAIN and _chained("\n".join(lines))


def _too_deep_or_chained(code: str) -> str | None:
    """Line by line, by the brackets of each line, of which few different ones exist."""
    brackets = code.encode("utf-8", "surrogatepass").translate(None, _NO_BRACKETS).split(b"\n")
    depth = start = at = 0
    for shape, line in zip(brackets, code.split("\n"), strict=True):
        at += len(line) + 1
        if shape:
            turn = _turn_of(shape)
            if depth + turn.highest > MAX_DEPTH:
                return f"brackets nested deeper than {MAX_DEPTH}"
            depth = turn.after(depth)
        if not depth:
            if at - start > MAX_CHAIN and _chained(code[start:at]):
                return _CHAINED
            start = at
    return _CHAINED if at - start > MAX_CHAIN and _chained(code[start:]) else None


@dataclass(frozen=True, slots=True)
class _Turn:
    """How the depth of brackets moves over a line: where it ends, and its extremes on the way."""

    end: int
    lowest: int
    highest: int

    @classmethod
    def of(cls, brackets: bytes) -> _Turn:
        depth = lowest = highest = 0
        for sign in brackets:
            depth += 1 if sign in b"([{" else -1
            lowest, highest = min(lowest, depth), max(highest, depth - lowest)
        return cls(depth, lowest, highest)

    def after(self, depth: int) -> int:
        """The depth behind the line. A closing bracket too many closes nothing."""
        return depth + self.end if depth + self.lowest >= 0 else self.end - self.lowest


@lru_cache(maxsize=1024)
def _turn_of(brackets: bytes) -> _Turn:
    return _Turn.of(brackets)


_CHAINED = f"an expression or chain of more than {MAX_CHAIN} operators"


def _chained(statement: str) -> bool:
    """Whether a tree of this statement could be higher than the longest chain allowed.

    What stands between two commas of one pair of brackets counts, and what stands around
    these brackets. A comma does not end a `lambda` whose parameters it separates.
    """
    signs = len(statement.encode("utf-8", "surrogatepass").translate(None, _NO_SIGNS))
    if signs + sum(statement.count(word) for word in _WORDS) <= MAX_CHAIN:
        return False
    counts, parameters, height = [0], [0], 0
    for match in _LINK.finditer(statement):
        kind = match.lastgroup
        if kind == "close":
            if len(counts) > 1:
                height -= counts.pop()
                parameters.pop()
        elif kind == "stop":
            counts, parameters, height = [0], [0], 0
        elif kind == "comma":
            if not parameters[-1]:
                height -= counts[-1]
                counts[-1] = 0
        elif kind == "colon":
            parameters[-1] = max(0, parameters[-1] - 1)
        else:
            counts[-1] += 1
            height += 1
            if kind == "open":
                counts.append(0)
                parameters.append(0)
            elif kind == "lambda":
                parameters[-1] += 1
        if height > MAX_CHAIN:
            return True
    return False


def _too_many_elifs(code: str) -> str | None:
    if code.count("elif") <= MAX_ELIFS:
        return None
    runs: dict[str, int] = {}
    for match in _ELIF.finditer(code):
        indent, is_elif = match[1], match[2] is not None
        runs = {k: count for k, count in runs.items() if len(k) < len(indent)} | {
            indent: runs.get(indent, 0) + 1 if is_elif else 0
        }
        if runs[indent] > MAX_ELIFS:
            return f"more than {MAX_ELIFS} branches of one `if`"
    return None


def _too_patterned(code: str) -> str | None:
    cost = 0
    for match in _PATTERN.finditer(code) if "case" in code else ():
        depth = _depth_at(code, match.end(), MAX_PATTERN_DEPTH)
        cost += 4**depth
        if depth > MAX_PATTERN_DEPTH or cost > _PATTERN_BUDGET:
            return "patterns of `match` nested too deeply"
    for match in _TARGETS.finditer(code):
        is_word = not match.start() or not code[match.start() - 1].isalnum()
        if is_word and _depth_at(code, match.end() - 1, MAX_TARGET_DEPTH) > MAX_TARGET_DEPTH:
            return f"targets of `del` nested deeper than {MAX_TARGET_DEPTH}"
    return None


def _depth_at(code: str, start: int, most: int) -> int:
    """How deep brackets nest in the rest of the statement; no further than one beyond `most`."""
    depth = deepest = 0
    for match in _BRACKET_OR_END.finditer(code, start):
        sign = match[0]
        if sign in "([{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > most:
                break
        elif sign in ")]}":
            depth -= 1
        if depth < 0 or (not depth and sign in "\n;"):
            break
    return deepest
