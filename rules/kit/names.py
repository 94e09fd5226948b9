"""What a name means where it stands: imports, definitions, variables bound once.

Answers as LibCST's QualifiedNameProvider does, on demand and per function, without its
seven parses. A variable that is bound exactly once stands for what it was bound to, so
`session.get` is `requests.Session.get` after `session = requests.Session()`.
"""

from __future__ import annotations

import builtins
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cached_property

import libcst as cst

from rules.kit.tree import children, parents_of

_BUILTINS = frozenset(dir(builtins))
_FUNCTIONS = (cst.FunctionDef, cst.Lambda)
_COMPREHENSIONS = (cst.ListComp, cst.SetComp, cst.DictComp, cst.GeneratorExp)
_SCOPES = (*_FUNCTIONS, *_COMPREHENSIONS, cst.ClassDef, cst.Module)
_DEPTH = 8


class Kind(Enum):
    IMPORT = auto()
    DEFINITION = auto()
    VALUE = auto()
    PARAMETER = auto()
    ELEMENT = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Binding:
    """One way in which a name gets its value.

    `target` is the dotted name of an import or definition; `node` is the value assigned,
    the parameter, the iterable whose element it is, or whatever else binds the name.
    """

    kind: Kind
    target: str = ""
    node: cst.CSTNode | None = None


def dotted(node: cst.CSTNode | None) -> str:
    """`a.b.c` as it is written, or nothing if it is not a plain chain of names."""
    parts: list[str] = []
    while isinstance(node, cst.Attribute):
        parts.append(node.attr.value)
        node = node.value
    if not isinstance(node, cst.Name):
        return ""
    parts.append(node.value)
    return ".".join(reversed(parts))


def absolute(package: str, level: int, module: str) -> str:
    """The full name of `from ...module import`, seen from `package`."""
    if not level:
        return module
    parts = package.split(".") if package else []
    base = parts[: len(parts) - level + 1] if level > 1 else parts
    return ".".join([*base, module] if module else base)


@dataclass
class _Table:
    names: dict[str, list[Binding]] = field(default_factory=dict)
    outer: set[str] = field(default_factory=set)

    def bind(self, name: str, binding: Binding) -> None:
        self.names.setdefault(name, []).append(binding)


class _Binder:
    """Fills the table of one scope from its statements, leaving nested scopes alone."""

    def __init__(self, package: str, qualname: str) -> None:
        self.table = _Table()
        self._package = package
        self._prefix = f"{qualname}." if qualname else ""

    def parameters(self, params: cst.Parameters) -> None:
        every = [*params.posonly_params, *params.params, *params.kwonly_params]
        stars = (params.star_arg, params.star_kwarg)
        every.extend(star for star in stars if isinstance(star, cst.Param))
        for each in every:
            self.table.bind(each.name.value, Binding(Kind.PARAMETER, node=each))

    def run(self, roots: list[cst.CSTNode]) -> _Table:
        stack = roots[::-1]
        while stack:
            node = stack.pop()
            if self._visit(node):
                stack.extend(children(node)[::-1])
        return self.table

    def _visit(self, node: cst.CSTNode) -> bool:  # noqa: C901, PLR0912 - one case a kind of binding
        """Bind what `node` binds; true if what is below it belongs to this scope too."""
        match node:
            case cst.FunctionDef() | cst.ClassDef():
                name = node.name.value
                self.table.bind(name, Binding(Kind.DEFINITION, self._prefix + name, node))
                return False
            case (
                cst.Lambda() | cst.ListComp() | cst.SetComp() | cst.DictComp() | cst.GeneratorExp()
            ):
                return False
            case cst.Import():
                self._import(node)
            case cst.ImportFrom():
                self._import_from(node)
            case cst.Assign(targets=targets, value=value):
                for each in targets:
                    self._target(each.target, value)
            case cst.AnnAssign(target=target, value=value):
                self._target(target, value)
            case cst.AugAssign(target=cst.Name(value=name)):
                self.table.bind(name, Binding(Kind.OTHER, node=node))
            case cst.NamedExpr(target=target, value=value):
                self._target(target, value)
            case cst.For(target=target, iter=source) | cst.CompFor(target=target, iter=source):
                self._target(target, source, Kind.ELEMENT)
            case cst.WithItem(item=item, asname=cst.AsName(name=target)):
                self._target(target, item)
            case cst.ExceptHandler(name=cst.AsName(name=target)):
                self._target(target, None)
            case cst.Global(names=names) | cst.Nonlocal(names=names):
                self.table.outer |= {each.name.value for each in names}
            case cst.MatchAs(name=cst.Name(value=name)) | cst.MatchStar(name=cst.Name(value=name)):
                self.table.bind(name, Binding(Kind.OTHER, node=node))
            case _:
                pass
        return True

    def _import(self, node: cst.Import) -> None:
        for alias in node.names:
            full = dotted(alias.name)
            if alias.asname is not None:
                self.table.bind(dotted(alias.asname.name), Binding(Kind.IMPORT, full, node))
            else:
                head = full.partition(".")[0]
                self.table.bind(head, Binding(Kind.IMPORT, head, node))

    def _import_from(self, node: cst.ImportFrom) -> None:
        if isinstance(node.names, cst.ImportStar):
            return
        module = absolute(self._package, len(node.relative), dotted(node.module))
        for alias in node.names:
            name = dotted(alias.name)
            local = dotted(alias.asname.name) if alias.asname is not None else name
            target = f"{module}.{name}" if module else name
            self.table.bind(local, Binding(Kind.IMPORT, target, node))

    def _target(
        self, target: cst.CSTNode, value: cst.CSTNode | None, kind: Kind = Kind.VALUE
    ) -> None:
        match target:
            case cst.Name(value=name):
                found = Binding(kind if value is not None else Kind.OTHER, node=value)
                self.table.bind(name, found)
            case cst.Tuple(elements=elements) | cst.List(elements=elements):
                for each in elements:
                    self._target(each.value, None)
            case cst.StarredElement(value=inner):
                self._target(inner, None)
            case _:
                pass


