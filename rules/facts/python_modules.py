"""What each Python module holds: imports, classes with their fields, functions, assignments.

Values are kept as normalised source: `'shop.Author'`, `models.CASCADE`, `True`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from rules.kit import Extractor, Project, Source
from rules.kit.names import absolute
from rules.kit.paths import is_module

_OF_MIGRATIONS = frozenset({"operations", "dependencies"})  # facts of their own read these
_LONGEST = 4000  # characters: a long list of choices


class FunctionRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A function or method. `decorators` and `calls` are dotted names as written."""

    name: str
    line: int
    end_line: int
    is_async: bool
    decorators: tuple[str, ...]
    parameters: tuple[str, ...]


class FieldRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An assignment in a class body or at module level: `name = func(args, **keywords)`.

    `func` is empty where the value is no call; then `value` holds it.
    """

    name: str
    line: int
    func: str
    args: tuple[str, ...]
    keywords: dict[str, str]
    value: str
    annotation: str


class ClassRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    name: str
    line: int
    end_line: int
    bases: tuple[str, ...]
    keywords: dict[str, str]
    decorators: tuple[str, ...]
    fields: tuple[FieldRecord, ...]
    methods: tuple[FunctionRecord, ...]
    inner: tuple[ClassRecord, ...]


class ModuleRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`imports` maps a local name to its target; leading dots mark relative ones."""

    imports: dict[str, str]
    stars: tuple[str, ...]
    classes: tuple[ClassRecord, ...]
    functions: tuple[FunctionRecord, ...]
    assignments: tuple[FieldRecord, ...]


