"""The vocabulary of taint: marks on data that a caller chose."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from rules.facts.python_modules import dotted
from rules.flow import branching
from rules.flow.domain import Call, Domain, Test
from rules.flow.frame import Frame
from rules.flow.interpreter import annotation_of
from rules.flow.state import DictObj, Instance, ListObj, State
from rules.flow.taint import checks, library, sources
from rules.flow.taint.marks import (
    FAMILIES,
    OF_CHARACTERS,
    Checks,
    Mark,
    Origin,
    Pattern,
    Step,
    changed,
    cleared,
    doubtful,
    origins,
    restored,
    without_origins,
)
from rules.flow.taint.sinks import Returned, Sink, Stored
from rules.flow.values import (
    NONE,
    UNKNOWN,
    Choice,
    Class,
    ClassCode,
    Const,
    Function,
    FunctionCode,
    Marks,
    Module,
    Ref,
    Text,
    Thing,
    Tuple,
    Value,
    choices,
    join,
    text_of,
    union_of,
)

_CHECKS = " checks"  # no variable can have this name
_CONTAINERS = frozenset(
    {"get", "getlist", "getone", "getall", "get_list", "pop", "setdefault", "get_all"}
)
_LEADS = re.compile(r"url|uri|next|target|dest|return|goto|link|redirect|location|site|host|^to$")
_CHECKED = frozenset({"trust", "log"})  # by a form: what it is worth
_WITHOUT_BREAKS = frozenset({"log", "header"})  # no server lets a line break into a header
_VIEWS = frozenset({"keys", "values", "items"})
_LONGEST = 60
_CHARACTER = ".character"  # the name of a value that is one element of a text
UPLOAD = "upload"  # the name of a file that was sent: its data, which is no path
PARSER = "parser"  # the kind of a dict that keeps what a parser was told
_PARSERS = re.compile(
    r"^(lxml\.etree\.\w*Parser|xml\.sax\.make_parser|xml\.sax\.expatreader\.\w+)$"
)
_NAMES = frozenset({"filename", "raw_filename", "name"})
_CLIENTS = frozenset({"httpx.Client", "httpx.AsyncClient"})
_OF_DATA = ("json.", "yaml.", "simplejson.", "orjson.", "csv.")  # hold more than characters
_HOST_PARTS = frozenset({"netloc", "hostname", "scheme"})


@dataclass(frozen=True, slots=True)
class Hit:
    """Data that reaches a sink. `nodes` are the sink and the calls that lead to it, the
    innermost first, each with its file. `mark` is None where the data could not be followed.
    """

    family: str
    sink: Sink | Stored | Returned
    name: str
    nodes: tuple[tuple[str, ast.AST], ...]
    value: Value
    given: ast.AST | None
    mark: Mark | None


@dataclass(frozen=True, eq=False)
class Sinks:
    """What data must not reach, with its family; calls by their full name, or by the method's."""

    by_name: Mapping[str, Sequence[tuple[str, Sink]]]
    by_method: Mapping[str, Sequence[tuple[str, Sink]]]
    stored: Sequence[tuple[str, Stored]]
    returned: Sequence[tuple[str, Returned]]

    @classmethod
    def of(cls, families: Mapping[str, Sequence[Sink | Stored | Returned]]) -> Sinks:
        by_name: dict[str, list[tuple[str, Sink]]] = {}
        by_method: dict[str, list[tuple[str, Sink]]] = {}
        flat = [(family, sink) for family, every in families.items() for sink in every]
        for family, sink in flat:
            if isinstance(sink, Sink):
                for name in sink.names:
                    table = by_method if name.startswith("*.") else by_name
                    table.setdefault(name.removeprefix("*."), []).append((family, sink))
        return cls(
            by_name,
            by_method,
            [(family, sink) for family, sink in flat if isinstance(sink, Stored)],
            [(family, sink) for family, sink in flat if isinstance(sink, Returned)],
        )


