"""The reader of Dockerfiles: continuation, comments, here-documents, stages, variables."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rules.kit.dockerfile import Dockerfile, fill


def told(text: str) -> list[tuple[str, str, int, int]]:
    every = Dockerfile.parse(text).instructions
    return [
        (each.keyword, " ".join(each.value.split()), each.line, each.end_line) for each in every
    ]


def test_continued_lines_are_one_instruction() -> None:
    text = "FROM a\nRUN one \\\n  # a comment between\n\n  && two\nUSER me\n"
    assert told(text) == [("FROM", "a", 1, 1), ("RUN", "one && two", 2, 5), ("USER", "me", 6, 6)]


def test_keywords_may_be_lower_case_and_indented_and_lines_may_end_in_crlf() -> None:
    assert told("from a\r\n  user me\r\n") == [("FROM", "a", 1, 1), ("USER", "me", 2, 2)]


def test_the_escape_directive_changes_the_sign_of_continuation() -> None:
    text = "# syntax=docker/dockerfile:1\n# escape=`\nFROM a\nRUN dir C:\\\nRUN b `\n c\n"
    assert told(text)[1:] == [("RUN", "dir C:\\", 4, 4), ("RUN", "b c", 5, 6)]


def test_a_directive_after_the_first_instruction_is_a_comment() -> None:
    assert told("FROM a\n# escape=`\nRUN b \\\n c\n")[1] == ("RUN", "b c", 3, 4)


def test_here_documents_belong_to_their_instruction() -> None:
    text = "FROM a\nRUN <<EOF cat <<-'END'\nUSER root\nEOF\n\tCMD no\n\tEND\nUSER me\n"
    docker = Dockerfile.parse(text)
    assert [each.keyword for each in docker.instructions] == ["FROM", "RUN", "USER"]
    assert docker.instructions[1].heredocs == ("USER root", "CMD no")
    assert docker.instructions[2].line == 7


def test_what_is_no_here_document_swallows_nothing() -> None:
    text = 'FROM a\nRUN cat <<< "x"\nENV A=<<EOF\nRUN echo $((1<<SHIFT))\nUSER me\n'
    assert [each[0] for each in told(text)] == ["FROM", "RUN", "ENV", "RUN", "USER"]


def test_flags_are_taken_off_the_value() -> None:
    (copy,) = Dockerfile.parse("COPY --from=build --chown=app:app --link a b\n").instructions
    assert copy.flags == {"from": "build", "chown": "app:app", "link": ""}
    assert copy.words == ("a", "b")


def test_the_exec_form_and_the_shell_form_have_the_same_words() -> None:
    exec_form, shell_form, broken = Dockerfile.parse(
        'CMD ["a", "b c"]\nCMD a "b c"\nCMD [ a "b\n'
    ).instructions
    assert exec_form.words == shell_form.words == ("a", "b c")
    assert broken.words == ("[", "a", '"b')


def test_stages_know_what_they_start_from() -> None:
    text = (
        "ARG VERSION=3.12\nARG KIND\nFROM --platform=linux/amd64 python:${VERSION}-slim AS Base\n"
        "FROM base\nFROM node:${KIND:-20} as base\nFROM BASE AS last\n"
    )
    docker = Dockerfile.parse(text)
    first, second, third, last = docker.stages
    assert [each.base for each in docker.stages] == ["python:3.12-slim", "base", "node:20", "BASE"]
    assert docker.chain(second) == (second, first)
    assert docker.chain(last) == (last, third), "the latest stage of a name is meant"
    assert docker.parent(first) is None
    assert [each.line for each in docker.stages] == [3, 4, 5, 6]


def test_variables_of_a_stage_are_filled_in() -> None:
    text = (
        "ARG WHO=outer\nFROM a\nARG WHO\nARG HOME=/home/$WHO\n"
        "ENV X=\"a b\" Y='c'\nENV OLD form of env\nUSER $WHO\n"
    )
    (stage,) = Dockerfile.parse(text).stages
    assert (
        stage.filled("$WHO ${HOME} $X $Y $OLD $NONE") == "outer /home/outer a b c form of env $NONE"
    )


def test_the_four_ways_to_give_a_default() -> None:
    known = {"A": "a", "E": ""}
    assert fill("${A:-x} ${E:-x} ${E-x} ${N-x} ${A:+y} ${N:+y} $N", known) == "a x  x y  $N"


@given(
    st.lists(
        st.sampled_from(
            [
                "FROM a AS b",
                "FROM b",
                "RUN x \\",
                "# c",
                "",
                "RUN <<EOF",
                "EOF",
                "USER $A",
                "ARG A=$A",
            ]
        )
        | st.text(max_size=20)
    )
)
def test_any_text_is_read_and_instructions_stand_in_order(lines: list[str]) -> None:
    docker = Dockerfile.parse("\n".join(lines))
    total = len("\n".join(lines).replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    at = 0
    for each in docker.instructions:
        assert at < each.line <= each.end_line <= total
        at = each.end_line
    for stage in docker.stages:
        assert docker.chain(stage)[0] is stage
        assert stage.instructions[0].keyword == "FROM"
