"""A spliced tree is the tree that parsing gives, or none at all."""

from __future__ import annotations

import libcst as cst
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.engine.finding import TextEdit
from rules.engine.fix import apply
from rules.engine.splice import Splicer
from rules.kit import Span

_PIECES = (
    "# a comment\n",
    "\n",
    "import os\n",
    "x = 1; y = 2\n",
    '"""A title\n\nand more\n""" ; x = 1\n',
    "'a title \\\nin two lines'\n",
    "@one\n# between\n@two(\n    3\n)\ndef f(a, b=[]):\n    # inside\n    return a\n    # at its end\n",
    "class A:\n  two = 2\n\n  # foot\n",
    'text = """\n# no comment\n\nif x:\n"""\n',
    "if x:\n    y\nelif z:\n    pass\nelse:\n    w\n",
    "# above\n\nfor i in z: print(i)\n",
    "value = [\n    1,\n# odd\n    2,\n]\n",
    "long = 1 + \\\n    2\n",
    "    # a comment further right\n",
    "try:\n\tpass\nexcept A:\n\tpass\n",
    "match x:\n    case 1: pass\n",
)
_NEW = (
    "",
    "\n",
    "x",
    "z = 3\n",
    "else:\n",
    "    pass\n",
    "# new\n",
    '"""',
    "(",
    "\\\n",
    "if q:\n    pass\n",
    "    # right\n",
    "@deco\n",
)
_sources = st.lists(st.sampled_from(_PIECES), min_size=1, max_size=8).map("".join)


@st.composite
def _edited(draw: st.DrawFn) -> tuple[str, list[TextEdit]]:
    """A module, and edits of it as fixes make them: whole lines, or a part of one."""
    source = draw(_sources)
    lines = source.split("\n")
    edits = []
    for _ in range(draw(st.integers(1, 3))):
        first = draw(st.integers(1, len(lines)))
        if draw(st.booleans()):
            last = draw(st.integers(first, min(first + 2, len(lines))))
            edits.append(TextEdit("a.py", Span(first, 1, last, 1), draw(st.sampled_from(_NEW))))
        else:
            size = len(lines[first - 1])
            start = draw(st.integers(0, size))
            end = draw(st.integers(start, size))
            span = Span(first, start + 1, first, end + 1)
            edits.append(TextEdit("a.py", span, draw(st.sampled_from(_NEW))))
    return source, edits


@given(_edited())
@settings(max_examples=400, deadline=None)
def test_a_spliced_tree_is_the_tree_of_the_whole_text(case: tuple[str, list[TextEdit]]) -> None:
    source, edits = case
    try:
        module = cst.parse_module(source)
    except cst.ParserSyntaxError:
        return
    text = apply(source, edits)
    if text is None:
        return
    spliced = Splicer(module, source).edited(edits, text)
    if spliced is not None:
        whole = cst.parse_module(text)
        # An edit may take away the lines by which LibCST tells how a module is indented.
        same = spliced.with_changes(default_indent=whole.default_indent)
        assert same.deep_equals(whole) or spliced.code == whole.code == text


def test_an_edit_parses_only_the_statements_around_it() -> None:
    source = "import os\n\n\ndef f(a=[]):\n    return a\n\n\n# of g\ndef g():\n    pass\n"
    module = cst.parse_module(source)
    edits = [TextEdit("a.py", Span(4, 9, 4, 11), "None")]
    spliced = Splicer(module, source).edited(edits, source.replace("[]", "None"))

    assert spliced is not None
    assert spliced.body[0] is module.body[0]
    assert spliced.body[2] is module.body[2]
    assert spliced.code == source.replace("[]", "None")


def test_statements_that_are_moved_into_their_neighbour_are_spliced_together() -> None:
    source = "import b\nimport a\n\nx = 1\n"
    module = cst.parse_module(source)
    edits = [
        TextEdit("a.py", Span(1, 1, 1, 9), "import a\nimport b"),
        TextEdit("a.py", Span(2, 1, 3, 1), ""),
    ]
    spliced = Splicer(module, source).edited(edits, "import a\nimport b\n\nx = 1\n")

    assert spliced is not None
    assert spliced.code == "import a\nimport b\n\nx = 1\n"
    assert spliced.body[2] is module.body[2]


def test_a_window_that_the_statement_before_would_absorb_is_not_spliced() -> None:
    source = "if a:\n    b\nc\n"
    edits = [TextEdit("a.py", Span(3, 1, 4, 1), "else:\n    c\n")]

    assert (
        Splicer(cst.parse_module(source), source).edited(edits, "if a:\n    b\nelse:\n    c\n")
        is None
    )