@dataclass
class Taint(Domain):
    """Follows the caller's data to the sinks of these families."""

    sinks: Sinks
    hotspots: frozenset[str] = frozenset()
    hits: list[Hit] = field(default_factory=list)
    facts: dict[FunctionCode, dict[bool, dict[Origin, frozenset[str]] | None]] = field(
        default_factory=dict
    )

    # Sources.

    def parameter(self, function: FunctionCode, name: str, frame: Frame) -> Value | None:
        if sources.is_request(function, name, frame):
            return Thing(sources.REQUEST)
        route = sources.route_of(function, frame.run.program)
        note = annotation_of(function, name)
        if route is None:
            return self._of_view(function, name, note, frame)
        if route.framework == "drf":
            return self._of_view(function, name, note, frame)
        if route.framework == "flask":
            known = sources.flask_parameters(route.path).get(name)
            return self._given(function, name, frame) if known else None
        return self._injected(function, name, note, frame)

    def _of_view(
        self, function: FunctionCode, name: str, note: ast.expr | None, frame: Frame
    ) -> Value | None:
        """Parts of the address that Django hands to a view."""
        if not sources.is_django_view(function) or name == "request":
            return None
        if sources.default_of(function, name) is not None:
            return None
        if not sources.may_be_text(name, note, frame.run.program):
            return None
        if function.node.args.vararg and function.node.args.vararg.arg == name:
            return None
        value = self._given(function, name, frame)
        safe = {"path"} if note is None and name != "path" else set()
        if not _LEADS.search(name):  # a part of an address has no slash
            safe.add("redirect")
        marks = cleared(value.marks, safe)
        return value.marked(
            marks if sources.holds_views(function.module, frame.run.program) else doubtful(marks)
        )

    def _injected(
        self, function: FunctionCode, name: str, note: ast.expr | None, frame: Frame
    ) -> Value | None:
        """A parameter of FastAPI or Ninja."""
        default = sources.default_of(function, name)
        needed = sources.dependency(note, default)
        if isinstance(needed, ast.expr):
            return self._depended(needed, frame)
        if needed is True:
            return None
        if note is None and default is not None and not isinstance(default, ast.Call):
            return (
                None
                if not isinstance(default, ast.Constant)
                else self._given(function, name, frame)
            )
        of = frame.run.class_named(note, frame) if note is not None else None
        if of is not None:
            if not sources.is_model(of, frame.run.program):
                return None
            marks = self._given(function, name, frame).marks
            return Thing(of=of, marks=marks)
        if note is not None and "UploadFile" in ast.unparse(note):
            return Thing("fastapi.UploadFile()", marks=self._given(function, name, frame).marks)
        if sources.is_text(note) and not sources.is_checked(default):
            return self._given(function, name, frame)
        return None

    def _depended(self, needed: ast.expr, frame: Frame) -> Value | None:
        """What a dependency gives: it is a function whose parameters come from the request."""
        called = frame.evaluate(needed)
        if not isinstance(called, Function):
            return None
        from rules.flow.calls import call_function

        spec = called.code.node.args
        values = {}
        for each in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs):
            note = each.annotation
            given: Value | None = None
            if sources.is_request(called.code, each.arg, frame):
                given = Thing(sources.REQUEST)
            elif called.bound is None or each is not spec.args[0]:
                given = self._injected(called.code, each.arg, note, frame)
            values[each.arg] = given if given is not None else UNKNOWN
        return call_function(called, (), values, needed, frame)

    def _given(self, function: FunctionCode, name: str, frame: Frame) -> Thing:
        spec = function.node.args
        every = (*spec.posonlyargs, *spec.args, *spec.kwonlyargs, spec.vararg, spec.kwarg)
        node: ast.AST = next((e for e in every if e is not None and e.arg == name), function.node)
        path = function.module.path
        line = getattr(node, "lineno", 1)
        words = f"parameter `{name}` of the route `{function.own_name}`"
        mark = Mark(Origin(path, line, name), source=name, steps=(Step(path, line, words),))
        return Thing(marks=frozenset({mark}))

    def name(self, full: str, frame: Frame) -> Value | None:
        if full in sources.GLOBAL_REQUESTS:
            return Thing(sources.REQUEST)
        return None

    def _mark(self, node: ast.AST, frame: Frame, safe: frozenset[str] = frozenset()) -> Marks:
        place = frame.place(node)
        source = short(node)
        step = Step(place.path, place.line, f"`{source}` comes from the request")
        around = frame.code.node.lineno if frame.code is not None else 0
        origin = Origin(place.path, around, ast.unparse(node))
        marks: Marks = frozenset({Mark(origin, safe, source=source, steps=(step,))})
        held = frame.state.variables.get(_CHECKS)
        return without_origins(marks, dict(held.facts)) if isinstance(held, Checks) else marks

    def attribute(self, owner: Value, name: str, node: ast.expr, frame: Frame) -> Value | None:
        if isinstance(owner, Thing):
            return self._attribute_of_thing(owner, name, node, frame)
        if isinstance(owner, Ref):
            held = frame.object(owner)
            if isinstance(held, Instance) and name not in held.attributes:
                return self._attribute_of_self(held, name, node, frame)
        return None

    def _attribute_of_self(
        self, held: Instance, name: str, node: ast.expr, frame: Frame
    ) -> Value | None:
        if not held.is_open or frame.run.program.method(held.of, name) is not None:
            return None
        if name == "request":
            return Thing(sources.REQUEST)
        if name == "kwargs" and "request" in ast.unparse(node).split("."):
            return None
        if name in sources.VALIDATED and name not in held.of.fields:
            marks = self._mark(node, frame, _CHECKED)
            return Thing(f"form.{name}", of=held.of, marks=marks)
        return None

    def _attribute_of_thing(
        self, owner: Thing, name: str, node: ast.expr, frame: Frame
    ) -> Value | None:
        if owner.name == sources.REQUEST:
            return self._of_request(name, node, frame)
        if owner.of is not None and owner.marks and not _is_collection(owner.name):
            return self._of_model(owner, owner.of, name, node, frame)
        if name in sources.VALIDATED and not owner.marks:
            return Thing(f"form.{name}", marks=self._mark(node, frame, _CHECKED))
        if name in ("data", "raw_data") and sources.is_text_of_form(owner.name):
            return Thing(marks=self._mark(node, frame))
        if name == "_meta" or name.startswith("__"):
            return Thing(f".{name}")
        if name in ("content_type", "size", "charset") and owner.marks:
            return Thing()
        if owner.name in (UPLOAD, "fastapi.UploadFile()"):
            if name in ("file", "stream"):
                return Thing(marks=cleared(owner.marks, {"path", "host"}))
            return Thing(marks=self._mark(node, frame)) if name in _NAMES else None
        if name in library.SAFE_ATTRIBUTES and owner.marks and "Path" in owner.name:
            return Thing(marks=cleared(owner.marks, library.SAFE_ATTRIBUTES[name]))
        if name == "parents" and owner.marks:
            return Thing(".parents", marks=owner.marks)
        return None

    def _of_request(self, name: str, node: ast.expr, frame: Frame) -> Value:
        full = f"{sources.REQUEST}.{name}"
        if name == "FILES":  # Django keeps the last part of a file's name only
            return Thing(full, marks=self._mark(node, frame, frozenset({"path", "log", "header"})))
        if sources.is_data(name):
            safe = _WITHOUT_BREAKS if sources.is_header(name) else frozenset()
            return Thing(full, marks=self._mark(node, frame, safe))
        if sources.is_own_address(name):
            if name in ("path", "path_info") and _has_constant_path(frame):
                return Thing(full)
            safe = frozenset({"redirect", "host", "path", "header", "log"})
            return Thing(full, marks=self._mark(node, frame, safe))
        if name == "request":
            return Thing(sources.REQUEST)
        return Thing(full)

    def _of_model(
        self, owner: Thing, of: ClassCode, name: str, node: ast.expr, frame: Frame
    ) -> Value | None:
        """A field of a model read from the body of a request: what its type lets through."""
        found = frame.run.program.field_of(of, name)
        if found is None:
            return (
                None if frame.run.program.method(of, name) is not None else Thing(marks=owner.marks)
            )
        note = getattr(found[1], "annotation", None)
        inner = None
        if note is not None:
            around = Frame(frame.run, found[0].module, None, frame.state, frame.site)
            inner = frame.run.class_named(note, around)
        if inner is not None:
            is_model = sources.is_model(inner, frame.run.program)
            return Thing(of=inner, marks=owner.marks) if is_model else UNKNOWN
        if not sources.is_text(note) or sources.is_checked(getattr(found[1], "value", None)):
            return UNKNOWN
        marks = self._mark(node, frame)
        if sources.has_validator(found[0], name):
            marks = doubtful(marks)
        return Thing(marks=marks)

    def subscript(self, owner: Value, key: Value, node: ast.expr, frame: Frame) -> Value | None:
        if isinstance(owner, Thing) and not owner.marks:
            return self._of_names(owner, key, node, frame)
        if isinstance(owner, Thing) and owner.marks and _is_collection(owner.name):
            if owner.name.endswith(".META") and sources.is_of_server(_constant(key)):
                return UNKNOWN
            return self._of_key(owner, _constant(key), node, frame)
        return None

    @staticmethod
    def _of_names(owner: Thing, key: Value, node: ast.expr, frame: Frame) -> Value | None:
        """`sys.modules[__name__]` and `globals()["Order"]`: code by its name."""
        if owner.name == "sys.modules" and isinstance(node, ast.Subscript):
            is_own = isinstance(node.slice, ast.Name) and node.slice.id == "__name__"
            return Module(frame.module.path) if is_own else None
        if owner.name == "builtins.globals()" and _constant(key):
            return frame.run.attribute_of_module(frame.module.path, _constant(key), frame)
        return None

    def _of_key(self, owner: Thing, key: str, node: ast.expr, frame: Frame) -> Value:
        """`request.args["q"]`."""
        if owner.of is not None and sources.is_strict_field(owner.of, key, frame.run.program):
            return Thing("field")
        safe = _common_cleared(owner.marks) | _safe_by_key(key)
        if owner.name == f"{sources.REQUEST}.files":
            return Thing(UPLOAD, marks=self._mark(node, frame, safe | {"path", "host"}))
        return Thing(marks=self._mark(node, frame, safe))

    # Calls.

    def call(self, call: Call, frame: Frame) -> Value | None:
        self._look_at(call, frame)
        owner = call.owner
        if call.method in _CONTAINERS | _VIEWS and isinstance(owner, Thing) and owner.marks:
            found = self._of_collection(call, owner, frame)
            if found is not None:
                return found
        if call.name in ("re.compile", "regex.compile") and call.args:
            text = call.constant(0)
            return Pattern(text=text if isinstance(text, str) else "")
        if call.name == "builtins.str.maketrans" and len(call.args) == 1:
            return call.args[0]
        if call.name in _CLIENTS and "transport" in call.keywords:
            return Thing("client.transport")  # which decides where it goes
        if _PARSERS.match(call.name):
            return frame.make(call.node, DictObj(dict(call.keywords), None, PARSER))
        if call.method == "setFeature" and isinstance(owner, Ref):
            return self._told(owner, call, frame)
        if isinstance(owner, Pattern):
            return self._by_pattern(call, owner, frame)
        if call.name in library.VALIDATING and call.args:
            self.check(frame, call.args[0].marks, FAMILIES)
        elif call.method == "relative_to" and owner is not None:
            self.check(frame, owner.marks, frozenset({"path"}))
        return self._of_known(call, frame)

    def _of_known(self, call: Call, frame: Frame) -> Value | None:
        if call.name in library.HARMLESS and not call.name.startswith("builtins."):
            return Thing(f"{call.name}()")
        return None

    def _of_collection(self, call: Call, owner: Thing, frame: Frame) -> Value | None:
        """`request.args.get("q", default)`."""
        if not _is_collection(owner.name):
            return None
        if call.method in _VIEWS:
            return self._of_view_of(call, owner, frame)
        key = call.constant(0, "key")
        if _is_cast(call) or (owner.name.endswith(".META") and sources.is_of_server(str(key))):
            return UNKNOWN
        value = self._of_key(owner, str(key), call.node, frame)
        if call.method.startswith("getl") or call.method in ("getall", "get_all"):
            return frame.make_list(call.node, (), value)
        default = call.argument(1, "default", "failobj")
        return value if default is None else join(value, default)

    def _of_view_of(self, call: Call, owner: Thing, frame: Frame) -> Value:
        """`request.form.items()`: names and data are the caller's, names of a form's fields not."""
        value: Value = Thing(marks=self._mark(call.node, frame, _common_cleared(owner.marks)))
        key = UNKNOWN if owner.name.startswith("form.") else value
        every = {"keys": key, "values": value}
        return frame.make_list(call.node, (), every.get(call.method, Tuple((key, value))))

    @staticmethod
    def _told(owner: Ref, call: Call, frame: Frame) -> Value | None:
        """`parser.setFeature(name, value)`."""
        held = frame.object(owner)
        if not isinstance(held, DictObj) or held.kind != PARSER or len(call.args) < 2:
            return None
        feature = call.args[0]
        name = feature.name if isinstance(feature, Thing) else _constant(feature)
        frame.update(owner, replace(held, items={**held.items, name: call.args[1]}))
        return UNKNOWN

    def _by_pattern(self, call: Call, owner: Pattern, frame: Frame) -> Value:
        if call.method in ("sub", "subn") and len(call.args) >= 2:
            return self._substituted(owner.text, call.args[0], call.args[1], frame)
        return Thing("re.Match()", marks=_every_mark(call, frame))

    def _substituted(self, pattern: str, new: Value, text: Value, frame: Frame) -> Value:
        safe = checks.families_after_removal(pattern) if not new.marks else frozenset()
        marks = frame.marks(text) | new.marks
        return Thing(marks=cleared(marks, safe))

    def result(self, call: Call, result: Value, frame: Frame) -> Value:
        """What comes out of a library's function, by what went in."""
        name, owner = call.name, call.owner
        if isinstance(owner, Thing) and owner.name == sources.REQUEST:
            return self._of_request_method(call, frame)
        if name in library.HARMLESS:
            return Thing(f"{name}()")
        given = _every_mark(call, frame)
        if owner is not None and call.method == "replace" and len(call.args) >= 2:
            return self._replaced(call, owner, result, frame)
        if name in ("re.sub", "regex.sub", "re.subn") and len(call.args) >= 3:
            pattern = call.constant(0)
            held = call.args[0].text if isinstance(call.args[0], Pattern) else pattern
            return self._substituted(str(held or ""), call.args[1], call.args[2], frame)
        if not given and (owner is None or not owner.marks):
            return result
        if name in library.SANITISERS:
            return Thing(f"{name}()", marks=cleared(given, library.SANITISERS[name]))
        if name == "shlex.split" and call.args:
            return self._words_of(call, frame)
        if name in library.DECODERS:
            return Thing(f"{name}()", marks=restored(given, library.DECODERS[name]))
        if owner is not None and frame.marks(owner):
            return self._of_marked(call, owner, result, frame)
        if call.method in library.METHOD_SANITISERS:
            return Thing(marks=cleared(given, library.METHOD_SANITISERS[call.method]))
        if call.method in library.BINDING and name.startswith(library.STATEMENTS):
            return Thing(f"{name}()", marks=owner.marks if owner is not None else frozenset())
        if isinstance(owner, Const | Text | Ref | Tuple):
            return result
        if result.marks or frame.marks(result):
            return result
        if name == "os.path.join":
            return _joined_path(call.args)
        if name == "urllib.parse.urljoin" and len(call.args) == 2:
            return Thing("urllib.parse.urljoin()", marks=given)
        if name in library.PASSING or name.startswith(library.PASSING_MODULES):
            return Thing(f"{name}()", marks=given)
        if name.startswith("builtins."):
            return result
        return self._unknown(call, result, given, frame)

    @staticmethod
    def _words_of(call: Call, frame: Frame) -> Value:
        """The words of a command; the first is the program."""
        given = call.args[0]
        start = given.start.split(" ") if isinstance(given, Text) else []
        known = tuple(Const(each) for each in start[:-1] if each)
        return frame.make_list(call.node, known, Thing(marks=frame.marks(given)))

    def _unknown(self, call: Call, result: Value, given: Marks, frame: Frame) -> Value:
        """A function of which nothing is known: what it gives may hold what it was given."""
        if not isinstance(result, Thing):
            return result
        step = self._step(
            call.node, frame, f"`{short(call.node.func)}` gets it, and cannot be followed"
        )
        marks = changed(doubtful(given), lambda each: each.at(step))
        return result.marked(marks)

    def _of_request_method(self, call: Call, frame: Frame) -> Value:
        name = call.method
        if sources.is_data(name):
            if _is_cast(call):
                return UNKNOWN
            return Thing(f"{sources.REQUEST}.{name}", marks=self._mark(call.node, frame))
        if sources.is_own_address(name):
            safe = frozenset({"redirect", "host", "path", "header", "log"})
            return Thing(marks=self._mark(call.node, frame, safe))
        return Thing(f"{sources.REQUEST}.{name}()")

    def _of_marked(self, call: Call, owner: Value, result: Value, frame: Frame) -> Value:
        """A method of data from outside gives more of it."""
        method = call.method
        if method in library.BINDING and call.name.startswith(library.STATEMENTS):
            return Thing(f"{call.name}()", marks=frame.marks(owner))
        if method in library.HARMLESS_METHODS or (method == "open" and "Path" in _kind(owner)):
            return result if isinstance(result, Const) else UNKNOWN
        if method in library.METHOD_SANITISERS:
            marks = cleared(frame.marks(owner), library.METHOD_SANITISERS[method])
            return Thing(_kind(owner), marks=marks)
        if isinstance(owner, Ref):
            return result
        if (
            isinstance(owner, Thing)
            and owner.of is not None
            and frame.run.program.method(owner.of, method)
        ):
            return result
        if method in ("split", "rsplit", "splitlines"):
            return frame.make_list(call.node, (), Thing(marks=owner.marks))
        if isinstance(owner, Text) and result.marks:
            return result
        if method == "translate" and call.args:
            return Thing(marks=cleared(frame.marks(owner), _translated(call.args[0], frame)))
        if method == "encode" and isinstance(owner, Thing):  # what logs of bytes is their `repr`
            return Thing(marks=cleared(frame.marks(owner), {"log"}))
        kind = _kind(owner) if method in ("joinpath", "with_suffix", "expanduser") else ""
        marks = frame.marks(owner) | _every_mark(call, frame)
        return Thing(kind, marks=marks if method in library.DATA_METHODS else doubtful(marks))

    def _replaced(self, call: Call, owner: Value, result: Value, frame: Frame) -> Value:
        old = call.constant(0, "old")
        marks = frame.marks(owner) | call.args[1].marks
        safe = checks.families_without(str(old)) if isinstance(old, str) else frozenset()
        if isinstance(owner, Text):
            return frame.remarked(result, lambda each: cleared(each, safe)) if safe else result
        if isinstance(owner, Const):
            return Thing(marks=marks) if marks else result
        return Thing(marks=cleared(marks, safe)) if marks else result

    def operation(self, node: ast.BinOp | ast.AugAssign, left: Value, right: Value) -> Value | None:
        if isinstance(node.op, ast.Div) and (left.marks | right.marks):
            return _joined_path((left, right))
        if isinstance(node.op, ast.Sub | ast.Pow | ast.FloorDiv | ast.LShift | ast.RShift):
            return UNKNOWN
        return None

    def element(self, iterated: Value, node: ast.AST, frame: Frame) -> Value | None:
        if isinstance(iterated, Text) and iterated.marks:
            return Thing(_CHARACTER, marks=iterated.marks)
        if isinstance(iterated, Thing) and iterated.marks:
            if iterated.name.startswith("form."):
                return UNKNOWN  # the names of its fields
            if _is_collection(iterated.name) and isinstance(node, ast.expr):
                return Thing(marks=self._mark(node, frame, _common_cleared(iterated.marks)))
            return Thing(
                "" if iterated.name.startswith(_OF_DATA) else _CHARACTER, marks=iterated.marks
            )
        return None

    # Steps.

    def _step(self, node: ast.AST, frame: Frame, message: str) -> Step:
        place = frame.place(node)
        return Step(place.path, place.line, message)

    def _stepped(self, value: Value, step: Step) -> Value:
        if not value.marks:
            return value
        if isinstance(value, Text):
            parts = tuple(self._stepped(each, step) for each in value.parts)
            return replace(value, parts=parts, marks=union_of(parts))
        if isinstance(value, Choice):
            values = tuple(self._stepped(each, step) for each in value.values)
            return replace(value, values=values, marks=union_of(values))
        return replace(value, marks=changed(value.marks, lambda each: each.at(step)))

    def assigned(self, name: str, value: Value, node: ast.AST, frame: Frame) -> Value:
        if not value.marks:
            return value
        return self._stepped(value, self._step(node, frame, f"goes into `{name}`"))

    def bound(self, function: FunctionCode, name: str, value: Value, frame: Frame) -> Value:
        if not value.marks:
            return value
        path, line = function.module.path, function.node.lineno
        return self._stepped(value, Step(path, line, f"is `{name}` of `{function.name}`"))

    def unfollowed(self, value: Value) -> Value:
        return value.marked(doubtful(value.marks))

    def left(self, function: FunctionCode, exit_state: State, frame: Frame) -> None:
        """What a function has checked on all its ways holds for its caller, too."""
        held = exit_state.variables.get(_CHECKS)
        if isinstance(held, Checks) and held.facts:
            self.apply(frame, dict(held.facts))

    # Checks.

    def check(self, frame: Frame, marks: Marks, families: frozenset[str]) -> None:
        """Data of these origins is safe for these families from here on."""
        found = dict.fromkeys(origins(marks), families)
        if found:
            self.apply(frame, found)

    def apply(self, frame: Frame, found: Mapping[Origin, frozenset[str]]) -> None:
        known = dict(found)
        frame.remark(lambda marks: without_origins(marks, known))
        held = frame.state.variables.get(_CHECKS)
        facts = held.facts if isinstance(held, Checks) else frozenset()
        frame.state.variables[_CHECKS] = Checks(facts=facts | frozenset(known.items()))

    def assume(self, test: Test, frame: Frame) -> None:
        node, outcome = test.node, test.outcome
        if isinstance(node, ast.Compare):
            self._assume_comparison(node, frame, outcome=outcome)
        elif isinstance(node, ast.Call):
            self._assume_call(node, frame, outcome=outcome)
        elif isinstance(node, ast.Attribute) and not outcome and node.attr in _HOST_PARTS:
            self.check(frame, frame.known(node).marks, frozenset({"redirect", "host"}))

    def _assume_comparison(self, node: ast.Compare, frame: Frame, *, outcome: bool) -> None:
        if len(node.ops) != 1:
            return
        op = node.ops[0]
        left, right = frame.known(node.left), frame.known(node.comparators[0])
        if isinstance(op, ast.NotIn | ast.NotEq | ast.IsNot):
            outcome = not outcome
        if isinstance(op, ast.Is | ast.IsNot | ast.Eq | ast.NotEq) and right == NONE:
            self._assume_none(node.left, frame, outcome=outcome)
            return
        if isinstance(op, ast.In | ast.NotIn):
            self._assume_membership(node, left, right, frame, outcome=outcome)
        elif isinstance(op, ast.Eq | ast.NotEq | ast.Is | ast.IsNot) and outcome:
            self._assume_equal(node, left, right, frame)

    def _assume_none(self, node: ast.expr, frame: Frame, *, outcome: bool) -> None:
        """`match is None`: what matched is not None, so it is as good as true."""
        made = frame.state.tests.get(node.id) if isinstance(node, ast.Name) else node
        if isinstance(made, ast.Call) and isinstance(made.func, ast.Attribute | ast.Name):
            call = frame.called.get(id(made))
            if call is not None and call.method in checks.MATCHES:
                self._assume_call(made, frame, outcome=not outcome)

    def _assume_membership(
        self, node: ast.Compare, left: Value, right: Value, frame: Frame, *, outcome: bool
    ) -> None:
        if outcome and _is_character(left):
            safe = _safe_among(right) if not frame.marks(right) else frozenset()
            if left.marks and safe:
                frame.refine(node.left, frame.remarked(left, lambda each: cleared(each, safe)))
            return
        if outcome:
            if isinstance(right, Thing) and right.name == ".parents":
                self.check(frame, right.marks, frozenset({"path"}))
            elif not isinstance(right, Const | Text) and not frame.marks(right):
                self.check(frame, frame.marks(left), FAMILIES)
        elif isinstance(left, Const) and isinstance(left.value, str):
            safe = checks.families_without(left.value)
            if left.value in ("'", '"') and _is_inner(node.comparators[0]):
                safe = frozenset({"no quote inside"})
            if safe:
                self.check(frame, right.marks, safe)

    def _assume_equal(self, node: ast.Compare, left: Value, right: Value, frame: Frame) -> None:
        for side, value, other in ((node.left, left, right), (node.comparators[0], right, left)):
            if not value.marks:
                continue
            if isinstance(side, ast.Attribute) and side.attr in ("netloc", "hostname"):
                self.check(frame, value.marks, frozenset({"redirect", "host"}))
            elif isinstance(side, ast.Call) and dotted(side.func).endswith(
                ("commonpath", "commonprefix")
            ):
                self.check(frame, value.marks, frozenset({"path"}))
            elif not frame.marks(other) and not isinstance(other, Const):
                self.check(frame, value.marks, FAMILIES)

    def _assume_call(self, node: ast.Call, frame: Frame, *, outcome: bool) -> None:
        call = frame.called.get(id(node))
        if call is None:
            return
        known = frame.seen.get(id(node.func))
        code = known.code if isinstance(known, Function) else None
        if code is None and isinstance(node.func, ast.Attribute):
            found = frame.run.program.lookup(call.name) if call.name else None
            code = found.code if isinstance(found, Function) else None
        facts = self.facts.get(code, {}).get(outcome) if code is not None else None
        if facts:
            given = origins(_every_mark(call, frame))
            self.apply(frame, {each: safe for each, safe in facts.items() if each in given})
        if isinstance(node.func, ast.Attribute) and _is_character(frame.known(node.func.value)):
            self._assume_character(node, call, frame, outcome=outcome)
            return
        owner_marks: Marks = frozenset()
        if call.owner is not None and isinstance(node.func, ast.Attribute):
            owner_marks = call.owner.marks | frame.known(node.func.value).marks
        for marks, safe in checks.assumed(
            call, owner_marks, _every_mark(call, frame), outcome=outcome
        ):
            self.check(frame, marks, safe)

    def _assume_character(self, node: ast.Call, call: Call, frame: Frame, *, outcome: bool) -> None:
        """A test of one character says nothing of the text that it is from."""
        if outcome and call.method in checks.STRICT_TESTS and isinstance(node.func, ast.Attribute):
            value = frame.known(node.func.value)
            frame.refine(
                node.func.value, frame.remarked(value, lambda each: cleared(each, OF_CHARACTERS))
            )

    def returned(self, value: Value, node: ast.AST, frame: Frame) -> None:
        if isinstance(node, ast.Return):
            if frame.caller is None:
                self._answered(value, node, frame)
            else:
                self._learn(value, node, frame)

    def _learn(self, value: Value, node: ast.Return, frame: Frame) -> None:
        """What is known where a function returns something true, or something false."""
        if frame.code is None or node.value is None:
            return
        state = frame.state
        if isinstance(node.value, ast.Compare | ast.BoolOp | ast.UnaryOp | ast.Call | ast.Constant):
            frame.state = state.copy()
            _, yes, no = branching.split(node.value, frame)
            frame.state = state
        elif isinstance(value, Const):
            yes = no = state
        else:
            return
        known = self.facts.setdefault(frame.code, {})
        for outcome, at in ((True, yes), (False, no)):
            if at.is_dead:
                continue
            held = at.variables.get(_CHECKS)
            facts = dict(held.facts) if isinstance(held, Checks) else {}
            before = known.get(outcome)
            if before is None:
                known[outcome] = facts
            else:
                known[outcome] = {
                    each: safe & facts[each] for each, safe in before.items() if each in facts
                }

    def never_returns(self, call: Call) -> bool:
        return call.name.rpartition(".")[2] == "abort"

    # Sinks.

    def _look_at(self, call: Call, frame: Frame) -> None:
        for family, sink in (
            *self.sinks.by_name.get(call.name, ()),
            *self.sinks.by_method.get(call.method, ()),
        ):
            given = sink.given(call)
            if given and sink.when(call, frame):
                for value in given:
                    self.reach(family, sink, call.name or call.method, value, call.node, frame)

    def stored(
        self, target: ast.expr, owner: Value, key: Value, value: Value, frame: Frame
    ) -> None:
        for family, sink in self.sinks.stored:
            if _is_owner(sink, owner, target):
                name = short(target)
                self.reach(family, sink, name, value, target, frame)
                if sink.keys:
                    self.reach(family, sink, name, key, target, frame)

    def _answered(self, value: Value, node: ast.Return, frame: Frame) -> None:
        code = frame.code
        if code is None:
            return
        route = sources.route_of(code, frame.run.program)
        if route is None or not route.is_html:
            return
        for family, sink in self.sinks.returned:
            self._answered_with(family, sink, value, node, frame)

    def _answered_with(
        self, family: str, sink: Returned, value: Value, node: ast.Return, frame: Frame
    ) -> None:
        for each in choices(value):
            body = each.items[0] if isinstance(each, Tuple) and each.items else each
            if isinstance(body, Ref) and isinstance(frame.object(body), DictObj | ListObj):
                continue  # JSON
            if isinstance(body, Thing) and (body.of is not None or body.name):
                continue  # a response, which is a sink where it is made
            self.reach(family, sink, "return", body, node, frame)

    def reach(
        self,
        family: str,
        sink: Sink | Stored | Returned,
        name: str,
        value: Value,
        node: ast.AST,
        frame: Frame,
    ) -> None:
        """Note data that arrives at a sink, if it is still dangerous there."""
        if family == "html" and isinstance(value, Tuple) and value.items:
            value = value.items[0]  # of a response in Flask: its body, then headers
        if family == "path" and _is_buffer(value, frame):
            return
        dangerous = [
            each for each in frame.marks(value) if isinstance(each, Mark) and each.harms(family)
        ]
        if dangerous:
            dangerous.sort(key=lambda each: (not each.is_sure, each.origin.path, each.origin.line))
            self._note(family, sink, name, value, node, frame, dangerous[0])
        elif family in self.hotspots and not frame.marks(value) and _is_open(value, frame):
            self._note(family, sink, name, value, node, frame, None)

    def _note(
        self,
        family: str,
        sink: Sink | Stored | Returned,
        name: str,
        value: Value,
        node: ast.AST,
        frame: Frame,
        mark: Mark | None,
    ) -> None:
        nodes: list[tuple[str, ast.AST]] = [(frame.module.path, node)]
        at: Frame | None = frame
        while at is not None and at.caller is not None:
            if at.call is not None:
                nodes.append((at.caller.module.path, at.call))
            at = at.caller
        given = None
        if isinstance(node, ast.Call):
            given = _given_node(node, value, frame)
        self.hits.append(Hit(family, sink, name, tuple(nodes), value, given, mark))


