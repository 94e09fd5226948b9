"""The code of the project by dotted name: modules, classes, functions."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rules.facts.bodies import Bodies
from rules.facts.python_modules import Modules, absolute_target, dotted, module_name
from rules.flow.values import Class, ClassCode, Function, FunctionCode, Module, ModuleCode, Value
from rules.kit import Project

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_MAX_LINEAGE = 24


@dataclass
class Program:
    """Finds code by name. What it finds is read once and kept."""

    project: Project
    bodies: Bodies = field(init=False)
    modules: Modules = field(init=False)
    _read: dict[str, ModuleCode | None] = field(default_factory=dict)
    _found: dict[str, Value | None] = field(default_factory=dict)
    _splits: dict[str, tuple[str, str]] = field(default_factory=dict)
    _bound: dict[str, dict[str, list[ast.stmt]]] = field(default_factory=dict)
    _tops: dict[str, dict[str, Value]] = field(default_factory=dict)
    _functions: dict[int, FunctionCode] = field(default_factory=dict)
    _classes: dict[int, ClassCode] = field(default_factory=dict)
    _lineage: dict[ClassCode, tuple[tuple[ClassCode, ...], tuple[str, ...]]] = field(
        default_factory=dict
    )

    def __post_init__(self) -> None:
        self.bodies = self.project.facts(Bodies)
        self.modules = self.bodies.modules

    def module(self, path: str) -> ModuleCode | None:
        """The module at a path, if it can be read."""
        if path not in self._read:
            tree = self.bodies.tree(path)
            name = self.modules.name_of.get(path) or module_name(path, self.project.paths)
            self._read[path] = (
                ModuleCode(path, name, tree, path.endswith("__init__.py"), _rebound(tree))
                if tree is not None
                else None
            )
        return self._read[path]

    def with_text(self, path: str, text: str) -> Program | None:
        """The same project with another version of one file; None if it cannot be parsed."""
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        other = Program(self.project)
        name = self.modules.name_of.get(path) or module_name(path, self.project.paths)
        other._read[path] = ModuleCode(
            path, name, tree, path.endswith("__init__.py"), _rebound(tree)
        )
        return other

    def bound_at_top(self, module: ModuleCode) -> Mapping[str, list[ast.stmt]]:
        """The statements at the top of a module that give a name its value, by name."""
        known = self._bound.get(module.path)
        if known is None:
            known = self._bound[module.path] = {}
            for node in _top_statements(module.tree.body):
                for name in _bound_names(node):
                    known.setdefault(name, []).append(node)
        return known

    def tops(self, module: ModuleCode) -> dict[str, Value]:
        """The functions and classes that a module defines at its top, also under `if`."""
        known = self._tops.get(module.path)
        if known is None:
            known = self._tops[module.path] = {}
            for node in _definitions(module.tree.body):
                if isinstance(node, ast.ClassDef):
                    known[node.name] = Class(self.class_of(node, module))
                else:
                    known[node.name] = Function(self.function_of(node, module))
        return known

    def function_of(
        self,
        node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda,
        module: ModuleCode,
        prefix: str = "",
        owner: ClassCode | None = None,
    ) -> FunctionCode:
        """The code of a function node; the same for the same node."""
        known = self._functions.get(id(node))
        if known is None:
            own = "lambda" if isinstance(node, ast.Lambda) else node.name
            known = FunctionCode(f"{prefix}{own}", node, module, owner)
            self._functions[id(node)] = known
        return known

    def class_of(self, node: ast.ClassDef, module: ModuleCode, prefix: str = "") -> ClassCode:
        """The code of a class node; the same for the same node."""
        known = self._classes.get(id(node))
        if known is None:
            bases = tuple(self._full(module, dotted(_named(each))) for each in node.bases)
            methods: dict[str, FunctionCode] = {}
            name = f"{prefix}{node.name}"
            fields = {**self._of_tuple(node, module), **_fields(node)}
            known = ClassCode(name, node, module, bases, methods, fields)
            self._classes[id(node)] = known
            for each in _definitions(node.body):
                if not isinstance(each, ast.ClassDef):
                    methods[each.name] = self.function_of(each, module, f"{name}.", known)
        return known

    def tuple_class(self, made: ast.Call, module: ModuleCode) -> ClassCode | None:
        """The class that `namedtuple("Point", "x y")` makes; None where its fields are not text."""
        names = _names_of(made)
        if not names:
            return None
        known = self._classes.get(id(made))
        if known is None:
            node = ast.ClassDef(_text_of(made.args[0]), [], [], [], [])
            ast.copy_location(node, made)
            fields = dict.fromkeys(names, ast.Pass())
            known = ClassCode(node.name, node, module, (_NAMED_TUPLE,), {}, fields)
            self._classes[id(made)] = known
        return known

    def _of_tuple(self, node: ast.ClassDef, module: ModuleCode) -> dict[str, ast.AST]:
        """The fields of `class Point(namedtuple("Point", "x y"))`."""
        for base in node.bases:
            if isinstance(base, ast.Call) and self._full(module, dotted(base.func)) in TUPLE_MAKERS:
                return dict.fromkeys(_names_of(base), ast.Pass())
        return {}

    def lookup(self, full: str) -> Value | None:
        """What a full dotted name stands for, if it is a definition or module of the project."""
        if full not in self._found:
            self._found[full] = None
            self._found[full] = self._look_up(full)
        return self._found[full]

    def _look_up(self, full: str) -> Value | None:
        path, rest = self.split(full)
        if not path:
            return None
        if not rest:
            return Module(path) if self.module(path) is not None else None
        module = self.module(path)
        head, _, tail = rest.partition(".")
        if module is None:
            return None
        found = self.tops(module).get(head)
        if found is None:
            again = self.modules.canonical(f"{self.modules.name_of.get(path, '')}.{head}")
            if again != full and self.split(again)[0] != path:
                found = self.lookup(again)
        if found is None or not tail:
            return found
        if isinstance(found, Class) and tail in found.code.methods:
            return Function(found.code.methods[tail])
        return None

    def split(self, full: str) -> tuple[str, str]:
        """The file of the longest module that begins a name, and what is left of the name."""
        known = self._splits.get(full)
        if known is None:
            known = self._splits[full] = self._split(full)
        return known

    def _split(self, full: str) -> tuple[str, str]:
        head = full
        if full.partition(".")[0] in sys.stdlib_module_names:
            return "", ""
        while head:
            path = self.bodies.path_of(head)
            if path:
                return path, full[len(head) + 1 :]
            head = head.rpartition(".")[0]
        return "", ""

    def _full(self, module: ModuleCode, name: str) -> str:
        return self.modules.resolve(module.path, name) if name else ""

    def full_import(self, module: ModuleCode, target: str) -> str:
        """`..models.Book` as written in a module, as a full name."""
        return absolute_target(target, module.name, is_package=module.is_package)

    def lineage(self, code: ClassCode) -> tuple[tuple[ClassCode, ...], tuple[str, ...]]:
        """The class and the classes of the project above it, nearest first; names of the others."""
        known = self._lineage.get(code)
        if known is None:
            ours: dict[ClassCode, None] = {}
            others: dict[str, None] = {}
            queue = [code]
            while queue and len(ours) < _MAX_LINEAGE:
                at = queue.pop(0)
                if at in ours:
                    continue
                ours[at] = None
                for base in at.bases:
                    found = self.lookup(base) if base else None
                    if isinstance(found, Class):
                        queue.append(found.code)
                    elif base:
                        others[base] = None
            known = self._lineage[code] = tuple(ours), tuple(others)
        return known

    def method(self, code: ClassCode, name: str, *, above: bool = False) -> FunctionCode | None:
        """The method of a class, its own or inherited; with `above` not the class's own."""
        for each in self.lineage(code)[0][1 if above else 0 :]:
            if name in each.methods:
                return each.methods[name]
        return None

    def field_of(self, code: ClassCode, name: str) -> tuple[ClassCode, ast.AST] | None:
        """Where a class, or one above it, gives an attribute in its body."""
        for each in self.lineage(code)[0]:
            if name in each.fields:
                return each, each.fields[name]
        return None


