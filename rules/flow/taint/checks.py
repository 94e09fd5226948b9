"""What conditions say of data: allow-lists, forms, folders, hosts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.flow.domain import Call
from rules.flow.taint.marks import FAMILIES, RESOLVED, Mark, Pattern
from rules.flow.values import Const, Marks

STRICT_TESTS = frozenset(
    {"isdigit", "isdecimal", "isnumeric", "isalnum", "isalpha", "isidentifier"}
)
_HOST_TESTS = re.compile(
    r"(url_has_allowed_host_and_scheme|(is_)?(safe|allowed|valid|local|internal|trusted)_(redirect|url|next|target|host|uri|domain)\w{0,60}"
    r"|(redirect|url|next|target|host|uri)_is_(safe|allowed|valid|local)|is_(url|redirect)_(safe|allowed|valid)|same_origin|same_host)$"
)
_ANY_TEST = re.compile(
    r"(^|_)(is_)?(safe|valid|allowed|permitted|trusted|whitelisted|allowlisted|verify|validate|check)(_|$|\w)"
)
MATCHES = frozenset({"match", "fullmatch", "search"})
_WITHOUT: tuple[tuple[str, frozenset[str]], ...] = (
    ("'", frozenset({"xpath"})),
    ("<", frozenset({"html"})),
    ("\n", frozenset({"header", "log"})),
    ("\r", frozenset({"header", "log"})),
    ("\r\n", frozenset({"header", "log"})),
    ("..", frozenset({"path"})),
    ("../", frozenset({"path"})),
    ("/", frozenset({"path"})),
    ("://", frozenset({"redirect"})),
    ("(", frozenset({"ldap"})),
    ("*", frozenset({"ldap"})),
)
HARMLESS = frozenset("_-. ,")
_REMOVED = re.compile(r"^\[\^(?P<kept>(?:\\.|[^\]\\])+)\]\+?")
_LOOSE = re.compile(r"(?<!\\)\.[*+]|\[\^|\\[SWD]")


def families_without(text: str) -> frozenset[str]:
    """What data is safe for that does not hold this text."""
    found: frozenset[str] = frozenset()
    for sign, families in _WITHOUT:
        if text == sign:
            found = found | families
    return found


def families_after_removal(pattern: str) -> frozenset[str]:
    """What data is safe for from which `re.sub` took all that the pattern matches."""
    match = _REMOVED.fullmatch(pattern)
    if match is None:
        return families_without(pattern) if len(pattern) <= 2 else frozenset()
    kept = match["kept"]
    risky = set(re.sub(r"\\[wd]|[a-zA-Z0-9]-[a-zA-Z0-9]|\w", "", kept)) - set("_-. \\,")
    if not risky:
        return FAMILIES
    return FAMILIES - {"path", "redirect", "host"} if risky <= set("/:@+") else frozenset()


def assumed(
    call: Call, owner: Marks, given: Marks, *, outcome: bool
) -> Iterator[tuple[Marks, frozenset[str]]]:
    """Which marks are safe for what where a call came out true, or false."""
    method, name = call.method, call.name
    if not outcome:
        if method == "startswith" and call.constant(0) == "//":
            yield owner, frozenset({"redirect"})
        elif method == "is_absolute":
            yield owner, frozenset()
        return
    if method in STRICT_TESTS and owner:
        yield owner, FAMILIES
    elif method in ("startswith", "endswith") and call.constant(0) in ("'", '"'):
        yield owner, frozenset({f"{method} quote"})
    elif method in MATCHES:
        yield from _matched(call, given)
    elif method == "startswith" and owner:
        yield from _started(call, owner)
    elif method == "is_relative_to":
        yield owner, frozenset({"path"})
    elif name == "builtins.isinstance" and _is_number(call):
        yield given, FAMILIES
    elif _HOST_TESTS.search(method):
        yield given, frozenset({"redirect", "host"})
    elif _ANY_TEST.search(method) and given:
        yield given, frozenset({"unsure"})


def _is_number(call: Call) -> bool:
    kind = call.argument(1)
    return getattr(kind, "name", "") in {
        "builtins.int",
        "builtins.float",
        "uuid.UUID",
        "builtins.bool",
    }


def _started(call: Call, owner: Marks) -> Iterator[tuple[Marks, frozenset[str]]]:
    start = call.argument(0)
    if start is None or start.marks:
        return
    resolved = frozenset(
        each for each in owner if isinstance(each, Mark) and RESOLVED in each.cleared
    )
    if resolved:
        yield resolved, frozenset({"path"})
    if isinstance(start, Const) and isinstance(start.value, str):
        if re.match(r"https?://[^/]+/", start.value):
            yield owner, frozenset({"redirect", "host"})
        elif re.match(r"/\w", start.value):
            yield owner, frozenset({"redirect"})
    elif not resolved:
        yield owner, frozenset({"redirect", "host"})


def _matched(call: Call, given: Marks) -> Iterator[tuple[Marks, frozenset[str]]]:
    if isinstance(call.owner, Pattern):
        pattern: object = call.owner.text
    elif call.name in {f"re.{call.method}", f"regex.{call.method}"}:
        first = call.argument(0, "pattern")
        pattern = first.text if isinstance(first, Pattern) else call.constant(0, "pattern")
    else:
        return
    if not isinstance(pattern, str) or not pattern:
        yield given, frozenset({"unsure"})
    elif is_strict(pattern, call.method):
        yield given, FAMILIES


def is_strict(pattern: str, method: str) -> bool:
    """Whether a match means that the whole text has a form with no room for anything."""
    bare = re.sub(r"^\(\?[a-z]+\)", "", pattern)
    ends = bare.endswith(("$", r"\Z", r"\z"))
    if method == "match" and not ends:
        return False
    if method == "search" and not (ends and bare.startswith(("^", r"\A"))):
        return False
    return not _LOOSE.search(bare)