def _has_constant_path(frame: Frame) -> bool:
    """Whether the route that led here answers one address only."""
    at = frame
    while at.caller is not None:
        at = at.caller
    route = sources.route_of(at.code, frame.run.program) if at.code is not None else None
    return route is not None and bool(route.path) and not set("<{") & set(route.path)


def short(node: ast.AST) -> str:
    """The source of a node, cut where it is long."""
    code = " ".join(ast.unparse(node).split())
    return code if len(code) <= _LONGEST else f"{code[: _LONGEST - 1]}…"


def _given_node(node: ast.Call, value: Value, frame: Frame) -> ast.AST | None:
    for each in (*node.args, *(keyword.value for keyword in node.keywords)):
        if frame.seen.get(id(each)) is value:
            return each
    return None


def _every_mark(call: Call, frame: Frame) -> Marks:
    found: Marks = frozenset()
    for each in call.every:
        found = found | frame.marks(each)
    return found


def _is_collection(name: str) -> bool:
    """`request.args`, `form.cleaned_data`: each key of these has data of its own."""
    return name.startswith((f"{sources.REQUEST}.", "form."))


def _common_cleared(marks: Marks) -> frozenset[str]:
    sets = [each.cleared for each in marks if isinstance(each, Mark)]
    return frozenset.intersection(*sets) if sets else frozenset()


