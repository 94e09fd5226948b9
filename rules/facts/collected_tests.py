"""The subject `TestFunction`: a function or method that a runner takes for a test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import libcst as cst

from rules.kit import Here, dotted, string
from rules.kit.build import keyword
from rules.kit.subjects import DerivedSubject

_FILE = re.compile(r"(^|/)(test_[^/]*|[^/]*_tests?|tests?|tests_[^/]*)\.py$")
_NO_TEST = frozenset(
    {"fixture", "fixture_union", "property", "cached_property", "overload", "abstractmethod"}
    | {"contextmanager", "asynccontextmanager", "setter"}
)
_PATCHES = re.compile(r"(^|\.)patch(\.object)?$")


@dataclass(frozen=True, eq=False)
class TestFunction(DerivedSubject):
    """A test. A class is one of tests by its name or by that of a base: `Test`, `TestCase`.

    `fixtures` are the names of those that pytest passes in, without what `parametrize` and
    `mock.patch` give.
    """

    __test__: ClassVar[bool] = False

    name: str
    node: cst.FunctionDef
    holder: cst.ClassDef | None
    framework: Literal["pytest", "unittest"]
    fixtures: tuple[str, ...]

    @classmethod
    def lives_in(cls, path: str) -> bool:
        return bool(_FILE.search(path))

    @classmethod
    def found_in(cls, module: cst.Module, here: Here) -> Iterator[TestFunction]:
        for holder, function in _candidates(module):
            if any(_last(each) in _NO_TEST for each in function.decorators):
                continue
            if holder is None:
                yield cls(function.name.value, function, None, "pytest", _fixtures(function))
            elif _is_unittest(holder, here):
                yield cls(function.name.value, function, holder, "unittest", ())
            else:
                fixtures = _fixtures(function)
                yield cls(function.name.value, function, holder, "pytest", fixtures)


def _candidates(module: cst.Module) -> Iterator[tuple[cst.ClassDef | None, cst.FunctionDef]]:
    """Functions named as tests, at module level and in classes of tests, under `if` too."""
    stack: list[tuple[cst.ClassDef | None, cst.CSTNode]]
    stack = [(None, each) for each in reversed(module.body)]
    while stack:
        holder, node = stack.pop()
        match node:
            case cst.FunctionDef(name=cst.Name(value=name)) if name.startswith("test"):
                yield holder, node
            case cst.ClassDef() if _is_of_tests(node):
                stack += [(node, each) for each in reversed(node.body.body)]
            case cst.If(body=body, orelse=orelse):
                stack += [(holder, orelse)] if orelse is not None else []
                stack += [(holder, each) for each in reversed(body.body)]
            case cst.Try(body=body) | cst.Else(body=body) | cst.With(body=body):
                stack += [(holder, each) for each in reversed(body.body)]
            case _:
                pass


def _is_of_tests(node: cst.ClassDef) -> bool:
    bases = [dotted(each.value).rpartition(".")[2] for each in node.bases]
    return node.name.value.startswith("Test") or any("Test" in base for base in bases)


def _is_unittest(node: cst.ClassDef, here: Here) -> bool:
    names = here.names(*(each.value for each in node.bases))
    written = (dotted(each.value) for each in node.bases)
    return any(each.endswith(("TestCase", "TestBase")) for each in (*names, *written))


def _last(decorator: cst.Decorator) -> str:
    node = decorator.decorator
    return dotted(node.func if isinstance(node, cst.Call) else node).rpartition(".")[2]


def _fixtures(function: cst.FunctionDef) -> tuple[str, ...]:
    every = [each for each in function.params.params if each.default is None]
    names = [each.name.value for each in every if each.name.value not in ("self", "cls")]
    patched = sum(_is_patch(each.decorator) for each in function.decorators)
    named = [each.name.value for each in function.params.kwonly_params if each.default is None]
    given = {name for each in function.decorators for name in _parametrized(each.decorator)}
    return tuple(each for each in (*names[patched:], *named) if each not in given)


def _is_patch(node: cst.BaseExpression) -> bool:
    """Whether `mock.patch` passes its mock in: not where it was told what to use instead."""
    if not isinstance(node, cst.Call) or not _PATCHES.search(dotted(node.func)):
        return False
    of_object = dotted(node.func).endswith(".object")
    plain = [each for each in node.args if each.keyword is None]
    return keyword(node, "new") is None and len(plain) <= (2 if of_object else 1)


def _parametrized(node: cst.BaseExpression) -> Iterator[str]:
    if not isinstance(node, cst.Call) or not dotted(node.func).endswith("parametrize"):
        return
    first = node.args[0].value if node.args else None
    if isinstance(first, cst.List | cst.Tuple):
        yield from (text for each in first.elements if (text := string(each.value)))
    else:
        yield from re.split(r"[\s,]+", string(first) or "")
