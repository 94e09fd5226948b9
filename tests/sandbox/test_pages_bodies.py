"""What strangers write is rendered as GitHub renders it, and does nothing else."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.pages.markdown import rendered, suggestions_in
from sandbox.pages.plain import visible, visible_line


class Found(HTMLParser):
    """The elements of a piece of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, list[tuple[str, str | None]]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, attrs))


def html(text: str) -> str:
    return str(rendered(text).plain_html())


def test_tables_tasks_folds_and_struck_words_are_rendered() -> None:
    text = "| a | b |\n|--|--:|\n| 1 | 2 |\n\n- [x] done\n- [ ] open\n\n~~old~~\n\n"
    text += "<details><summary>Why</summary>\n\n**Because**\n</details>\n"
    found = html(text)
    assert '<td class="to-right">2</td>' in found
    assert found.count('<input type="checkbox" disabled') == 2
    assert 'disabled checked aria-label="done"' in found
    assert "<s>old</s>" in found
    assert "<details><summary>Why</summary>" in found
    assert "<strong>Because</strong>" in found


def test_a_marker_in_a_comment_is_not_shown() -> None:
    assert "stet:1" not in html("Text\n<!-- stet:1 fp=9f2c rule=SEC101@1 sha=abc -->")


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<details open ontoggle=alert(1)><summary>x</summary></details>",
        "[x](javascript:alert(1))",
        '<a href="javascript:alert(1)">x</a>',
        '<a href="java&#10;script:alert(1)">x</a>',
        '<a href="//evil.example/">x</a>',
        "<svg/onload=alert(1)>",
        "<math><mtext><style><img src=x onerror=alert(1)></style></mtext></math>",
        "<style>body{display:none}</style>",
        '<iframe src="https://evil.example"></iframe>',
        '<form action="/act-as"><button>x</button></form>',
        "<!--><script>alert(1)</script>-->",
        '```"><script>alert(1)</script>\nx\n```',
        '<p style="position:fixed" class="x" id="content">x</p>',
        "![x](https://evil.example/pixel.png)",
    ],
)
def test_no_body_brings_an_element_or_attribute_that_acts(hostile: str) -> None:
    found = Found()
    found.feed(html(hostile))
    assert {tag for tag, _ in found.elements} <= {"p", "a", "details", "summary", "pre", "code"}
    given = {(tag, name) for tag, attributes in found.elements for name, _ in attributes}
    ours = {("pre", "class"), ("pre", "tabindex"), ("pre", "role"), ("pre", "aria-label")}
    assert given <= ours | {("a", "href"), ("a", "rel"), ("details", "open")}
    targets = [dict(attributes).get("href") or "" for _, attributes in found.elements]
    assert all(one.startswith("https://evil.example/") for one in targets if one)


TAGS = "details,/details,summary,/div,table,td,/p,a href='#x',/table,!--"
WORDS = ["text", "<b", "\n\n", "```\n", "\0c0\0", "- [ ] ", "> ", "|--|\n"]
PIECES = [*(f"<{tag}>" for tag in TAGS.split(",")), *WORDS]


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_every_element_of_a_body_ends_within_it(text: str) -> None:
    found = html(text)
    for tag in ("details", "summary", "table", "td", "a", "b", "pre", "blockquote", "li"):
        opened = found.count(f"<{tag}>") + found.count(f"<{tag} ")
        assert opened == found.count(f"</{tag}>"), tag
    assert "</div>" not in found
    assert "\0" not in found


def test_characters_that_turn_the_reading_direction_are_shown() -> None:
    assert "\u202e" not in visible("abc\u202egnp.exe")
    assert "U+202E" in visible("abc\u202egnp.exe")
    assert "U+202E" in html("abc \u202e def")
    assert visible("שלום") == "שלום"


def test_a_huge_line_is_cut_and_its_rest_counted() -> None:
    shown = visible_line("x" * 500_000)
    assert len(shown) < 3000
    assert "498000 more characters" in shown


def test_suggestions_are_found_in_order_and_inside_folds() -> None:
    text = (
        "Do\n```suggestion\na\n\n  b\n```\n<details>\n\n````suggestion\n```\n````\n\n</details>\n"
    )
    assert suggestions_in(text) == (("a", "", "  b"), ("```",))
    assert suggestions_in("```suggestion\n```") == ((),)
    assert suggestions_in("```python\nx\n```") == ()
