"""What must hold of the engine for any code: places, walks, fingerprints, edits, differences.

The code is that of Python's own library: real, varied, and on every machine.
"""

from __future__ import annotations

import re
import sysconfig
from functools import cache
from pathlib import Path
from random import Random

import libcst as cst
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider
from trees import project_of, snapshot_of

from rules.engine.config import Config, ReviewConfig, RulesConfig
from rules.engine.diff import line_changes
from rules.engine.discover import all_rules
from rules.engine.finding import Finding, TextEdit
from rules.engine.fix import apply
from rules.engine.run import check, review
from rules.kit import Span, children, walk
from rules.kit.positions import positions

SLOW = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
STDLIB = Path(sysconfig.get_paths()["stdlib"])
CODES = frozenset({"ERR101", "QLT101", "CLN111"})
RULES = [each for each in all_rules() if each.code in CODES]
CONFIG = Config(review=ReviewConfig(confidence="all"), rules=RulesConfig(defer_to_linters=False))
PATH = "shop/views.py"


GRAMMAR = """\
from ..a import b as c, d
type Pair[T: int, *U, **V] = dict[T, int]
@deco(1, *a, key=2, **b)
class Shop[T](Base, meta=Meta):
    x: int = 1
    async def f[T](self, a, /, b: int = 1, *c, d, e=2, **g) -> int:
        async with open(a) as b, c: yield await d
        async for i, *j in k: continue
        else: pass
        return [x async for x in y if x if not z], {**a, b: c}, {*d}, (e for e in f)
try:
    with (a as b, c as d): raise E from e
except* (A, B) as group: del x[1:2, ::3], y
else: global g
finally: assert a, b
try: x = y = z[...]
except ValueError as error: x @= -1 if not a or b else 2 ** 3
match point:
    case Point(x=0, y=[1, *rest]) | {"k": v, **other} if rest: pass
    case None | -1 | "a" "b" as text: pass
    case (a, b), _: print(f"{a!r:>{b}} {c=}")
while (n := a < b <= c not in d): break
else: lambda a, *b, c=1, **d: (yield)
"""


@cache
def sources() -> tuple[str, ...]:
    """Modules of the library that are small enough to be walked by LibCST's own, slow means."""
    folders = ("", "asyncio", "email", "http", "json", "logging", "unittest", "xml/dom", "wsgiref")
    paths = sorted(path for each in folders for path in (STDLIB / each).glob("*.py"))
    return tuple(path.read_text("utf-8") for path in paths if 500 <= path.stat().st_size <= 16_000)


@cache
def telling_sources() -> tuple[str, ...]:
    """Those of which the rules have something to say."""
    return tuple(each for each in sources() if found_in(each))


def found_in(text: str, path: str = PATH) -> tuple[Finding, ...]:
    report = check([(path, text.encode())], project_of({path: text}), CONFIG, RULES)
    assert report.crashes == ()
    return report.findings


def code(*, telling: bool = False) -> st.SearchStrategy[str]:
    every = telling_sources() if telling else sources()
    return st.sampled_from(every)


@SLOW
@example(GRAMMAR, "\n")
@given(code(), st.sampled_from(["\n", "\r\n"]))
def test_positions_are_those_of_libcst(text: str, newline: str) -> None:
    module = cst.parse_module(text.replace("\n", newline))
    theirs = MetadataWrapper(module, unsafe_skip_copy=True).resolve(PositionProvider)
    nodes = list(walk(module))
    ours = positions(module, nodes)
    wrong = []
    for node in nodes:
        place = theirs[node]
        assert isinstance(place, CodeRange)
        expected = Span(
            place.start.line, place.start.column + 1, place.end.line, place.end.column + 1
        )
        if ours[id(node)] != expected:
            wrong.append((type(node).__name__, ours[id(node)], expected))
    assert wrong == []


@SLOW
@given(code(), st.randoms(use_true_random=False))
def test_the_place_of_a_node_does_not_depend_on_what_else_is_asked_for(
    text: str, random: Random
) -> None:
    module = cst.parse_module(text)
    nodes = list(walk(module))
    every = positions(module, nodes)
    few = random.sample(nodes, min(5, len(nodes)))
    assert positions(module, few) == {id(each): every[id(each)] for each in few}


TRIVIA = (
    cst.BaseParenthesizableWhitespace,
    cst.TrailingWhitespace,
    cst.EmptyLine,
    cst.Comment,
    cst.Newline,
    cst.Comma,
    cst.Semicolon,
    cst.Colon,
    cst.Dot,
    cst.AssignEqual,
    cst.LeftParen,
    cst.RightParen,
    cst.LeftSquareBracket,
    cst.RightSquareBracket,
    cst.LeftCurlyBrace,
    cst.RightCurlyBrace,
)


