"""Fills templates with abstract values: loops, includes, what is shown and what it reads."""

# A case for each kind of node or name reads best in one place; a call has five parts.

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rules.facts.templates import TagRecord, Templates
from rules.flow.orm import querying
from rules.flow.orm.values import (
    Closure,
    Constant,
    Function,
    Mapped,
    Method,
    OneOf,
    Outside,
    Place,
    Query,
    Row,
    Sequence,
    Turn,
    Value,
)

if TYPE_CHECKING:
    from rules.flow.orm.evaluator import Evaluator, Frame

_OPENING = frozenset(
    """if for with block ifchanged filter spaceless autoescape cache blocktrans blocktranslate
    comment macro call set trans pluralize localize""".split()  # noqa: SIM905 - a table reads best so
)
_PATH = re.compile(r"[A-Za-z_][\w.]*")
_FILTER = re.compile(r"\|\s*([A-Za-z_]\w*)(?::([^|\s]+))?")
_FOR = re.compile(r"^for (.+?) in (.+)")
_INCLUDE = re.compile(r"(include|extends|embed) +[\"']([^\"']+)[\"'](.*)")
_WITH = re.compile(r"(?<!\w)([A-Za-z_]\w*) *= *(\"[^\"]*\"|'[^']*'|[^\s,]+)")
_AS = re.compile(r"^(.+?) as ([A-Za-z_]\w*)")
_TEXT = re.compile(r"\"[^\"]*\"|'[^']*'")
_WORDS = frozenset(
    [
        "and",
        "or",
        "not",
        "in",
        "is",
        "if",
        "else",
        "none",
        "true",
        "false",
        "None",
        "True",
        "False",
        "as",
        "with",
        "by",
    ]
)
_SAME = frozenset(
    """slice dictsort dictsortreversed sort reverse list safe default first_n batch unique
    default_if_none""".split()  # noqa: SIM905 - a table
)
_MAX_INCLUDES = 12


@dataclass
class Node:
    """A tag with what stands between it and its end; `branches` start with that of the tag."""

    tag: TagRecord
    word: str
    branches: list[tuple[TagRecord, list[Node]]] = field(default_factory=list)


def parse(tags: tuple[TagRecord, ...]) -> list[Node]:
    """The tree of a template. What is not closed reaches to the end; stray ends are left out."""
    closed = {each.text.partition(" ")[0][3:] for each in tags if each.text.startswith("end")}
    root: list[Node] = []
    stack: list[tuple[Node | None, list[Node]]] = [(None, root)]
    for each in tags:
        word = "" if each.shown else re.split(r"[\s(]", each.text, maxsplit=1)[0]
        if word.startswith("end"):
            for depth in range(len(stack) - 1, 0, -1):
                holder = stack[depth][0]
                if holder is not None and holder.word == word[3:]:
                    del stack[depth:]
                    break
            continue
        if word in ("else", "elif", "empty", "plural") and stack[-1][0] is not None:
            inner: list[Node] = []
            stack[-1][0].branches.append((each, inner))
            stack[-1] = (stack[-1][0], inner)
            continue
        node = Node(each, word)
        stack[-1][1].append(node)
        opens = word in closed and not (word == "set" and "=" in each.text)
        if opens and len(stack) < 60:
            body: list[Node] = []
            node.branches.append((each, body))
            stack.append((node, body))
    return root


