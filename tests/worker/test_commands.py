from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.commands import (
    MOST_COMMANDS,
    Command,
    Verb,
    is_authors,
    may,
    needs_role,
    parse,
    refusal,
)

REVIEW = Command(Verb.REVIEW)


@pytest.mark.fault(53)
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("/stet review", (REVIEW,)),
        ("/stet review\r\n", (REVIEW,)),
        ("Thanks!\n/stet review", (REVIEW,)),
        ("Thanks!\n\n/stet review  \n\nbye", (REVIEW,)),
        ("/stet review full", (Command(Verb.FULL),)),
        ("/stet review everything", (Command(None),)),
        ("/stet ignore SEC124 slow host", (Command(Verb.IGNORE, "SEC124 slow host"),)),
        ("/stet", (Command(Verb.HELP),)),
        ("/stet help\n/stet review", (Command(Verb.HELP), REVIEW)),
        ("/stet dance --config=../../etc", (Command(None, "--config=../../etc"),)),
        ("/stet $(rm -rf /)", ()),
        ("/stet REVIEW", ()),
        ("/stetreview", ()),
        ("/review", ()),
        ("see /stet review", ()),
        ("`/stet review`", ()),
        ("`open\n/stet review\nclosed`", ()),
        ("``a ` b\n/stet review`` and\n/stet help", (Command(Verb.HELP),)),
        ("```\n/stet review\n```", ()),
        ("~~~\n/stet review", ()),
        ("    /stet review", ()),
        ("> /stet review", ()),
        ("> quoted\n/stet review", ()),
        ("- /stet review", ()),
        ("<!-- \n/stet review\n-->", ()),
        ("<!-- never closed\n/stet review", ()),
        ("text <!-- a --> b\n/stet review", (REVIEW,)),
        ("<div>\n/stet review\n</div>", ()),
        ("On Monday x wrote:\n\n> /stet review\n\nno", ()),
        ("\uff0fstet review", ()),
        ("/stet\u00a0review", ()),
        ("", ()),
    ],
)
def test_a_command_counts_only_at_the_start_of_an_ordinary_line(
    body: str, expected: tuple[Command, ...]
) -> None:
    assert parse(body) == expected


def test_a_comment_holds_at_most_five_commands() -> None:
    assert len(parse("/stet review\n" * 50)) == MOST_COMMANDS


@pytest.mark.fault(54)
def test_a_comment_beyond_githubs_size_is_not_read() -> None:
    assert parse("/stet review\n" + "x" * 70_000) == ()


@pytest.mark.fault(54)
@given(st.text(alphabet="/stet review`>-<!\n ", max_size=80))
def test_any_text_is_parsed_without_error(body: str) -> None:
    assert len(parse(body)) <= MOST_COMMANDS


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("none", False),
        ("read", False),
        ("something-of-our-own", False),
        ("triage", True),
        ("admin", True),
    ],
)
def test_a_review_is_for_triage_and_more(role: str, *, allowed: bool) -> None:
    assert may(Verb.REVIEW, role) is allowed


def test_the_author_dismisses_only_where_the_configuration_lets_authors() -> None:
    assert is_authors(Verb.REVIEW, authors_may_ignore=False)
    assert not is_authors(Verb.IGNORE, authors_may_ignore=False)
    assert is_authors(Verb.IGNORE, authors_may_ignore=True)
    assert not is_authors(Verb.FIX, authors_may_ignore=True)


def test_explanations_are_for_everybody_and_cost_no_question() -> None:
    assert may(Verb.EXPLAIN, "none")
    assert not needs_role(Verb.EXPLAIN)
    assert needs_role(Verb.REVIEW)


@pytest.mark.parametrize("verb", Verb)
def test_a_refusal_says_who_may(verb: Verb) -> None:
    if needs_role(verb):
        assert f"`/stet {verb.value}`" in refusal(verb)
        assert "role or more" in refusal(verb)
