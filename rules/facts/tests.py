"""The tests of a project: what each names, which helpers assert, and where a test belongs."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile

import msgspec

from rules.facts.python_modules import Modules, absolute_target
from rules.kit import Extractor, Project, Source, paths, walk_syntax
from rules.kit.identifiers import identifiers


class HelperRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A function that tests use. `calls` holds the last names of what it calls."""

    name: str
    asserts: bool
    calls: tuple[str, ...]


class SuiteRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A file of tests. `words` holds its identifiers between spaces, `texts` its short strings."""

    words: str
    texts: tuple[str, ...]
    tests: int
    helpers: tuple[HelperRecord, ...]


SAYS_ASSERT = re.compile(
    r"(?i)(^|_)(assert|check|verify|verif|expect|validate|should|ensure|compare|must|fail|confirm"
    r"|raises|warns|approve|snapshot|eq|ok|shall)|assert|expect|verify|validat"
    r"|^_*+((do|run|perform|execute|common|base|basic)_)*_*+tests?(_|$)|_tests?$|^deprecated_call$"
)
_WORD = re.compile(r"[A-Za-z_]\w{2,}")
_MARKS = frozenset("/:.-")
_TEXT = re.compile(r"""["']([\w./:{}<>?=&-]{3,100})["']""")
_TEST = re.compile(r"^[ \t]*(?:async[ \t]+)?def (test\w*)", re.MULTILINE)


def _extract(source: Source) -> SuiteRecord:
    text = source.text
    texts = {each for each in set(_TEXT.findall(text)) if not _MARKS.isdisjoint(each)}
    helpers = tuple(_helpers(source.tree)) if source.tree is not None else ()
    words = f" {' '.join(sorted(_words(text)))} "
    return SuiteRecord(words, tuple(sorted(texts)), len(_TEST.findall(text)), helpers)


def _words(text: str) -> set[str]:
    """The identifiers of three letters and more."""
    if not text.isascii():
        return set(_WORD.findall(text))
    return {each.decode() for each in identifiers(text.encode()) if len(each) > 2}


def _helpers(tree: ast.Module) -> Iterator[HelperRecord]:
    """Functions that are no tests, at module level and in classes."""
    stack: list[ast.stmt] = list(tree.body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.ClassDef):
            stack.extend(node.body)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (
            not node.name.startswith("test")
        ):
            yield _helper(node)


def _helper(node: ast.FunctionDef | ast.AsyncFunctionDef) -> HelperRecord:
    calls: set[str] = set()
    asserts = False
    for each in walk_syntax(node):
        if isinstance(each, ast.Assert):
            asserts = True
        elif isinstance(each, ast.Call):
            func = each.func
            last = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
            if last:
                calls.add(last)
    asserts = asserts or any(SAYS_ASSERT.search(each) for each in calls)
    return HelperRecord(node.name, asserts, () if asserts else tuple(sorted(calls)))


TESTS = Extractor(
    name="tests",
    version=1,
    record=SuiteRecord,
    reads=lambda path: path.endswith(".py") and (paths.is_test(path) or "test" in path.lower()),
    extract=_extract,
    reads_tests=False,
)

_TEST_FILE = re.compile(r"(^|/)(test_[^/]+|[^/]+_tests?|tests?|tests_[^/]+)\.py$")
_COMMON_STEMS = frozenset(
    {"views", "models", "utils", "tasks", "forms", "serializers", "api", "base", "services"}
    | {"signals", "helpers", "managers", "filters", "main", "core", "schemas", "schema", "types"}
    | {"handlers", "routes", "urls", "permissions", "admin", "client", "queries", "service"}
    | {"endpoints", "routers", "deps", "mutations", "resolvers", "constants", "exceptions"}
)
_MARKERS = frozenset({"tests", "test", "unit", "integration", "functional", "unit_tests", "pytest"})
Folder = tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """Where a test belongs. `exists` says whether the file is there already."""

    path: str
    exists: bool


@dataclass(frozen=True)
class _Layout:
    """From a source's folder to its tests': `kept` leading folders (-1: all), then `added`."""

    kept: int
    added: Folder
    dropped: int

    def folder(self, source: Folder) -> Folder:
        kept = len(source) if self.kept < 0 else self.kept
        return (*source[:kept], *self.added, *source[kept + self.dropped :])


@dataclass(frozen=True)
class Suite:
    """The test modules of a project, by path. Only files that hold a test count as modules."""

    by_path: Mapping[str, SuiteRecord]
    modules: Modules
    asserting: frozenset[str]
    helpers: frozenset[str]

    @classmethod
    def gather(cls, project: Project) -> Suite:
        records = project.records(TESTS)
        every = [helper for record in records.values() for helper in record.helpers]
        asserting = {each.name for each in every if each.asserts}
        for _ in range(2):
            asserting |= {each.name for each in every if asserting.intersection(each.calls)}
        found = {
            path: record
            for path, record in records.items()
            if record.tests and (_TEST_FILE.search(path) or paths.is_test(path))
        }
        names = frozenset(each.name for each in every)
        return cls(found, project.facts(Modules), frozenset(asserting), names)

    def naming(self, word: str) -> Iterator[str]:
        """The test modules that mention an identifier."""
        wanted = f" {word} "
        return (path for path, record in self.by_path.items() if wanted in record.words)

    def covers_area(self, source: str) -> bool:
        """Whether the team tests this part of the tree at all."""
        folder = f"{source.rpartition('/')[0]}/"
        packages = set(source.removesuffix(".py").split("/"))
        return any(
            (folder != "/" and path.startswith(folder)) or packages & self._packages(path)
            for path in self.by_path
        )

    def place_for(self, source: str, function: str = "") -> Place | None:
        """The test file where the team would look for tests of a function of a source file."""
        existing = (
            self._by_function(source, function)
            or self._by_name(source, _stem(source))
            or self._by_import(source, function)
            or self._by_name(source, _folder(source)[-1] if _folder(source) else "")
        )
        if existing is not None:
            return Place(existing, exists=True)
        folder = self._folder_for(source)
        if folder is None:
            return None
        beside = next((p for n in ("tests", "test") if (p := _join(folder, n)) in self.by_path), "")
        if beside:
            return Place(beside, exists=True)
        return Place(_join(folder, self._named(source)), exists=False)

    def _packages(self, path: str) -> set[str]:
        record = self.modules.by_path.get(path)
        if record is None:
            return set()
        own = self.modules.name_of[path]
        targets = (absolute_target(t, own, is_package=False) for t in record.imports.values())
        return {each.partition(".")[0] for each in targets}

    def _by_function(self, source: str, function: str) -> str | None:
        """A file of tests beside the source that is named after the function: one per view."""
        wanted = {each for each in function.lower().split("_") if each}
        parent = _folder(source)[-1:]
        if wanted <= set(re.split(r"\W|_", source.lower())):
            return None
        found = [
            each
            for each in self.by_path
            if wanted <= set(_stem(each).lower().split("_"))
            and parent
            and parent[0] in _folder(each)
        ]
        return max(found, key=lambda each: (_likeness(source, each), -len(each)), default=None)

    def _by_name(self, source: str, stem: str) -> str | None:
        if not stem:
            return None
        folder = _folder(source)
        parent = folder[-1] if folder else ""
        names = _names_for(stem) | (_names_for(f"{parent}_{stem}") if parent else set())
        found = [
            each
            for each in self.by_path
            if each.rpartition("/")[2].removesuffix(".py") in names
            and _fits(stem, folder, _folder(each), _stem(each))
        ]
        return max(found, key=lambda each: (_likeness(source, each), -len(each)), default=None)

    def _by_import(self, source: str, function: str) -> str | None:
        naming = set(self.naming(function)) if function else set()
        spelt = f"/{source.removesuffix('.py').removesuffix('/__init__')}"
        found: dict[str, tuple[int, int, int, int]] = {}
        for path in self.by_path:
            record = self.modules.by_path.get(path)
            own = self.modules.name_of.get(path, "")
            if record is None:
                continue
            for target in record.imports.values():
                full = absolute_target(target, own, is_package=False).replace(".", "/")
                if spelt.endswith((f"/{full}", f"/{full.rpartition('/')[0]}")) and "/" in full:
                    named = _stem(source) in _stem(path)
                    like = _likeness(source, path)
                    found[path] = (int(path in naming), int(named), like, -len(record.imports))
        telling = {each for each, (says, named, *_) in found.items() if says or named}
        if not telling and len(found) > 1:
            return None  # what all tests import is tested nowhere in particular
        return max(telling or found, key=lambda each: (found[each], each), default=None)

    def _folder_for(self, source: str) -> Folder | None:
        """By the layout that most tests near the source follow; else where most of them are."""
        top = source.partition("/")[0]
        pairs = list(self._pairs())
        near = [pair for pair in pairs if pair[0].partition("/")[0] == top] or pairs
        if not near:
            return None
        votes = Counter(_layout_of(_folder(src), _folder(test)) for src, test in near)
        layout, count = votes.most_common(1)[0]
        if count * 2 >= len(near):
            return layout.folder(_folder(source))
        return Counter(_folder(test) for _, test in near).most_common(1)[0][0]

    def _pairs(self) -> Iterator[tuple[str, str]]:
        """Test files with the source file whose name they bear and that is nearest to them."""
        sources: dict[str, list[str]] = defaultdict(list)
        for path in self.modules.by_path:
            if not paths.is_test(path):
                sources[_stem(path)].append(path)
        for test in sorted(self.by_path):
            near = sources.get(re.sub(r"^tests?_|_tests?$", "", _stem(test)))
            if near:
                yield max(near, key=lambda source: (_likeness(source, test), source)), test

    def _named(self, source: str) -> str:
        stems = [_stem(each) for each in self.by_path]
        ending = sum(each.endswith("_test") for each in stems)
        starting = sum(each.startswith("test_") for each in stems)
        stem = _stem(source)
        return f"{stem}_test" if ending > starting else f"test_{stem}"


def _layout_of(source: Folder, test: Folder) -> _Layout:
    kept = 0
    while kept < min(len(source), len(test)) and source[kept] == test[kept]:
        kept += 1
    rest, more = source[kept:], test[kept:]
    common = 0
    while common < min(len(rest), len(more)) and rest[-1 - common] == more[-1 - common]:
        common += 1
    added = more[: len(more) - common]
    if not rest:
        return _Layout(-1, added, 0)
    return _Layout(kept, added, len(rest) - common)


def _fits(stem: str, source: Folder, test: Folder, test_stem: str) -> bool:
    """A file of a common name needs its folder to speak for it too."""
    if stem not in _COMMON_STEMS:
        return not set(test) - set(source) - _MARKERS
    parent = source[-1] if source else ""
    return parent in test or parent in test_stem


def _names_for(stem: str) -> set[str]:
    bare = stem.strip("_")
    return {f"test_{bare}", f"{bare}_test", f"{bare}_tests", f"tests_{bare}", f"test_{bare}s"}


def _stem(path: str) -> str:
    """The name of a module, or of the package that an `__init__` stands for."""
    folder, _, name = path.removesuffix(".py").rpartition("/")
    return folder.rpartition("/")[2] if name == "__init__" else name


def _folder(path: str) -> Folder:
    folder = path.rpartition("/")[0]
    return tuple(folder.split("/")) if folder else ()


def _likeness(source: str, test: str) -> int:
    """How many folders two files share, those in front counted twice."""
    one, two = _folder(source), _folder(test)
    front = len(list(takewhile(lambda both: both[0] == both[1], zip(one, two, strict=False))))
    return front + len(set(one) & set(two))


def _join(folder: Folder, name: str) -> str:
    return "/".join([*folder, f"{name}.py"])
