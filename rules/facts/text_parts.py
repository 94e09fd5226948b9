"""What a text is put together from, inside one function: its constants and its other parts.

Follows variables, `+=`, `%`, `.format`, `.join`, loops over constants and lists that grow.
Numbers, constants and values held against a list of allowed ones are no parts of interest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

import libcst as cst

from rules.facts.routes import is_request_data, view_of
from rules.kit import Binding, Here, Kind, dotted, find, string, walk

_DEPTH = 20


class Origin(Enum):
    """Where a part comes from that is no constant."""

    OUTSIDE = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a text that is not constant."""

    node: cst.CSTNode
    origin: Origin


@dataclass
class Text:
    """The constant stretches of a text in their order, joined, and its other parts."""

    constant: str = ""
    parts: list[Part] = field(default_factory=list)

    @property
    def outside(self) -> Part | None:
        return next((each for each in self.parts if each.origin is Origin.OUTSIDE), None)


HOLE = "\0"
_NUMBERS = frozenset(
    [
        "int",
        "float",
        "bool",
        "len",
        "abs",
        "sum",
        "round",
        "hash",
        "id",
        "ord",
        "range",
        "Decimal",
        "UUID",
        "uuid1",
        "uuid4",
        "hex",
        "monotonic",
        "time",
        "count",
        "date",
        "datetime",
        "timedelta",
        "now",
        "utcnow",
        "today",
        "isoformat",
        "timestamp",
        "total_seconds",
        "hexdigest",
        "perf_counter",
        "isinstance",
        "getpid",
        "bit_length",
        "to_integral",
    ]
)
_NUMBER_TYPES = frozenset(
    [
        "int",
        "float",
        "bool",
        "UUID",
        "Decimal",
        "date",
        "datetime",
        "timedelta",
        "time",
        "Literal",
        "PositiveInt",
    ]
)
_QUOTERS = re.compile(
    r"quote|escape|ident|sanitiz|mogrify|as_sql|compile|_meta|literal|placeholder|adapt|paramstyle"
    r"|sql_with_params|get_db_prep|\bops\b|get_table_name|db_table|\btable_?name\b",
    re.IGNORECASE,
)
_PLAIN_METHODS = frozenset(
    [
        "strip",
        "lstrip",
        "rstrip",
        "lower",
        "upper",
        "title",
        "encode",
        "decode",
        "replace",
        "rstrip",
        "splitlines",
        "split",
        "copy",
        "capitalize",
        "expandtabs",
        "removeprefix",
        "removesuffix",
        "keys",
        "values",
        "items",
        "casefold",
    ]
)
_WRAPPERS = frozenset(
    [
        "str",
        "dedent",
        "cleandoc",
        "list",
        "tuple",
        "set",
        "sorted",
        "reversed",
        "iter",
        "text",
        "SQL",
        "repr",
        "enumerate",
        "zip",
        "indent",
        "chain",
        "unique",
        "filter",
    ]
)
_DIRECTIVE = re.compile(r"%(?:\((\w+)\))?[-+ #0]*+(?:\*|\d++)?(?:\.\d++)?([a-zA-Z%])")
_CONSTANT_NAME = re.compile(r"^_*[A-Z][A-Z0-9_]*$")
_CONSTANT_ATTRIBUTES = frozenset(
    {"__name__", "__tablename__", "__class__", "db_table", "column", "attname"}
)