class Names:
    """The names of one module. `module_name` is its dotted name, empty if not known."""

    def __init__(self, module: cst.Module, module_name: str, *, is_package: bool = False) -> None:
        self._module = module
        self._module_name = module_name
        self._package = module_name if is_package else module_name.rpartition(".")[0]
        self._tables: dict[int, _Table] = {}

    @cached_property
    def parents(self) -> dict[int, cst.CSTNode]:
        return parents_of(self._module)

    def ancestors(self, node: cst.CSTNode) -> list[cst.CSTNode]:
        """Everything around `node`, the nearest first, the module last."""
        found = []
        at = self.parents.get(id(node))
        while at is not None:
            found.append(at)
            at = self.parents.get(id(at))
        return found

    def qualname(self, node: cst.CSTNode) -> str:
        """The classes and functions around `node`, and itself if it is one: `Shop.close`."""
        around = [node, *self.ancestors(node)]
        named = [n.name.value for n in around if isinstance(n, cst.FunctionDef | cst.ClassDef)]
        return ".".join(reversed(named))

    def bindings(self, name: cst.Name) -> tuple[Binding, ...]:
        """Every binding of the name in the scope that it refers to; none if unknown."""
        before: cst.CSTNode = name
        direct = True
        for around in self.ancestors(name):
            if isinstance(around, _SCOPES) and not _outside(around, before):
                if isinstance(around, cst.ClassDef) and not direct:
                    before = around
                    continue
                table = self._table(around)
                if name.value in table.names and name.value not in table.outer:
                    return tuple(table.names[name.value])
                direct = False
            before = around
        return ()

    def names(self, node: cst.CSTNode | None, depth: int = _DEPTH) -> frozenset[str]:
        """The dotted names that an expression may stand for; a call has its function's."""
        if depth <= 0:
            return frozenset()
        match node:
            case cst.Name():
                return self._of_name(node, depth)
            case cst.Attribute(value=value, attr=cst.Name(value=attribute)):
                bases = self.names(value, depth - 1)
                return frozenset(f"{base}.{attribute}" for base in bases)
            case cst.Call(func=inner) | cst.Subscript(value=inner) | cst.Await(expression=inner):
                return self.names(inner, depth - 1)
            case _:
                return frozenset()

    def _of_name(self, node: cst.Name, depth: int) -> frozenset[str]:
        bound = self.bindings(node)
        if not bound:
            return frozenset({f"builtins.{node.value}"} if node.value in _BUILTINS else ())
        found: set[str] = set()
        values = [each for each in bound if each.kind is Kind.VALUE]
        for each in bound:
            if each.kind is Kind.IMPORT:
                found.add(each.target)
            elif each.kind is Kind.DEFINITION:
                found.add(
                    f"{self._module_name}.{each.target}" if self._module_name else each.target
                )
        if len(bound) == 1 and values:
            found |= self.names(values[0].node, depth - 1)
            if not found and self._is_global(node):
                found.add(f"{self._module_name}.{node.value}" if self._module_name else node.value)
        return frozenset(found)

    def _is_global(self, node: cst.Name) -> bool:
        return node.value in self._table(self._module).names

    def _table(self, scope: cst.CSTNode) -> _Table:
        table = self._tables.get(id(scope))
        if table is None:
            table = self._tables[id(scope)] = self._read(scope)
        return table

    def _read(self, scope: cst.CSTNode) -> _Table:
        qualname = "" if isinstance(scope, cst.Module) else self.qualname(scope)
        binder = _Binder(self._package, qualname)
        if isinstance(scope, cst.FunctionDef | cst.Lambda):
            binder.parameters(scope.params)
            return binder.run([scope.body])
        if isinstance(scope, cst.ClassDef):
            return binder.run([scope.body])
        if isinstance(scope, cst.ListComp | cst.SetComp | cst.GeneratorExp):
            return binder.run([scope.for_in, scope.elt])
        return binder.run(children(scope))


def _outside(scope: cst.CSTNode, child: cst.CSTNode) -> bool:
    """Decorators, defaults, annotations and bases belong to the scope around a definition."""
    if isinstance(scope, cst.FunctionDef | cst.ClassDef):
        return child is not scope.body and not isinstance(child, cst.Parameters)
    return False