def _definitions(
    body: list[ast.stmt],
) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    stack = list(reversed(body))
    while stack:
        node = stack.pop()
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            yield node
        elif isinstance(node, ast.If | ast.Try | ast.With):
            stack.extend(reversed(node.body))
            stack.extend(reversed(getattr(node, "orelse", [])))
            for handler in getattr(node, "handlers", ()):
                stack.extend(reversed(handler.body))


def _named(base: ast.expr) -> ast.expr:
    """`Base` of `Base[int]`, and `namedtuple` of `namedtuple("Point", "x y")`."""
    if isinstance(base, ast.Subscript):
        return base.value
    return base.func if isinstance(base, ast.Call) and _names_of(base) else base


_NAMED_TUPLE = "typing.NamedTuple"
TUPLE_MAKERS = frozenset({"collections.namedtuple", _NAMED_TUPLE})


def _names_of(made: ast.Call) -> tuple[str, ...]:
    """`("x", "y")` of `namedtuple("Point", "x y")` and of its other spellings."""
    given = made.args[1] if len(made.args) > 1 else None
    if isinstance(given, ast.Constant):
        return tuple(str(given.value).replace(",", " ").split())
    if not isinstance(given, ast.List | ast.Tuple):
        return ()
    pairs = (
        each.elts[0] if isinstance(each, ast.Tuple) and each.elts else each for each in given.elts
    )
    return tuple(filter(None, map(_text_of, pairs)))


def _text_of(node: ast.AST) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _fields(node: ast.ClassDef) -> dict[str, ast.AST]:
    found: dict[str, ast.AST] = {}
    for each in node.body:
        if isinstance(each, ast.Assign):
            for target in each.targets:
                if isinstance(target, ast.Name):
                    found[target.id] = each
        elif isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            found[each.target.id] = each
    return found


def _rebound(tree: ast.Module | None) -> frozenset[str]:
    """The variables of the module that some function sets anew."""
    found: set[str] = set()
    stack: list[ast.AST] = list(tree.body) if tree is not None else []
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Global):
            found |= set(node.names)
        for name in ("body", "orelse", "finalbody", "handlers", "cases"):
            stack.extend(getattr(node, name, ()) if not isinstance(node, ast.expr) else ())
    return frozenset(found)


def _top_statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, ast.If | ast.Try):
            yield from _top_statements(node.body)
            yield from _top_statements(node.orelse)
            for handler in getattr(node, "handlers", ()):
                yield from _top_statements(handler.body)
        else:
            yield node


def _bound_names(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.Assign(targets=targets):
            for target in targets:
                yield from _stored(target)
        case ast.AnnAssign(target=ast.Name(id=name), value=value) if value is not None:
            yield name
        case ast.AugAssign(target=ast.Name(id=name)):
            yield name
        case ast.Import(names=names):
            yield from (each.asname or each.name.partition(".")[0] for each in names)
        case ast.ImportFrom(names=names):
            yield from (each.asname or each.name for each in names)
        case ast.For(target=target):
            yield from _stored(target)
        case ast.With(items=items):
            for item in items:
                if isinstance(item.optional_vars, ast.Name):
                    yield item.optional_vars.id
        case _:
            pass


def _stored(target: ast.expr) -> Iterator[str]:
    if isinstance(target, ast.Name):
        yield target.id
        return
    for each in ast.walk(target):
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            yield each.id