class Tracer:
    """Reads texts of one file."""

    def __init__(self, here: Here) -> None:
        self._here = here
        self._busy: set[int] = set()
        self._allowed: dict[int, frozenset[str]] = {}
        self._appended: dict[int, Mapping[str, Sequence[cst.BaseExpression]]] = {}
        self._sources: dict[int, Mapping[str, cst.CSTNode]] = {}

    def text(self, node: cst.CSTNode) -> Text:
        """A text expression, taken apart."""
        found = Text()
        self._add(node, found, _DEPTH)
        return found

    def _add(self, node: cst.CSTNode | None, to: Text, depth: int) -> None:
        if node is None or id(node) in self._busy:
            return
        if depth <= 0 and string(node) is None:
            self._leaf(node, to)
            return
        self._busy.add(id(node))
        try:
            self._expression(node, to, depth - 1)
        finally:
            self._busy.discard(id(node))

    def _expression(self, node: cst.CSTNode, to: Text, depth: int) -> None:  # noqa: C901, PLR0912 - one case a kind of expression
        constant = string(node)
        if constant is not None:
            to.constant += constant
            return
        match node:
            case cst.Integer() | cst.Float() | cst.Comparison() | cst.UnaryOperation():
                pass
            case cst.FormattedString(parts=parts):
                self._formatted(parts, to, depth)
            case cst.ConcatenatedString(left=left, right=right):
                self._all((left, right), to, depth)
            case cst.BinaryOperation(left=left, operator=cst.Modulo(), right=right):
                self._percent(left, right, to, depth)
            case cst.BinaryOperation(left=left, operator=cst.Multiply()):
                self._add(left, to, depth)
            case cst.BinaryOperation(left=left, operator=cst.Add(), right=right):
                self._all((left, right), to, depth)
            case cst.BooleanOperation(left=left, right=right):
                self._all((left, right), to, depth)
            case cst.IfExp(body=body, orelse=orelse):
                self._all((body, orelse), to, depth)
            case cst.NamedExpr(value=value) | cst.Await(expression=value):
                self._add(value, to, depth)
            case cst.StarredElement(value=value):
                self._add(value, to, depth)
            case (
                cst.List(elements=elements)
                | cst.Tuple(elements=elements)
                | cst.Set(elements=elements)
            ):
                self._elements(elements, to, depth)
            case cst.Dict(elements=pairs):
                for pair in pairs:
                    if isinstance(pair, cst.DictElement):
                        self._all((pair.key, pair.value), to, depth)
            case cst.ListComp(elt=elt) | cst.SetComp(elt=elt) | cst.GeneratorExp(elt=elt):
                self._add(elt, to, depth)
            case cst.Call():
                self._call(node, to, depth)
            case cst.Name():
                self._name(node, to, depth)
            case cst.Attribute():
                self._attribute(node, to, depth)
            case cst.Subscript(value=inner):
                self._subscript(node, inner, to, depth)
            case _:
                self._leaf(node, to)

    def _all(self, nodes: Sequence[cst.CSTNode], to: Text, depth: int) -> None:
        for each in nodes:
            self._add(each, to, depth)

    def _elements(self, elements: Sequence[cst.BaseElement], to: Text, depth: int) -> None:
        for each in elements:
            self._add(each.value, to, depth)
            to.constant += " "

    def _formatted(
        self, parts: Sequence[cst.BaseFormattedStringContent], to: Text, depth: int
    ) -> None:
        for each in parts:
            if isinstance(each, cst.FormattedStringText):
                to.constant += each.value
            elif isinstance(each, cst.FormattedStringExpression) and not _is_number_format(each):
                to.constant += HOLE
                self._add(each.expression, to, depth)

    def _percent(self, left: cst.CSTNode, right: cst.CSTNode, to: Text, depth: int) -> None:
        pattern = Text()
        self._add(left, pattern, depth)
        kinds = [match[2] for match in _DIRECTIVE.finditer(pattern.constant) if match[2] != "%"]
        to.constant += _DIRECTIVE.sub(lambda m: "%" if m[2] == "%" else HOLE, pattern.constant)
        to.parts += pattern.parts
        given = self._here.value_of(right)
        if isinstance(given, cst.Tuple) and len(given.elements) == len(kinds):
            for kind, each in zip(kinds, given.elements, strict=True):
                if kind in "sra":
                    self._add(each.value, to, depth)
        elif isinstance(given, cst.Dict):
            for pair in given.elements:
                self._add(pair.value, to, depth)
        elif any(kind in "sra" for kind in kinds) or not kinds:
            self._add(right, to, depth)

    def _call(self, node: cst.Call, to: Text, depth: int) -> None:
        if is_request_data(node, self._here):
            to.parts.append(Part(node, Origin.OUTSIDE))
            return
        name = dotted(node.func).rpartition(".")[2]
        receiver = node.func.value if isinstance(node.func, cst.Attribute) else None
        name = node.func.attr.value if isinstance(node.func, cst.Attribute) else name
        arguments = [each.value for each in node.args]
        if name in _NUMBERS or _QUOTERS.search(self._here.source(node.func)):
            return
        if name in {"format", "format_map"} and receiver is not None:
            self._format(receiver, arguments, to, depth)
        elif name == "join" and receiver is not None:
            self._all([receiver, *arguments], to, depth)
        elif name in _PLAIN_METHODS and receiver is not None:
            self._add(receiver, to, depth)
            if name == "replace":
                self._all(arguments[1:], to, depth)
        elif name in {"get", "pop"} and receiver is not None:
            self._lookup(node, receiver, arguments[1:], to, depth)
        elif name in _WRAPPERS:
            self._all(arguments, to, depth)
        elif name == "map" and len(arguments) == 2:
            self._map(arguments, to, depth)
        elif receiver is not None and string(self._here.value_of(receiver)) is not None:
            pass
        else:
            self._leaf(node, to)

    def _format(
        self, receiver: cst.CSTNode, arguments: list[cst.BaseExpression], to: Text, depth: int
    ) -> None:
        pattern = Text()
        self._add(receiver, pattern, depth)
        to.constant += re.sub(r"\{[^{}]*\}", HOLE, pattern.constant)
        to.parts += pattern.parts
        if not _is_composed(receiver):
            self._all(arguments, to, depth)

    def _lookup(
        self,
        node: cst.Call,
        receiver: cst.CSTNode,
        fallback: Sequence[cst.CSTNode],
        to: Text,
        depth: int,
    ) -> None:
        """`TABLES.get(key, default)` is constant where the dictionary is."""
        table = self._here.value_of(receiver)
        if isinstance(table, cst.Dict):
            self._add(table, to, depth)
            self._all(fallback, to, depth)
        elif not _CONSTANT_NAME.match(dotted(receiver).rpartition(".")[2]):
            self._leaf(node, to)

    def _map(self, arguments: list[cst.BaseExpression], to: Text, depth: int) -> None:
        name = dotted(arguments[0]).rpartition(".")[2]
        if name not in _NUMBERS and not _QUOTERS.search(name):
            self._add(arguments[1], to, depth)

    def _name(self, node: cst.Name, to: Text, depth: int) -> None:
        if node.value in {"None", "True", "False"} or self._is_checked(node):
            return
        bound = self._here.bindings(node)
        if not bound or _CONSTANT_NAME.match(node.value):
            if not _CONSTANT_NAME.match(node.value):
                self._leaf(node, to)
            elif all(each.kind is Kind.VALUE for each in bound):
                self._all([b.node for b in bound if b.node is not None], to, depth)
            return
        for each in bound:
            self._binding(node, each, to, depth)
        self._grown(node, to, depth)

    def _binding(self, name: cst.Name, bound: Binding, to: Text, depth: int) -> None:
        match bound:
            case Binding(kind=Kind.VALUE | Kind.ELEMENT, node=value) if value is not None:
                self._add(value, to, depth)
            case Binding(kind=Kind.OTHER, node=cst.AugAssign(value=value)):
                self._add(value, to, depth)
            case Binding(kind=Kind.PARAMETER, node=cst.Param() as parameter):
                self._parameter(name, parameter, to)
            case Binding(kind=Kind.IMPORT):
                if not _QUOTERS.search(name.value):
                    self._leaf(name, to)
            case Binding(kind=Kind.OTHER, node=None):
                self._unpacked(name, to, depth)
            case _:
                self._leaf(name, to)

    def _parameter(self, name: cst.Name, parameter: cst.Param, to: Text) -> None:
        if parameter.annotation is not None:
            words = {each.value for each in find(parameter.annotation, cst.Name)}
            if words & _NUMBER_TYPES and "str" not in words:
                return
        owner = self._here.around(parameter, cst.FunctionDef)
        view = view_of(owner, self._here) if owner is not None else None
        outside = view is not None and name.value in view.text
        if outside or not _QUOTERS.search(name.value):
            to.parts.append(Part(name, Origin.OUTSIDE if outside else Origin.UNKNOWN))

    def _unpacked(self, name: cst.Name, to: Text, depth: int) -> None:
        """`for table, column in PAIRS`, `a, b = PAIR`: constant where the other side is."""
        around = self._here.function(name) or self._here.module
        source = self._sources_in(around).get(name.value) if around is not None else None
        if source is not None:
            self._add(source, to, depth)
        else:
            self._leaf(name, to)

    def _sources_in(self, around: cst.CSTNode) -> Mapping[str, cst.CSTNode]:
        """By name: what is first looped over or unpacked to give it."""
        known = self._sources.get(id(around))
        if known is None:
            found: dict[str, cst.CSTNode] = {}
            for target, source in _unpackings(around):
                for one in find(target, cst.Name):
                    found.setdefault(one.value, source)
            known = self._sources[id(around)] = found
        return known

    def _grown(self, name: cst.Name, to: Text, depth: int) -> None:
        """What is appended to a list of this name in the function."""
        around = self._here.function(name)
        for each in self._appended_in(around).get(name.value, ()) if around is not None else ():
            self._add(each, to, depth)
            to.constant += " "

    def _appended_in(self, function: cst.FunctionDef) -> Mapping[str, Sequence[cst.BaseExpression]]:
        """By the name of a list: what the function appends to it."""
        known = self._appended.get(id(function))
        if known is None:
            found: dict[str, list[cst.BaseExpression]] = {}
            for each in find(function, cst.Call):
                match each.func:
                    case cst.Attribute(
                        value=cst.Name(value=owner),
                        attr=cst.Name(value="append" | "extend" | "insert"),
                    ) if each.args:
                        found.setdefault(owner, []).append(each.args[-1].value)
            known = self._appended[id(function)] = found
        return known

    def _attribute(self, node: cst.Attribute, to: Text, depth: int) -> None:
        if is_request_data(node, self._here):
            to.parts.append(Part(node, Origin.OUTSIDE))
            return
        last, source = node.attr.value, self._here.source(node)
        if _CONSTANT_NAME.match(last) or last in _CONSTANT_ATTRIBUTES or _QUOTERS.search(source):
            return
        if last in {"query", "id", "pk"} or self._is_checked(node):
            return
        values = list(self._held(node))
        if values:
            self._all(values, to, depth)
        elif last in {"value", "name"} and _CONSTANT_NAME.match(
            dotted(node.value).rpartition(".")[2]
        ):
            return
        else:
            self._leaf(node, to)

    def _held(self, node: cst.Attribute) -> Iterator[cst.CSTNode]:
        """What the class itself assigns to `self.x`, in its body or in its methods."""
        owner = self._here.around(node, cst.ClassDef)
        if owner is None or not isinstance(node.value, cst.Name):
            return
        if node.value.value not in {"self", "cls", owner.name.value}:
            return
        for each in find(owner, cst.AssignTarget, cst.AnnAssign):
            target = each.target if isinstance(each, cst.AssignTarget | cst.AnnAssign) else each
            in_body = (
                isinstance(target, cst.Name)
                and target.value == node.attr.value
                and self._here.around(each, cst.ClassDef, cst.FunctionDef) is owner
            )
            if in_body or dotted(target) == dotted(node):
                held = self._here.parent(each) if isinstance(each, cst.AssignTarget) else each
                if isinstance(held, cst.Assign | cst.AnnAssign) and held.value is not None:
                    yield held.value

    def _subscript(
        self, node: cst.Subscript, inner: cst.BaseExpression, to: Text, depth: int
    ) -> None:
        if is_request_data(node, self._here):
            to.parts.append(Part(node, Origin.OUTSIDE))
            return
        held = self._here.value_of(inner)
        if _CONSTANT_NAME.match(dotted(inner).rpartition(".")[2]):
            return
        if isinstance(held, cst.Dict | cst.List | cst.Tuple | cst.Call):
            self._add(held, to, depth)
        elif not _QUOTERS.search(self._here.source(node)) and not self._is_checked(node):
            self._leaf(node, to)

    def _leaf(self, node: cst.CSTNode, to: Text) -> None:
        outside = is_request_data(node, self._here)
        to.parts.append(Part(node, Origin.OUTSIDE if outside else Origin.UNKNOWN))

    def _is_checked(self, node: cst.CSTNode) -> bool:
        """Whether the function holds the value against a list, a pattern or a validator."""
        around = self._here.function(node)
        wanted = self._here.source(node)
        return around is not None and wanted in self._checked(around)

    def _checked(self, function: cst.FunctionDef) -> frozenset[str]:
        known = self._allowed.get(id(function))
        if known is None:
            known = self._allowed[id(function)] = self._read_checks(function)
        return known

    def _read_checks(self, function: cst.FunctionDef) -> frozenset[str]:
        found: set[str] = set()
        for each in walk(function):
            match each:
                case cst.Comparison(left=left, comparisons=[target]):
                    if _is_list_of_allowed(target, self._here):
                        found.add(self._here.source(left))
                case cst.Call(func=cst.Attribute(value=owner, attr=cst.Name(value=name))) if (
                    name in _CHARACTER_TESTS
                ):
                    found.add(self._here.source(owner))
                case cst.Call(func=func, args=args) if _VALIDATES.search(dotted(func)):
                    found |= {self._here.source(one.value) for one in args}
        return frozenset(found)