@dataclass
class Renderer:
    """One template being filled. `blocks` are those of templates that extend it."""

    ev: Evaluator
    templates: Templates
    tags: dict[str, Function]
    jinja: bool = False

    def fill(
        self,
        name: str,
        context: Mapped,
        frame: Frame,
        depth: int = 0,
        blocks: dict[str, tuple[str, list[Node]]] | None = None,
    ) -> None:
        path = self.templates.find(name)
        if not path or depth > _MAX_INCLUDES or self.ev.steps <= 0:
            return
        nodes = parse(self.templates.by_path[path].tags)
        parent = next((e for e in nodes if e.word == "extends"), None)
        mine = dict(_blocks(nodes, path))
        mine.update(blocks or {})
        base = _INCLUDE.match(parent.tag.text) if parent is not None else None
        if base is not None and self.templates.find(base[2]):
            self.fill(base[2], context, frame, depth + 1, mine)
            return
        if parent is not None:
            # The base is not seen: the blocks are shown all the same.
            for at, body in mine.values():
                self._body(body, at, context, frame, depth, mine)
            return
        self._body(nodes, path, context, frame, depth, mine)

    def _body(
        self,
        nodes: list[Node],
        path: str,
        context: Mapped,
        frame: Frame,
        depth: int,
        blocks: dict[str, tuple[str, list[Node]]],
    ) -> Mapped:
        for each in nodes:
            self.ev.steps -= 2
            if self.ev.steps <= 0:
                break
            context = self._node(each, path, context, frame, depth, blocks)
        return context

    def _node(
        self,
        node: Node,
        path: str,
        context: Mapped,
        frame: Frame,
        depth: int,
        blocks: dict[str, tuple[str, list[Node]]],
    ) -> Mapped:
        text, place = node.tag.text, Place(path, node.tag.line)
        if node.tag.shown:
            self.ev.text_of(self.value(text, context, place, frame), place, frame)
            return context
        rest = text[len(node.word) :].strip()
        if node.word == "for":
            self._for(node, path, context, frame, depth, blocks)
        elif node.word == "block" and node.branches:
            name = rest.split(" ")[0]
            at, body = blocks.get(name, (path, node.branches[0][1]))
            self._body(body, at, context, frame, depth, blocks)
        elif node.word == "include":
            self._include(text, context, place, frame, depth)
        elif node.word in ("with", "blocktrans", "blocktranslate") and node.branches:
            inner = self._with(rest, context, place, frame)
            self._body(node.branches[0][1], path, inner, frame, depth, blocks)
        elif node.word == "set" and "=" in rest:
            name, _, given = rest.partition("=")
            return context.with_item(name.strip(), self.value(given, context, place, frame))
        elif node.word in ("if", "elif", "ifchanged"):
            self._if(node, path, context, frame, depth, blocks)
        elif node.branches:
            for _, body in node.branches:
                self._body(body, path, context, frame, depth, blocks)
        elif node.word not in (
            "load",
            "extends",
            "csrf_token",
            "static",
            "import",
            "from",
            "macro",
        ):
            return self._tag(node.word, rest, context, place, frame)
        return context

    def _if(
        self,
        node: Node,
        path: str,
        context: Mapped,
        frame: Frame,
        depth: int,
        blocks: dict[str, tuple[str, list[Node]]],
    ) -> None:
        for tag, body in node.branches:
            word, _, test = tag.text.partition(" ")
            if word in ("if", "elif", "ifchanged") and test:
                self._test(test, context, Place(path, tag.line), frame)
            self._body(body, path, context, frame, depth, blocks)

    def _test(self, test: str, context: Mapped, place: Place, frame: Frame) -> None:
        contained = re.search(r"\bin ([A-Za-z_][\w.]*(?:\(\))?)", test)
        for each in self._values(test, context, place, frame):
            if isinstance(each, Query):
                querying.consume(self.ev, each, "in" if contained else "bool", place, frame)

    def _values(self, text: str, context: Mapped, place: Place, frame: Frame) -> list[Value]:
        bare = _TEXT.sub(" ", text)
        if "(" in bare:
            value = self.value(text, context, place, frame)
            return [value]
        bare = re.sub(r"\|\s*[A-Za-z_]\w*", " ", bare)
        return [
            self._path(each, context, place, frame)
            for each in _PATH.findall(bare)
            if each not in _WORDS
        ]

    def _for(
        self,
        node: Node,
        path: str,
        context: Mapped,
        frame: Frame,
        depth: int,
        blocks: dict[str, tuple[str, list[Node]]],
    ) -> None:
        found = _FOR.match(node.tag.text)
        if found is None or not node.branches:
            return
        place = Place(path, node.tag.line)
        source = re.sub(r"\s+(reversed|recursive)$", "", found[2])
        source = re.split(r"\s+if\s+", source)[0]
        rows = self.value(source, context, place, frame)
        if isinstance(rows, Query):
            rows = replace(rows, is_manager=False) if not rows.alchemy else rows
        element = self.ev.element(rows, place, frame)
        names = [each.strip(" ()") for each in found[1].split(",")]
        inner = context
        if len(names) == 1:
            inner = inner.with_item(names[0], element)
        else:
            parts = element.elements if isinstance(element, Sequence) else ()
            for index, name in enumerate(names):
                part = parts[index] if index < len(parts) else None
                inner = inner.with_item(name, part)
        loops = frame.loops
        if not isinstance(rows, Constant | Outside) and rows is not None:
            row = element if isinstance(element, Row) else None
            query = rows if isinstance(rows, Query) else None
            frame.loops = (*loops, Turn(place, query, row))
        self._body(node.branches[0][1], path, inner, frame, depth, blocks)
        frame.loops = loops
        for _, body in node.branches[1:]:
            self._body(body, path, context, frame, depth, blocks)

    def _include(self, text: str, context: Mapped, place: Place, frame: Frame, depth: int) -> None:
        found = _INCLUDE.match(text)
        if found is None:
            return
        inner = context
        if " with " in f" {found[3]} ":
            inner = self._with(found[3].partition("with")[2], context, place, frame)
            if re.search(r"\bonly\b", found[3]):
                names = {each for each, _ in _WITH.findall(found[3])}
                inner = Mapped(tuple(each for each in inner.items if each[0] in names))
        self.fill(found[2], inner, frame, depth + 1)

    def _with(self, text: str, context: Mapped, place: Place, frame: Frame) -> Mapped:
        inner = context
        old = _AS.match(text.removeprefix("with "))
        for name, given in _WITH.findall(text):
            inner = inner.with_item(name, self.value(given, context, place, frame))
        if old is not None and "=" not in text:
            inner = inner.with_item(old[2], self.value(old[1], context, place, frame))
        return inner

    def _tag(self, word: str, rest: str, context: Mapped, place: Place, frame: Frame) -> Mapped:
        """A tag of the project's own, or one that only shows its arguments."""
        function = self.tags.get(word)
        named = _AS.search(rest)
        given = named[1] if named else rest
        parts = re.findall(r"(?:[A-Za-z_]\w*=)?(?:\"[^\"]*\"|'[^']*'|[^\s]+)", given)
        args: list[Value] = []
        keywords: dict[str, Value] = {}
        for each in parts:
            key = re.match(r"([A-Za-z_]\w*)=(.+)", each)
            value = self.value(key[2] if key else each, context, place, frame)
            if key:
                keywords[key[1]] = value
            else:
                args.append(value)
        result: Value = None
        if function is not None:
            node = self.ev.trees.function(function.path, function.name)
            marks = " ".join(ast.unparse(d) for d in node.decorator_list) if node else ""
            first = node.args.args[0].arg if node is not None and node.args.args else ""
            if first == "context" and "takes_context" in marks:
                args = [context, *args]
            result = self.ev.call(function, args, keywords, place, frame)
            shown = re.search(r"inclusion_tag\(\s*['\"]([^'\"]+)", marks)
            if shown is not None and isinstance(result, Mapped):
                self.fill(shown[1], result, frame, 5)
        return context.with_item(named[2], result) if named else context

    # ---- values

    def value(self, text: str, context: Mapped, place: Place, frame: Frame) -> Value:
        """What an expression of a template is: a path, filters, in Jinja also calls."""
        text = text.strip()
        if text[:1] in "\"'" and _TEXT.fullmatch(text):
            return Constant(text[1:-1])
        head = text.split("|")[0].strip()
        if re.fullmatch(r"[A-Za-z_][\w.]*", head):
            value = self._path(head, context, place, frame)
            return self._filtered(value, text, context, place, frame)
        if not head or len(head) > 400:
            return None
        try:
            node = ast.parse(head, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            for each in self._values(_TEXT.sub("", text).replace("(", " "), context, place, frame):
                del each
            return None
        return self._filtered(self._jinja(node, context, place, frame), text, context, place, frame)

    def _jinja(self, node: ast.expr, context: Mapped, place: Place, frame: Frame) -> Value:
        match node:
            case ast.Name(id=name):
                return context.get(name)
            case ast.Attribute(value=of, attr=name):
                return self._member(
                    self._jinja(of, context, place, frame), name, place, frame, calls=False
                )
            case ast.Call(func=function, args=args, keywords=keywords):
                called = self._jinja(function, context, place, frame)
                given = [self._jinja(each, context, place, frame) for each in args]
                named = {
                    k.arg: self._jinja(k.value, context, place, frame) for k in keywords if k.arg
                }
                return self.ev.call(called, given, named, place, frame)
            case ast.Subscript(value=of, slice=ast.Constant()):
                value = self._jinja(of, context, place, frame)
                if isinstance(value, Query):
                    return querying.picked(self.ev, value, "[0]", place, frame)
                return self.ev.element(value, place, frame)
            case ast.Subscript(value=of, slice=ast.Slice()):
                return self._jinja(of, context, place, frame)
            case ast.Constant(value=constant):
                return None if constant is ... else Constant(constant)
            case ast.Compare(left=left, comparators=rights):
                for each in (left, *rights):
                    value = self._jinja(each, context, place, frame)
                    if each is not left and isinstance(value, Query):
                        querying.consume(self.ev, value, "in", place, frame)
            case _:
                for below in ast.iter_child_nodes(node):
                    if isinstance(below, ast.expr):
                        self._jinja(below, context, place, frame)
        return None

    def _path(self, path: str, context: Mapped, place: Place, frame: Frame) -> Value:
        head, *rest = path.split(".")
        value = context.get(head)
        if value is None and head == "user" and rest:
            value = self.ev.attribute(Outside("request"), "user", place, frame)
        if value is None and head == "request":
            value = Outside("request")
        value = self._called(value, place, frame)
        for part in rest:
            if value is None:
                return None
            value = self._member(value, part, place, frame, calls=True)
        return value

    def _member(self, value: Value, name: str, place: Place, frame: Frame, *, calls: bool) -> Value:
        if isinstance(value, Mapped):
            found = value.get(name)
            if found is None and name in ("items", "values") and calls:
                return self.ev.call(Method(value, name), [], {}, place, frame)
            return found
        if isinstance(value, Sequence):
            if name.isdigit():
                index = int(name)
                return value.elements[index] if index < len(value.elements) else value.any
            return None
        if isinstance(value, Query) and name.isdigit():
            return querying.picked(self.ev, value, "[0]", place, frame)
        if isinstance(value, Query) and name in ("has_next", "has_previous", "paginator", "number"):
            return None
        found = self.ev.attribute(value, name, place, frame)
        return self._called(found, place, frame) if calls else found

    def _called(self, value: Value, place: Place, frame: Frame) -> Value:
        """Templates call what can be called."""
        if isinstance(value, OneOf) and any(isinstance(e, Function) for e in value.values):
            return self.ev.call(value, [], {}, place, frame)
        if isinstance(value, Function | Closure | Method):
            return self.ev.call(value, [], {}, place, frame)
        return value

    def _filtered(
        self, value: Value, text: str, context: Mapped, place: Place, frame: Frame
    ) -> Value:
        for name, given in _FILTER.findall(text):
            function = self.tags.get(name)
            if function is not None:
                args = [value]
                if given:
                    args.append(self.value(given, context, place, frame))
                value = self.ev.call(function, args, {}, place, frame)
            elif name in ("length", "count", "join", "yesno", "first", "last"):
                value = self._consumed(value, name, place, frame)
            elif name == "attr":
                value = None
            elif name not in _SAME:
                self.ev.text_of(value, place, frame)
                value = value if name == "default" else None
        return value

    def _consumed(self, value: Value, name: str, place: Place, frame: Frame) -> Value:
        if not isinstance(value, Query):
            return None
        query = value if value.alchemy else replace(value, is_manager=False)
        if name in ("first", "last"):
            return querying.picked(self.ev, query, name, place, frame)
        querying.consume(self.ev, query, "len", place, frame)
        if name == "join":
            self.ev.text_of(self.ev.element(query, place, frame), place, frame)
        return None


def _blocks(nodes: list[Node], path: str) -> list[tuple[str, tuple[str, list[Node]]]]:
    found = []
    stack = list(nodes)
    while stack:
        at = stack.pop()
        if at.word == "block" and at.branches:
            name = at.tag.text[5:].strip().split(" ")[0]
            found.append((name, (path, at.branches[0][1])))
        for _, body in at.branches:
            stack.extend(body)
    return found
