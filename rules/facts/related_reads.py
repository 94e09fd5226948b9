"""Which relations of a row the body of a loop reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import libcst as cst

from rules.facts.django_models import Relation
from rules.facts.querysets import Query, QueryReader, Row
from rules.kit import children, walk

_ENDS = (cst.Return, cst.Raise, cst.Break)


@dataclass(frozen=True)
class Read:
    """A relation that is read: its path from the row, and where."""

    path: tuple[Relation, ...]
    node: cst.BaseExpression
    model: str

    @property
    def name(self) -> str:
        """As it is written in `select_related`: `author__publisher`."""
        return "__".join(each.name for each in self.path)


@dataclass
class _Scan:
    """Follows the variables that stand for the row, or for what was read from it."""

    reader: QueryReader
    source: Query
    found: list[Read] = field(default_factory=list)
    assigned: set[str] = field(default_factory=set)

    def run(self, roots: Sequence[cst.CSTNode], env: dict[str, Row]) -> None:
        for root in roots:
            self._note_assigned(root)
        for root in roots:
            if isinstance(root, cst.CompFor):
                env = self._clauses(root, env)
            else:
                self._visit(root, env)

    def _note_assigned(self, root: cst.CSTNode) -> None:
        """`book.author = author` fills the relation in; reading it back costs nothing."""
        for each in walk(root):
            if isinstance(each, cst.AssignTarget) and isinstance(each.target, cst.Attribute):
                self.assigned.add(self.reader.here.source(each.target))

    def _visit(self, node: cst.CSTNode, env: dict[str, Row]) -> None:
        match node:
            case cst.FunctionDef() | cst.ClassDef() | cst.ExceptHandler() | cst.Raise():
                return
            case cst.For(target=target, iter=rows, body=body, orelse=orelse):
                self._visit(rows, env)
                self._visit(body, self._with_rows(target, rows, env))
                if orelse is not None:
                    self._visit(orelse, env)
            case cst.ListComp() | cst.SetComp() | cst.GeneratorExp() | cst.DictComp():
                self._comprehension(node, env)
            case cst.Lambda(params=params, body=body):
                hidden = {each.name.value for each in params.params}
                self._visit(body, {k: v for k, v in env.items() if k not in hidden})
            case cst.Assign(targets=targets, value=value):
                self._visit(value, env)
                for given in targets:
                    self._bind(given.target, value, env)
            case cst.Attribute():
                self._chain(node, env)
            case cst.IndentedBlock(body=body) if _ends(body):
                return  # runs for one row at most
            case _:
                for each in children(node):
                    self._visit(each, env)

    def _bind(self, target: cst.CSTNode, value: cst.BaseExpression, env: dict[str, Row]) -> None:
        for each in walk(target):
            if isinstance(each, cst.Name) and not isinstance(target, cst.Attribute | cst.Subscript):
                env.pop(each.value, None)
        if isinstance(target, cst.Name):
            row = self.reader.value(value, env)
            if isinstance(row, Row) and row.query is self.source:
                env[target.value] = row

    def _with_rows(
        self, target: cst.BaseAssignTargetExpression, rows: cst.BaseExpression, env: dict[str, Row]
    ) -> dict[str, Row]:
        """The environment inside a nested loop: its variable is a related row, or hides one."""
        inner = dict(env)
        for each in walk(target):
            if isinstance(each, cst.Name):
                inner.pop(each.value, None)
        found = self.reader.query(rows, env)
        if isinstance(target, cst.Name) and found is not None:
            row = self.reader.row(found)
            if row.query is self.source:
                inner[target.value] = row
        return inner

    def _comprehension(self, node: cst.CSTNode, env: dict[str, Row]) -> None:
        first = next((each for each in children(node) if isinstance(each, cst.CompFor)), None)
        inner = self._clauses(first, env)
        for part in children(node):
            if not isinstance(part, cst.CompFor):
                self._visit(part, inner)

    def _clauses(self, clause: cst.CompFor | None, env: dict[str, Row]) -> dict[str, Row]:
        """Visit `for a in b if c for d in e`; gives the environment of the element."""
        while clause is not None:
            self._visit(clause.iter, env)
            env = self._with_rows(clause.target, clause.iter, env)
            for each in clause.ifs:
                self._visit(each.test, env)
            clause = clause.inner_for_in
        return env

    def _chain(self, node: cst.Attribute, env: dict[str, Row]) -> None:
        """Note each relation that a chain of attributes goes through."""
        links: list[cst.Attribute] = []
        at: cst.BaseExpression = node
        while isinstance(at, cst.Attribute):
            links.append(at)
            at = at.value
        row = env.get(at.value) if isinstance(at, cst.Name) else None
        if row is None:
            self._visit(at, env)
            return
        for link in reversed(links):
            if self.reader.here.source(link) in self.assigned:
                return
            relation = self.reader.models.relation(row.model, link.attr.value)
            if relation is None:
                return
            if relation.many:
                if self._takes_all(link):
                    self._note((*row.path, relation), link, row.model)
                return
            self._note((*row.path, relation), link, row.model)
            if not relation.target:
                return
            row = Row(relation.target, row.query, (*row.path, relation))

    def _takes_all(self, link: cst.Attribute) -> bool:
        """`.tags.all()` as a whole: what a prefetch can serve."""
        parent = self.reader.here.parent
        method = parent(link)
        call = parent(method) if isinstance(method, cst.Attribute) else None
        if not isinstance(method, cst.Attribute) or method.attr.value != "all":
            return False
        return isinstance(call, cst.Call) and not isinstance(
            parent(call), cst.Attribute | cst.Subscript
        )

    def _note(self, path: tuple[Relation, ...], node: cst.Attribute, model: str) -> None:
        full, read = Read(path, node, model), Read(_shortened(path), node, model)
        if not read.path or self.source.loads(full.name) or self.source.loads(read.name):
            return
        if not self._is_memoised(read, node):
            self.found.append(read)

    def _is_memoised(self, read: Read, node: cst.CSTNode) -> bool:
        """Read under `if book.author_id not in seen`: once for each author, not each book."""
        key = f"{read.path[-1].name}_id"
        for each in self.reader.here.scopes.ancestors(node):
            if isinstance(each, cst.If):
                names = {n.attr.value for n in walk(each.test) if isinstance(n, cst.Attribute)}
                if key in names:
                    return True
            if isinstance(each, cst.FunctionDef):
                return False
        return False


def _shortened(path: tuple[Relation, ...]) -> tuple[Relation, ...]:
    """Without steps back: `author.books` know their author."""
    kept: list[Relation] = []
    for each in path:
        last = kept[-1] if kept else None
        goes_back = last is not None and last.inverse == each.name and not each.many
        if goes_back and last is not None and (last.single or not last.forward):
            kept.pop()
        else:
            kept.append(each)
    return tuple(kept)


def _ends(body: Sequence[cst.BaseStatement]) -> bool:
    last = body[-1] if body else None
    return isinstance(last, cst.SimpleStatementLine) and isinstance(last.body[-1], _ENDS)


def reads_of(
    target: cst.BaseExpression, row: Row, bodies: Sequence[cst.CSTNode], reader: QueryReader
) -> Iterator[Read]:
    """The relations that are read from each row and that its query does not load."""
    if row.query is None:
        return
    if not isinstance(target, cst.Name):
        return
    scan = _Scan(reader, row.query)
    scan.run(bodies, {target.value: row})
    yield from scan.found
