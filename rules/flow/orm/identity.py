"""What a session of SQLAlchemy may know of a row by now, whichever query brought it.

A session keeps one object for each row. A later query, a refresh or an assignment fills in
relations of the very object that an earlier query gave, so a relation that the first one left
out may be there all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rules.flow.orm.schema import Schema
from rules.flow.orm.values import Event, Known, Query, Ran, Read

_ANY = "*"


@dataclass
class Session:
    """The relations that may be there, by model, and the models of which rows were fetched."""

    schema: Schema
    _names: dict[str, set[str]] = field(default_factory=dict)
    _fetched: set[str] = field(default_factory=set)
    _seen: set[tuple[str, frozenset[str]]] = field(default_factory=set)

    def note(self, event: Event) -> None:
        """Take in what happens next."""
        if isinstance(event, Known):
            self._names.setdefault(event.model, set()).update(event.names)
        elif isinstance(event, Ran) and event.query.alchemy:
            self._note_query(event.query)

    def may_know(self, read: Read) -> bool:
        """Whether something before this read may have brought the relation."""
        lineage = self.schema.classes.lineage(read.row.model)
        for each in (read.row.model, *lineage):
            names = self._names.get(each, set())
            if read.name in names or _ANY in names:
                return True
        found = self.schema.related(read.row.model, read.name)
        if found is None or found.relation.many or found.lazy == "raise":
            return False
        return found.relation.target in self._fetched or found.relation.target in self._passed(read)

    def _passed(self, read: Read) -> frozenset[str]:
        """The models on the way to the row: a row may point back at one of them."""
        origin = read.row.origin
        model, found = getattr(origin, "model", ""), set()
        for name in read.row.path:
            found.add(model)
            step = self.schema.related(model, name)
            model = step.relation.target if step is not None else ""
        return frozenset(found)

    def _note_query(self, query: Query) -> None:
        self._fetched.add(query.model)
        if query.opaque:
            self._names.setdefault(query.model, set()).add(_ANY)
        if (query.model, query.select) in self._seen:
            return
        self._seen.add((query.model, query.select))
        for path in query.select:
            model = query.model
            for name in path.split("__"):
                self._names.setdefault(model, set()).add(name)
                step = self.schema.related(model, name)
                if step is None:
                    break
                model = step.relation.target
                self._fetched.add(model)
