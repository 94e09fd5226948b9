"""An expression such as `Book.objects.filter(...).all()`, taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass

import libcst as cst

from rules.kit import Here, dotted

_DEPTH = 40
SLICE = "[]"


@dataclass(frozen=True, slots=True)
class Link:
    """One step: an attribute, its call if it is called, or `SLICE`."""

    name: str
    call: cst.Call | None
    node: cst.BaseExpression


@dataclass(frozen=True, slots=True)
class Chain:
    """`root` with the links after it, in order. Variables that are bound once are followed."""

    root: cst.CSTNode
    links: tuple[Link, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.links)

    def calls(self, *names: str) -> bool:
        """Whether any of these is in the chain."""
        return any(each.name in names for each in self.links)


def chain_of(node: cst.CSTNode, here: Here) -> Chain:
    """The chain that an expression is; without links, where it is something else."""
    links: list[Link] = []
    at: cst.CSTNode = node
    for _ in range(_DEPTH):
        match at:
            case cst.Call(func=cst.Attribute(value=owner, attr=cst.Name(value=name))):
                links.append(Link(name, at, at))
                at = owner
            case cst.Attribute(value=owner, attr=cst.Name(value=name)):
                links.append(Link(name, None, at))
                at = owner
            case cst.Subscript(value=owner):
                links.append(Link(SLICE, None, at))
                at = owner
            case cst.Await(expression=inner):
                at = inner
            case cst.Name():
                value = here.value_of(at)
                if value is at or not isinstance(value, _FOLLOWED):
                    break
                at = value
            case _:
                break
    return Chain(at, tuple(reversed(links)))


_FOLLOWED = (cst.Call, cst.Attribute, cst.Subscript, cst.Await, cst.Name)
_DJANGO_SAME = frozenset(
    {"all", "order_by", "select_related", "prefetch_related", "annotate", "only", "defer", "using"}
    | {"values", "values_list", "reverse", "alias"}
)
_ALCHEMY_SAME = frozenset(
    {
        "order_by",
        "options",
        "execution_options",
        "add_columns",
        "with_entities",
        "scalars",
        "unique",
    }
    | {"all", "fetchall", "mappings", "tuples", "populate_existing"}
)


@dataclass(frozen=True, slots=True)
class WholeTable:
    """A query for every row of one table. `model` is its class as written."""

    model: str
    framework: str
    ordered: bool


def whole_table(node: cst.CSTNode, here: Here) -> WholeTable | None:
    """What an expression loads, if that is all rows of a table."""
    chain = chain_of(node, here)
    if not chain.links:
        return None
    return _django(chain) or _sqlalchemy(chain, here)


def _django(chain: Chain) -> WholeTable | None:
    """`Book.objects.all()` with whatever neither leaves rows out nor cuts them."""
    names = chain.names
    if "objects" not in names or not isinstance(chain.root, cst.Name):
        return None
    at = names.index("objects")
    before = [chain.root.value, *names[:at]]
    rest = chain.links[at + 1 :]
    if not rest or any(each.name not in _DJANGO_SAME or each.call is None for each in rest):
        return None
    if not before[-1][:1].isupper():
        return None
    return WholeTable(before[-1], "django", "order_by" in names)


def _sqlalchemy(chain: Chain, here: Here) -> WholeTable | None:
    names = chain.names
    if names[-1] not in ("all", "fetchall"):
        return None
    if "query" in names:
        return _by_query(chain)
    for number, link in enumerate(chain.links):
        if link.name in ("execute", "scalars", "exec") and link.call is not None and link.call.args:
            if any(each.name not in _ALCHEMY_SAME for each in chain.links[number + 1 :]):
                return None
            statement = chain_of(link.call.args[0].value, here)
            return _by_select(statement, here)
    return None


def _by_query(chain: Chain) -> WholeTable | None:
    """`session.query(Book)...all()` and `Book.query...all()`."""
    at = chain.names.index("query")
    rest = chain.links[at + 1 :]
    link = chain.links[at]
    if any(each.name not in _ALCHEMY_SAME for each in rest):
        return None
    if link.call is None:
        owner = [dotted(chain.root), *chain.names[:at]]
        model = ".".join(filter(None, owner)).rpartition(".")[2]
    else:
        model = _single_class(link.call)
    if not model[:1].isupper():
        return None
    return WholeTable(model, "sqlalchemy", "order_by" in chain.names)


def _by_select(statement: Chain, here: Here) -> WholeTable | None:
    root: cst.CSTNode = statement.root
    links = statement.links
    if isinstance(root, cst.Call):
        call = root
    elif links and links[0].name == "select" and links[0].call is not None:
        call, links = links[0].call, links[1:]
    else:
        return None
    if dotted(call.func).rpartition(".")[2] != "select" or not _is_select(call, here):
        return None
    if any(each.name not in _ALCHEMY_SAME for each in links):
        return None
    model = _single_class(call)
    ordered = any(each.name == "order_by" for each in links)
    return WholeTable(model, "sqlalchemy", ordered) if model[:1].isupper() else None


def _is_select(call: cst.Call, here: Here) -> bool:
    return any(each.startswith(("sqlalchemy", "sqlmodel")) for each in here.names(call.func))


def _single_class(call: cst.Call) -> str:
    """The one class that is asked for; nothing for columns and several."""
    plain = [each for each in call.args if each.keyword is None and not each.star]
    if len(plain) != 1 or len(call.args) != 1:
        return ""
    return dotted(plain[0].value).rpartition(".")[2]


_LOOKUP = re.compile(
    r"(Countr(y|ies)|Currenc(y|ies)|Language|Locale|Categor(y|ies)|Tag|Role|Permission|Status(es)?|Type|Kind"
    r"|Plan|Tier|Setting|Config(uration)?|Option|Unit|State|Region|Time_?[zZ]one|Colou?r|Size|Group|Feature"
    r"|Flag|Level|Priorit(y|ies)|Badge|Choice|Menu|Banner|F[aA][qQ]|Section|Provider|Channel|Webhook|Department"
    r"|Template|Theme|Gateway|Method|Rate|Zone|Warehouse|Brand|Genre|Topic|Label|Skill|Source|Scope|Release"
    r"|Version|Site|Instance|Environment|Schedule|Queue|Worker|Constant|Lookup|Reason|Announcement|Room|Page|Bracket"
    r"|Module|Field|Organi[sz]ation|Workspace|Tenant|Team|App|Integration|Connector|Policy|Policies)s?(Model)?$"
)


_MAKES_DATA = re.compile(
    r"(^|[/_])(random|seed|fake|faker|factor(y|ies)|populate|fixtures?|dummy|sample)s?[/_.]"
)


def makes_up_data(path: str) -> bool:
    """Whether a file is there, by its name, to fill a database with invented rows."""
    return bool(_MAKES_DATA.search(path))


def is_lookup_table(model: str) -> bool:
    """Whether a model is, by its name, a table of few rows that seldom grows."""
    return bool(_LOOKUP.search(model))
