"""What a session of SQLAlchemy may know of a row by now, whichever query brought it.

A session keeps one object for each row. A later query, a refresh or an assignment fills in
relations of the very object that an earlier query gave, so a relation that the first one left
out may be there all the same; but not what only happens in another arm of a branch.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from rules.flow.orm.schema import Schema
from rules.flow.orm.values import Arms, Event, Known, Query, Ran, Read

_ANY = "*"
_ROW = ""
_Asked = tuple[str, frozenset[str]]


@dataclass
class Session:
    """What may be there by model and name, each with the arms in which it came."""

    schema: Schema
    _names: dict[tuple[str, str], set[Arms]] = field(default_factory=dict)
    _asked: dict[_Asked, set[Arms]] = field(default_factory=dict)

    def note(self, event: Event) -> None:
        """Take in what happens next."""
        if isinstance(event, Known):
            for name in event.names:
                self._add(event.model, name, event.arms)
        elif isinstance(event, Ran) and event.query.alchemy:
            self._note_query(event.query, event.arms)

    def may_know(self, read: Read) -> bool:
        """Whether something before this read may have brought the relation."""
        origin = read.row.origin
        asked = self._asked.get(_key(origin), {()}) if isinstance(origin, Query) else {()}
        lineage = self.schema.classes.lineage(read.row.model)
        for each in (read.row.model, *lineage):
            for name in (read.name, _ANY):
                if _meets(self._names.get((each, name), ()), read.arms, asked):
                    return True
        found = self.schema.related(read.row.model, read.name)
        if found is None or found.relation.many or found.lazy == "raise":
            return False
        target = found.relation.target
        if target in self._passed(read):
            return True
        return _meets(self._names.get((target, _ROW), ()), read.arms, asked)

    def _passed(self, read: Read) -> frozenset[str]:
        """The models on the way to the row: a row may point back at one of them."""
        model, found = getattr(read.row.origin, "model", ""), set()
        for name in read.row.path:
            found.add(model)
            step = self.schema.related(model, name)
            model = step.relation.target if step is not None else ""
        return frozenset(found)

    def _note_query(self, query: Query, arms: Arms) -> None:
        asked = self._asked.setdefault(_key(query), set())
        if arms in asked:
            return
        asked.add(arms)
        self._add(query.model, _ROW, arms)
        if query.opaque:
            self._add(query.model, _ANY, arms)
        for path in query.select:
            model = query.model
            for name in path.split("__"):
                self._add(model, name, arms)
                step = self.schema.related(model, name)
                if step is None:
                    break
                model = step.relation.target
                self._add(model, _ROW, arms)

    def _add(self, model: str, name: str, arms: Arms) -> None:
        self._names.setdefault((model, name), set()).add(arms)


def _key(query: Query) -> _Asked:
    return query.model, query.select


def _meets(known: Iterable[Arms], read: Arms, asked: Iterable[Arms]) -> bool:
    """Whether any of these can have happened together with the read and its query."""
    return any(_fit(each, read) and any(_fit(each, one) for one in asked) for each in known)


def _fit(one: Arms, other: Arms) -> bool:
    taken = dict(one)
    return all(taken.get(fork, arm) == arm for fork, arm in other)