@SLOW
@example(GRAMMAR)
@given(code())
def test_the_walk_meets_all_of_a_tree_but_white_space_and_punctuation(text: str) -> None:
    for node in walk(cst.parse_module(text)):
        theirs = [id(each) for each in node.children if not isinstance(each, TRIVIA)]
        ours = [id(each) for each in children(node) if not isinstance(each, TRIVIA)]
        assert ours == theirs, type(node).__name__


def test_the_corpus_gives_each_rule_something_to_say() -> None:
    assert {each.code for text in telling_sources() for each in found_in(text)} == CODES


def introduced(before: str, after: str, path: str = PATH) -> list[Finding]:
    renames = {path: PATH} if path != PATH else None
    cst.parse_module(after)
    return list(review(snapshot_of({PATH: before}, {path: after}, renames), CONFIG, RULES).findings)


def with_lines_between(text: str, lines: list[str], random: Random) -> str:
    """New lines above some of the statements of the module."""
    module = cst.parse_module(text)
    spans = positions(module, module.body)
    starts = [spans[id(each)].line for each in module.body if not _is_decorated(each)]
    old = text.split("\n")
    for at in sorted(random.sample(starts, min(len(lines), len(starts))), reverse=True):
        old.insert(at - 1, random.choice(lines))
    return "\n".join(old)


def _is_decorated(node: cst.CSTNode) -> bool:
    return bool(getattr(node, "decorators", ()))


@SLOW
@given(
    code(telling=True),
    st.lists(st.sampled_from(["", "\n\n", "# A remark."]), min_size=1, max_size=8),
    st.randoms(use_true_random=False),
)
def test_blank_lines_and_comments_introduce_nothing(
    text: str, lines: list[str], random: Random
) -> None:
    assert introduced(text, with_lines_between(text, lines, random)) == []


class _Requote(cst.CSTTransformer):
    def leave_SimpleString(  # noqa: N802 - LibCST names it
        self,
        original_node: cst.SimpleString,  # noqa: ARG002 - as above
        updated_node: cst.SimpleString,
    ) -> cst.SimpleString:
        inner, quote = updated_node.raw_value, updated_node.quote
        if len(quote) != 1 or re.search(r"[\"'\\\n]", inner):
            return updated_node
        other = "'" if quote == '"' else '"'
        return updated_node.with_changes(value=f"{updated_node.prefix}{other}{inner}{other}")

    def visit_FormattedString(self, node: cst.FormattedString) -> bool:  # noqa: N802, ARG002
        return False  # before 3.12 its quotes may not be used inside


@SLOW
@given(code(telling=True))
def test_other_quotes_introduce_nothing(text: str) -> None:
    assert introduced(text, cst.parse_module(text).visit(_Requote()).code) == []


@SLOW
@given(code(telling=True), st.randoms(use_true_random=False))
def test_another_order_of_functions_introduces_nothing(text: str, random: Random) -> None:
    module = cst.parse_module(text)
    kinds = (cst.FunctionDef, cst.ClassDef)
    slots = [at for at, each in enumerate(module.body) if isinstance(each, kinds)]
    names = [n.name.value for n in module.body if isinstance(n, kinds)]
    assume(len(slots) > 1)
    assume(len(set(names)) == len(names))  # of two equal names the later one counts
    body, order = list(module.body), slots[:]
    random.shuffle(order)
    for slot, source in zip(slots, order, strict=True):
        body[slot] = module.body[source]
    assert introduced(text, module.with_changes(body=body).code) == []


@SLOW
@given(code(telling=True))
def test_a_renamed_file_introduces_nothing(text: str) -> None:
    assert introduced(text, text, "shop/pages.py") == []


@SLOW
@given(code(telling=True))
def test_fingerprints_are_unique_within_a_file_and_the_same_each_time(text: str) -> None:
    once = [each.fingerprint for each in found_in(text)]
    assert len(set(once)) == len(once)
    assert [each.fingerprint for each in found_in(text)] == once


@SLOW
@given(code(telling=True))
def test_a_copy_of_a_flagged_function_is_introduced(text: str) -> None:
    bad = "\n\ndef brand_new(a=[]):\n    return a\n"
    new = introduced(text, text.rstrip("\n") + bad)
    assert [each.code for each in new] == ["QLT101"]


@SLOW
@given(code(telling=True))
def test_each_offered_fix_cures_its_finding_and_can_be_applied_once_only(text: str) -> None:
    findings = found_in(text)
    for each in findings[:5]:
        if each.fix is None:
            continue
        patched = apply(text, each.fix.edits)
        assert patched is not None
        left = found_in(patched)
        assert len([one for one in left if one.code == each.code]) < len(
            [one for one in findings if one.code == each.code]
        )
        assert {one.code for one in left} <= {one.code for one in findings}