def _safe_by_key(key: str) -> frozenset[str]:
    """The page that led here is a fair place to send its reader back to."""
    is_referrer = key.lower().removeprefix("http_") in ("referer", "referrer")
    return frozenset({"redirect"}) if is_referrer else frozenset()


def _is_cast(call: Call) -> bool:
    """`request.args.get("page", type=int)`."""
    given = call.keywords.get("type")
    return isinstance(given, Thing) and given.name in library.HARMLESS


def _constant(key: Value) -> str:
    return str(key.value) if isinstance(key, Const) else ""


def _is_character(value: Value) -> bool:
    return any(isinstance(each, Thing) and each.name == _CHARACTER for each in choices(value))


def _translated(table: Value, frame: Frame) -> frozenset[str]:
    """What text is safe for from which a table took some characters."""
    held = frame.object(table)
    keys = held.items if isinstance(held, DictObj) else {}
    signs = (chr(each) if isinstance(each, int) else str(each) for each in keys)
    found: frozenset[str] = frozenset()
    for each in signs:
        found = found | checks.families_without(each)
    return found


def _safe_among(known: Value) -> frozenset[str]:
    """What a character is safe for that is one of these."""
    if not isinstance(known, Const | Text):
        return FAMILIES
    risky = {
        each for each in _constant(known) if not each.isalnum() and each not in checks.HARMLESS
    }
    if isinstance(known, Text) or risky & set("<>&\"'"):
        return frozenset()
    return frozenset({"html"}) if risky else OF_CHARACTERS