def dotted(node: ast.expr | None) -> str:
    """`a.b.c` as written; empty for all that is no plain chain of names."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    parts.append(node.id)
    return ".".join(reversed(parts))


def source_of(node: ast.expr) -> str:
    """Normalised source of a value; what is longer than any real declaration is cut."""
    if isinstance(node, ast.Constant):
        return repr(node.value)[:_LONGEST]
    return dotted(node) or ast.unparse(node)[:_LONGEST]


def _field(
    name: str, line: int, value: ast.expr | None, annotation: ast.expr | None
) -> FieldRecord:
    note = source_of(annotation) if annotation is not None else ""
    if isinstance(value, ast.Call):
        keywords = {each.arg or "**": source_of(each.value) for each in value.keywords}
        args = tuple(source_of(each) for each in value.args)
        made = value.func.value if isinstance(value.func, ast.Subscript) else value.func
        func = dotted(made) or source_of(value.func)
        return FieldRecord(name, line, func, args, keywords, "", note)
    is_long = isinstance(value, ast.List) and name in _OF_MIGRATIONS
    text = source_of(value) if value is not None and not is_long else ""
    return FieldRecord(name, line, "", (), {}, text, note)


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef) -> FunctionRecord:
    args = node.args
    names = [each.arg for each in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
    decorators = tuple(
        dotted(each.func if isinstance(each, ast.Call) else each) for each in node.decorator_list
    )
    return FunctionRecord(
        node.name,
        node.lineno,
        node.end_lineno or node.lineno,
        isinstance(node, ast.AsyncFunctionDef),
        decorators,
        tuple(names),
    )


def _fields(body: list[ast.stmt]) -> Iterator[FieldRecord]:
    for node in body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield _field(node.targets[0].id, node.lineno, node.value, None)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield _field(node.target.id, node.lineno, node.value, node.annotation)


def _class(node: ast.ClassDef) -> ClassRecord:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return ClassRecord(
        node.name,
        node.lineno,
        node.end_lineno or node.lineno,
        tuple(dotted(b.value if isinstance(b, ast.Subscript) else b) for b in node.bases),
        {each.arg: source_of(each.value) for each in node.keywords if each.arg},
        tuple(dotted(d.func if isinstance(d, ast.Call) else d) for d in node.decorator_list),
        tuple(_fields(node.body)),
        tuple(_function(each) for each in node.body if isinstance(each, functions)),
        tuple(_class(each) for each in node.body if isinstance(each, ast.ClassDef)),
    )


def _imports(body: list[ast.stmt]) -> tuple[dict[str, str], list[str]]:
    """Imports at module level, also under `if` and `try`."""
    found: dict[str, str] = {}
    stars: list[str] = []
    stack = list(reversed(body))
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Import):
            for alias in node.names:
                head = alias.name.partition(".")[0]
                found[alias.asname or head] = alias.name if alias.asname else head
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            for alias in node.names:
                if alias.name == "*":
                    stars.append(module)
                else:
                    joint = "" if module.endswith(".") else "."
                    found[alias.asname or alias.name] = f"{module}{joint}{alias.name}"
        elif isinstance(node, ast.If | ast.Try):
            stack.extend(reversed(node.body))
            stack.extend(reversed(node.orelse))
            for handler in getattr(node, "handlers", ()):
                stack.extend(reversed(handler.body))
    return found, stars


def extract(source: Source) -> ModuleRecord | None:
    """The record of one module; None where nothing could be parsed."""
    if source.tree is None:
        return None
    body = source.tree.body
    imports, stars = _imports(body)
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return ModuleRecord(
        imports,
        tuple(stars),
        tuple(_class(each) for each in body if isinstance(each, ast.ClassDef)),
        tuple(_function(each) for each in body if isinstance(each, functions)),
        tuple(_fields(body)),
    )


MODULES = Extractor(
    name="modules",
    version=4,
    record=ModuleRecord,
    reads=is_module,
    extract=extract,
    reads_tests=False,
)


@dataclass(frozen=True)
class Modules:
    """Every module of the project by its dotted name, with names resolved across modules."""

    by_path: Mapping[str, ModuleRecord]
    name_of: Mapping[str, str]
    path_of: Mapping[str, str]
    _memo: dict[tuple[str, str], str] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def gather(cls, project: Project) -> Modules:
        records = project.records(MODULES)
        names = {path: module_name(path, project.paths) for path in records}
        paths: dict[str, str] = {}
        for path in sorted(names, key=lambda each: (each.count("/"), each), reverse=True):
            paths[names[path]] = path
        return cls(records, names, paths)

    def resolve(self, path: str, name: str) -> str:
        """The full dotted name that `name` has in the module at `path`.

        Follows imports and re-exports inside the project; a name that is defined nowhere
        is taken to be of the module itself.
        """
        key = (path, name)
        if key not in self._memo:
            self._memo[key] = name  # a cycle of imports ends here
            self._memo[key] = self._follow(path, name)
        return self._memo[key]

    def _follow(self, path: str, name: str) -> str:
        record = self.by_path.get(path)
        head, _, rest = name.partition(".")
        module = self.name_of.get(path, "")
        if record is None:
            return name
        target = record.imports.get(head)
        if target is None:
            return self._own(path, record, name, head, module)
        full = absolute_target(target, module, is_package=path.endswith("__init__.py"))
        return self.canonical(f"{full}.{rest}" if rest else full)

    def _own(self, path: str, record: ModuleRecord, name: str, head: str, module: str) -> str:
        if head in {c.name for c in record.classes} | {f.name for f in record.functions}:
            return f"{module}.{name}"
        if not any(head == each.name for each in record.assignments):
            for star in record.stars:
                source = absolute_target(star, module, is_package=path.endswith("__init__.py"))
                at = self.path_of.get(source)
                if at is not None and at != path:
                    found = self.resolve(at, name)
                    if found.startswith(f"{source}.") or found != f"{source}.{name}":
                        return found
        return f"{module}.{name}"

    def canonical(self, full: str) -> str:
        """Where a dotted name is defined: `shop.models.Book` even if imported through `shop`."""
        module, rest = self._split(full)
        if not module or not rest:
            return full
        record = self.by_path[self.path_of[module]]
        head = rest.partition(".")[0]
        if head in record.imports or record.stars:
            return self.resolve(self.path_of[module], rest)
        return full

    def _split(self, full: str) -> tuple[str, str]:
        """The longest known module that begins the name, and what is left."""
        module = full
        while module and module not in self.path_of:
            module = module.rpartition(".")[0]
        return module, full[len(module) + 1 :]


def absolute_target(target: str, module: str, *, is_package: bool) -> str:
    """`..models.Book` seen from a module, as a full name."""
    level = len(target) - len(target.lstrip("."))
    package = module if is_package else module.rpartition(".")[0]
    return absolute(package, level, target.lstrip("."))


def module_name(path: str, paths: frozenset[str]) -> str:
    """The dotted name of a file: the folders with an `__init__.py` above it, then its own.

    A folder without one within a package is a package, too: Python imports it by its name.
    """
    parts = path.removesuffix(".py").split("/")
    if parts[-1] == "__init__":
        parts = parts[:-1]
    last = start = len(parts) - 1
    while last > 0 and "/".join([*parts[:last], "__init__.py"]) not in paths:
        last -= 1
    while last > 0 and "/".join([*parts[:last], "__init__.py"]) in paths:
        start = last = last - 1
    return ".".join(parts[start:])