def _unpackings(around: cst.CSTNode) -> Iterator[tuple[cst.CSTNode, cst.CSTNode]]:
    for each in walk(around):
        match each:
            case cst.For(target=target, iter=source) | cst.CompFor(target=target, iter=source):
                yield target, source
            case cst.Assign(targets=[cst.AssignTarget(cst.Tuple() as target)], value=source):
                yield target, source


_CHARACTER_TESTS = frozenset(
    {"isdigit", "isdecimal", "isnumeric", "isidentifier", "isalnum", "isalpha"}
)
_VALIDATES = re.compile(
    r"(?:^|\.)(?=\w*+$)(?:\w*_)?(?:(?:fullmatch|match)$|validate|check|assert|ensure|verify)"
)


def _is_list_of_allowed(target: cst.ComparisonTarget, here: Here) -> bool:
    """`in ALLOWED` is a list of what is allowed, `in "text"` is none."""
    if not isinstance(target.operator, cst.In | cst.NotIn):
        return False
    return string(here.value_of(target.comparator)) is None


def _is_number_format(node: cst.FormattedStringExpression) -> bool:
    spec = node.format_spec or ()
    text = "".join(each.value for each in spec if isinstance(each, cst.FormattedStringText))
    return bool(re.search(r"[bcdeEfFgGnoxX]$", text))


def _is_composed(node: cst.CSTNode) -> bool:
    """`SQL("...").format(...)` of psycopg, which quotes what it is given."""
    return isinstance(node, cst.Call) and dotted(node.func).rpartition(".")[2] == "SQL"