_BREAK = re.compile(r"\r\n?|\n")
TEXT = st.text(st.sampled_from("ab\n\r\t é\U0001f600"), max_size=60)


def place(text: str, offset: int) -> tuple[int, int]:
    """Line and column of an offset, both 1-based, by counting."""
    ends = [each.end() for each in _BREAK.finditer(text) if each.end() <= offset]
    return len(ends) + 1, offset - (ends[-1] if ends else 0) + 1


def edit(text: str, start: int, end: int, new: str) -> TextEdit:
    return TextEdit(PATH, Span(*place(text, start), *place(text, end)), new)


def reachable(text: str) -> list[int]:
    """Offsets that have a line and a column: not the middle of a CRLF."""
    return [at for at in range(len(text) + 1) if text[at - 1 : at + 1] != "\r\n" or at == 0]


@st.composite
def edited_texts(draw: st.DrawFn) -> tuple[str, list[tuple[int, int, str]]]:
    text = draw(TEXT)
    places = draw(st.lists(st.sampled_from(reachable(text)), max_size=8))
    ordered = sorted(places)[: len(places) // 2 * 2]
    pairs = zip(ordered[::2], ordered[1::2], strict=True)
    return text, [(start, end, draw(st.text("xyz\n", max_size=4))) for start, end in pairs]


@given(edited_texts(), st.randoms(use_true_random=False))
def test_edits_are_spliced_in_whatever_their_order(
    given_: tuple[str, list[tuple[int, int, str]]], random: Random
) -> None:
    text, changes = given_
    inserts = [start for start, end, _ in changes if start == end]
    assume(len(set(inserts)) == len(inserts))  # two at one place have no order of their own
    expected, last = "", 0
    for start, end, new in changes:
        expected, last = expected + text[last:start] + new, end
    expected += text[last:]
    edits = [edit(text, *each) for each in changes]
    random.shuffle(edits)
    assert apply(text, edits) == expected


@given(TEXT, st.data())
def test_edits_that_overlap_are_refused(text: str, data: st.DataObject) -> None:
    offsets = reachable(text)
    assume(len(offsets) >= 4)
    a, b, c, d = sorted(
        data.draw(st.lists(st.sampled_from(offsets), min_size=4, max_size=4, unique=True))
    )
    assert apply(text, [edit(text, a, c, "x"), edit(text, b, d, "y")]) is None
    assert apply(text, [edit(text, b, c, "x"), edit(text, a, d, "y")]) is None


@given(TEXT)
def test_no_edit_changes_nothing(text: str) -> None:
    assert apply(text, []) == text


ENDS = st.sampled_from([b"", b"\n"])
LINES = st.lists(st.sampled_from([b"a", b"b", b"", b"c\r", b"\xff"]), max_size=12)


@given(LINES, LINES, st.tuples(ENDS, ENDS))
def test_without_the_lines_that_differ_both_versions_are_equal(
    old: list[bytes],
    new: list[bytes],
    ends: tuple[bytes, bytes],
) -> None:
    before = b"\n".join(old) + ends[0]
    after = b"\n".join(new) + ends[1]
    added, removed = line_changes(before, after)
    old_lines = re.findall(rb"[^\n]*\n|[^\n]+", before)
    new_lines = re.findall(rb"[^\n]*\n|[^\n]+", after)
    assert added <= set(range(1, len(new_lines) + 1))
    assert removed <= set(range(1, len(old_lines) + 1))
    assert [x for at, x in enumerate(old_lines, 1) if at not in removed] == [
        x for at, x in enumerate(new_lines, 1) if at not in added
    ]
    assert (before == after) == (not added and not removed)


@pytest.mark.parametrize("nothing", [None, b""])
def test_of_a_file_that_is_new_or_gone_every_line_counts(nothing: bytes | None) -> None:
    added, removed = line_changes(nothing, b"a\nb")
    assert (set(added), set(removed)) == ({1, 2}, set())
    added, removed = line_changes(b"a\nb", nothing)
    assert (set(added), set(removed)) == (set(), {1, 2})


@given(st.integers(min_value=0, max_value=30), LINES)
def test_lines_put_in_are_the_only_ones_that_are_new(at: int, extra: list[bytes]) -> None:
    old = [b"line %d" % number for number in range(30)]
    new = old[:at] + [b"new " + each for each in extra] + old[at:]
    added, removed = line_changes(b"\n".join([*old, b""]), b"\n".join([*new, b""]))
    assert added == set(range(at + 1, at + len(extra) + 1))
    assert removed == frozenset()
