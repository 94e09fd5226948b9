"""How the engine brings subjects to rules: once, only where asked for, and without falling."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import libcst as cst
import pytest
from trees import project_of

from rules.engine.inspect import Ear, Inspection, inspect
from rules.kit import DataFile, DerivedSubject, Dockerfile, Flag, Here, Rule, Severity, find


@dataclass(frozen=True, eq=False)
class Shout(DerivedSubject):
    """A name in capitals, in files that hold `loud`."""

    node: cst.Name
    words: ClassVar[frozenset[str]] = frozenset({"loud"})
    searched: ClassVar[list[str]] = []

    @classmethod
    def lives_in(cls, path: str) -> bool:
        return path.startswith("shop/")

    @classmethod
    def found_in(cls, module: cst.Module, here: Here) -> Iterator[Shout]:
        cls.searched.append(here.path)
        for each in find(module, cst.Name):
            if each.value == "FAIL":
                raise ValueError(each.value)
            if each.value.isupper():
                yield cls(each)


def rule_of(code: str, *files: str) -> Rule:
    return Rule(f"a.section.{code}", "Doc.", code, Severity.NOTICE, ("a.b",), files=files)


def on_shouts(code: str, word: str = "") -> Rule:
    rule = rule_of(code)

    @rule.on(Shout, words=(word,) if word else ())
    def check(shout: Shout, here: Here) -> Iterator[Flag]:
        yield Flag(shout.node, f"{here.path} {here.name(shout.node)}")

    return rule


def look(path: str, text: str, *rules: Rule) -> Inspection:
    return inspect(path, text.encode(), project_of({path: text}), Ear.of(rules))


def test_a_file_is_searched_once_for_all_rules() -> None:
    Shout.searched.clear()
    seen = look("shop/a.py", "loud = 1\nA = B\n", on_shouts("AAA1"), on_shouts("AAA2"))
    assert [(one.rule.code, one.span.line) for one in seen.placed] == [
        ("AAA1", 2), ("AAA2", 2), ("AAA1", 2), ("AAA2", 2),
    ]  # fmt: skip
    assert Shout.searched == ["shop/a.py"]


def test_only_files_that_may_hold_the_subject_are_searched() -> None:
    Shout.searched.clear()
    assert not look("other/a.py", "loud = A\n", on_shouts("AAA1")).placed
    assert not look("shop/a.py", "quiet = A\n", on_shouts("AAA1")).placed
    assert not look("shop/a.py", "loud = A\n", on_shouts("AAA1", "word")).placed
    assert Shout.searched == []
    assert look("shop/a.py", "loud = A + word\n", on_shouts("AAA1", "word")).placed


@pytest.mark.fault(25)
def test_a_search_that_raises_costs_the_rules_that_wait_for_it() -> None:
    other = rule_of("BBB1")

    @other.on(cst.Name)
    def check(name: cst.Name, here: Here) -> Iterator[Flag]:
        yield Flag(name, here.path)

    seen = look("shop/a.py", "loud = FAIL\n", on_shouts("AAA1"), other)
    assert [(each.rule, "FAIL" in each.error) for each in seen.crashes] == [("AAA1", True)]
    assert {one.rule.code for one in seen.placed} == {"BBB1"}


def on_images(*files: str) -> Rule:
    rule = rule_of("CCC1", *files)

    @rule.on(DataFile)
    def check(file: DataFile, here: Here) -> Iterator[Flag]:
        image = file.get("services", "web", "image")
        if image is not None:
            yield Flag(image.span, f"{here.path} {image.data}")

    @rule.on(Dockerfile)
    def check_file(file: Dockerfile, here: Here) -> Iterator[Flag]:
        yield Flag(file.stages[0].line, f"{here.path} {file.stages[0].base}")

    return rule


def test_a_rule_on_data_files_points_into_them() -> None:
    text = "services:\r\n  web:\r\n    image: app:latest\r\n"
    seen = look("compose.yaml", text, on_images("compose*.yaml"))
    (one,) = seen.placed
    assert (one.span.line, one.span.column, one.span.end_column) == (3, 12, 22)
    assert one.flag.message == "compose.yaml app:latest"


def test_broken_files_and_other_paths_are_passed_over() -> None:
    rule = on_images("compose*.yaml", "Dockerfile*")
    assert not look("compose.yaml", "services: [", rule).placed
    assert not look("compose.yaml", "services: [", rule).crashes
    assert not look("other.yaml", "services: {web: {image: a}}", rule).placed
    assert not look("Dockerfile.md", "FROM a\n", rule).placed
    assert not look("Dockerfile", "# nothing yet\n", rule).placed
    assert look("Dockerfile", "\nFROM a\n", rule).placed[0].span.line == 2