def _is_inner(node: ast.expr) -> bool:
    """`text[1:-1]`."""
    return isinstance(node, ast.Subscript) and ast.unparse(node.slice) == "1:-1"


def _kind(owner: Value) -> str:
    return owner.name if isinstance(owner, Thing) else ""


def _joined_path(args: Sequence[Value]) -> Value:
    parts: list[Value] = []
    for each in args:
        if parts:
            parts.append(Const("/"))
        parts.append(each)
    joined = text_of(parts)
    if isinstance(joined, Text):
        first = args[0]
        if isinstance(first, Thing) and "Path" in first.name:
            return Thing(first.name, marks=joined.marks)
    return joined


def _is_owner(sink: Stored, owner: Value, target: ast.expr) -> bool:
    name = owner.name if isinstance(owner, Thing) else ""
    written = dotted(target.value) if isinstance(target, ast.Subscript) else ""
    for each in sink.owners:
        if each.startswith("*."):
            if written.endswith(each[1:]):
                return isinstance(target, ast.Subscript)
        elif name == each and isinstance(target, ast.Subscript):
            return True
    return False


def _is_buffer(value: Value, frame: Frame) -> bool:
    """`io.BytesIO(data)`: a file in memory, whose contents are no path."""
    held = frame.object(value)
    return isinstance(held, ListObj) and held.kind == "buffer"


def _is_open(value: Value, frame: Frame) -> bool:
    """Whether text is made of something that nobody knows."""
    match value:
        case Const() | Class() | Function() | Ref() | Tuple():
            return False
        case Text(parts=parts):
            return any(_is_open(each, frame) for each in parts)
        case Choice(values=values):
            return any(_is_open(each, frame) for each in values)
        case Thing():
            return not value.name and not value.marks
        case _:
            return False
