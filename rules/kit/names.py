"""What a name means where it stands: imports, definitions, variables bound once.

Answers as LibCST's QualifiedNameProvider does, on demand and per function, without its
seven parses. A variable that is bound exactly once stands for what it was bound to, so
`session.get` is `requests.Session.get` after `session = requests.Session()`.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cached_property
from typing import Any

import libcst as cst

from rules.kit.tree import children, parents_of

_BUILTINS = frozenset(dir(builtins))
_FUNCTIONS = (cst.FunctionDef, cst.Lambda)
_COMPREHENSIONS = (cst.ListComp, cst.SetComp, cst.DictComp, cst.GeneratorExp)
_SCOPES = frozenset({*_FUNCTIONS, *_COMPREHENSIONS, cst.ClassDef, cst.Module})
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
    if node.__class__ is cst.Name:
        return node.value
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
        pop, extend, get = stack.pop, stack.extend, _BINDING.get
        while stack:
            node = pop()
            bind = get(node.__class__)
            if bind is None or bind(self, node):
                below = children(node)
                if below:
                    below.reverse()
                    extend(below)
        return self.table

    # Each of these binds what its node binds; true if what lies below belongs to this scope too.

    def definition(self, node: cst.FunctionDef | cst.ClassDef) -> bool:
        name = node.name.value
        self.table.bind(name, Binding(Kind.DEFINITION, self._prefix + name, node))
        return False

    def nested(self, _node: cst.CSTNode) -> bool:
        return False

    def imported(self, node: cst.Import | cst.ImportFrom) -> bool:
        if isinstance(node, cst.Import):
            self._import(node)
        else:
            self._import_from(node)
        return False

    def assigned(self, node: cst.Assign) -> bool:
        for each in node.targets:
            self._target(each.target, node.value)
        return True

    def annotated(self, node: cst.AnnAssign | cst.NamedExpr) -> bool:
        self._target(node.target, node.value)
        return True

    def augmented(self, node: cst.AugAssign) -> bool:
        if isinstance(node.target, cst.Name):
            self.table.bind(node.target.value, Binding(Kind.OTHER, node=node))
        return True

    def looped(self, node: cst.For | cst.CompFor) -> bool:
        self._target(node.target, node.iter, Kind.ELEMENT)
        return True

    def entered(self, node: cst.WithItem) -> bool:
        if node.asname is not None:
            self._target(node.asname.name, node.item)
        return True

    def caught(self, node: cst.ExceptHandler) -> bool:
        if node.name is not None:
            self._target(node.name.name, None)
        return True

    def declared(self, node: cst.Global | cst.Nonlocal) -> bool:
        self.table.outer |= {each.name.value for each in node.names}
        return False

    def matched(self, node: cst.MatchAs | cst.MatchStar) -> bool:
        if node.name is not None:
            self.table.bind(node.name.value, Binding(Kind.OTHER, node=node))
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


# By class, because `isinstance` on LibCST's abstract classes is slow where it says no.
_BINDING: Mapping[type, Callable[[_Binder, Any], bool]] = {
    cst.FunctionDef: _Binder.definition,
    cst.ClassDef: _Binder.definition,
    cst.Lambda: _Binder.nested,
    cst.ListComp: _Binder.nested,
    cst.SetComp: _Binder.nested,
    cst.DictComp: _Binder.nested,
    cst.GeneratorExp: _Binder.nested,
    cst.Import: _Binder.imported,
    cst.ImportFrom: _Binder.imported,
    cst.Assign: _Binder.assigned,
    cst.AnnAssign: _Binder.annotated,
    cst.NamedExpr: _Binder.annotated,
    cst.AugAssign: _Binder.augmented,
    cst.For: _Binder.looped,
    cst.CompFor: _Binder.looped,
    cst.WithItem: _Binder.entered,
    cst.ExceptHandler: _Binder.caught,
    cst.Global: _Binder.declared,
    cst.Nonlocal: _Binder.declared,
    cst.MatchAs: _Binder.matched,
    cst.MatchStar: _Binder.matched,
}


class Names:
    """The names of one module. `module_name` is its dotted name, empty if not known."""

    def __init__(
        self,
        module: cst.Module,
        module_name: str,
        *,
        is_package: bool = False,
        parents: Mapping[int, cst.CSTNode] | None = None,
    ) -> None:
        """`parents` as `parents_of` gives them, where they are known."""
        self._module = module
        self._given = parents
        self._module_name = module_name
        self._package = module_name if is_package else module_name.rpartition(".")[0]
        self._tables: dict[int, _Table] = {}
        # By id: only of nodes of the module, which live as long as it is held here.
        self._known: dict[int, frozenset[str]] = {}

    @cached_property
    def parents(self) -> Mapping[int, cst.CSTNode]:
        return self._given if self._given is not None else parents_of(self._module)

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
        above = self.parents.get
        while (around := above(id(before))) is not None:
            kind: type = around.__class__
            if kind in _SCOPES and not _outside(around, before):
                if kind is cst.ClassDef and not direct:
                    before = around
                    continue
                table = self._table(around)
                if name.value in table.names and name.value not in table.outer:
                    return tuple(table.names[name.value])
                direct = False
            before = around
        return ()

    def at_top(self, name: str) -> tuple[Binding, ...]:
        """Every binding of a name at the level of the module."""
        return tuple(self._table(self._module).names.get(name, ()))

    def names(self, node: cst.CSTNode | None, depth: int = _DEPTH) -> frozenset[str]:
        """The dotted names that an expression may stand for; a call has its function's."""
        if depth == _DEPTH and id(node) in self.parents:
            known = self._known.get(id(node))
            if known is None:
                known = self._known[id(node)] = self._names(node, depth)
            return known
        return self._names(node, depth)

    def _names(self, node: cst.CSTNode | None, depth: int) -> frozenset[str]:
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
