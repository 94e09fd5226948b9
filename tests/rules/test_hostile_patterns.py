"""No regular expression of ours takes more than linear time, whatever it is given."""

from __future__ import annotations

import importlib
import pkgutil
import re
import signal
from collections.abc import Iterator
from itertools import product
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from types import ModuleType
from typing import Any

import pytest

import rules

# A pattern of quadratic time takes seconds for this many characters, a linear one milliseconds.
LENGTH = 20_000
SECONDS = 0.5  # of this process


# These read nothing but our own pages.
OURS = ("rules.engine.docs", "rules.engine.pages", "rules.engine.scaffold", "rules.kit.examples")


def modules() -> Iterator[ModuleType]:
    for info in pkgutil.walk_packages(rules.__path__, "rules."):
        if not info.name.startswith(OURS):
            yield importlib.import_module(info.name)


def patterns_in(value: object) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        for each in (*value.keys(), *value.values()):
            yield from patterns_in(each)
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from patterns_in(each)


def every_pattern() -> dict[str, re.Pattern[Any]]:
    found: dict[str, re.Pattern[Any]] = {}
    for module in modules():
        for name, value in vars(module).items():
            for number, pattern in enumerate(patterns_in(value)):
                found.setdefault(f"{module.__name__}.{name}.{number}", pattern)
    known: dict[re.Pattern[Any], str] = {}
    for name, pattern in found.items():
        known.setdefault(pattern, name)
    return {name: pattern for pattern, name in known.items()}


PATTERNS = every_pattern()


def signs_of(node: Any) -> Iterator[str]:
    """Characters and words that a pattern speaks of, by which it can be led on."""
    word = ""
    for code, given in node:
        if code is codes.LITERAL:
            word += chr(given)
            continue
        if word:
            yield word
            word = ""
        yield from _signs_below(code, given)
    if word:
        yield word


def _signs_below(code: Any, given: Any) -> Iterator[str]:
    if code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
        yield from signs_of(given[2])
    elif code is codes.SUBPATTERN:
        yield from signs_of(given[3])
    elif code is codes.ATOMIC_GROUP:
        yield from signs_of(given)
    elif code is codes.BRANCH:
        for each in given[1]:
            yield from signs_of(each)
    elif code in (codes.ASSERT, codes.ASSERT_NOT):
        yield from signs_of(given[1])
    elif code is codes.NOT_LITERAL:
        yield "x"
    elif code is codes.IN:
        yield from _signs_of_class(given)


def _signs_of_class(given: Any) -> Iterator[str]:
    for kind, value in given:
        if kind is codes.LITERAL:
            yield chr(value)
        elif kind is codes.RANGE:
            yield chr(value[0])
        elif kind is codes.CATEGORY:
            yield {codes.CATEGORY_DIGIT: "0", codes.CATEGORY_SPACE: " "}.get(value, "a")


def hostile_texts(pattern: re.Pattern[Any]) -> Iterator[str]:
    source = (
        pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    )
    signs = list(dict.fromkeys([*signs_of(parser.parse(source, pattern.flags)), "a", " ", "\n"]))[
        :16
    ]
    for one in signs:
        yield one * (LENGTH // len(one)) + "\0"
    for one, other in product(signs[:8], repeat=2):
        if one != other:
            yield (one + other) * (LENGTH // len(one + other)) + "\0"
            yield one + other * (LENGTH // len(other)) + "\0"
    for end in range(1, len(signs)):  # the beginning of a match, and then what leads on
        for other in signs[max(0, end - 2) : end + 3]:
            yield "".join(signs[:end]) + other * (LENGTH // len(other)) + "\0"
    whole = "".join(signs)
    yield whole * (LENGTH // len(whole)) + "\0"


class TooSlowError(Exception):
    pass


def stop(*_: object) -> None:
    raise TooSlowError


@pytest.mark.fault(57)
@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_takes_linear_time(name: str) -> None:
    pattern = PATTERNS[name]
    previous = signal.signal(signal.SIGVTALRM, stop)
    worst = ""
    try:
        for text in hostile_texts(pattern):
            worst = f"{text[:20]!r}, {text[-20:]!r}"
            given: Any = (
                text if isinstance(pattern.pattern, str) else text.encode("latin-1", "replace")
            )
            signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
            for _ in pattern.finditer(given):
                pass
            pattern.fullmatch(given)
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    except TooSlowError:
        pytest.fail(f"{pattern.pattern!r} on {worst}")
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, previous)


def test_the_patterns_are_found() -> None:
    assert len(PATTERNS) > 50
