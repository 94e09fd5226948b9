"""What the views of Django and REST framework do when the project does not say otherwise."""

# A case for each kind of node or name reads best in one place; a call has five parts.

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rules.flow.orm import querying, serializing
from rules.flow.orm.django_auth import AUTH_USER
from rules.flow.orm.values import (
    Class,
    Constant,
    Mapped,
    OneOf,
    Outside,
    Place,
    Query,
    Rendered,
    Row,
    Sequence,
    Thing,
    Value,
)

if TYPE_CHECKING:
    from rules.flow.orm.evaluator import Evaluator, Frame

_LISTING = frozenset(
    {"ListModelMixin", "ModelViewSet", "ReadOnlyModelViewSet", "ListAPIView"}
    | {"ListCreateAPIView"}
)
_RETRIEVING = frozenset(
    {"RetrieveModelMixin", "ModelViewSet", "ReadOnlyModelViewSet", "RetrieveAPIView"}
    | {"RetrieveUpdateAPIView", "RetrieveDestroyAPIView", "RetrieveUpdateDestroyAPIView"}
)
_LIST_PAGES = frozenset(
    {"ListView", "MultipleObjectMixin", "BaseListView", "FilterView", "ArchiveIndexView"}
)
_DETAIL_PAGES = frozenset(
    {"DetailView", "SingleObjectMixin", "UpdateView", "DeleteView", "BaseDetailView"}
)
_PAGES = frozenset({"TemplateView", "TemplateResponseMixin", "FormView", "CreateView", "View"})
_FRAMEWORK = (
    "rest_framework",
    "django.views",
    "django.contrib",
    "vanilla",
    "django_filters",
    "rest_framework_extensions",
    "drf_",
    "dynamic_rest",
    "djangorestframework",
    "ninja_extra",
)


def outer_names(ev: Evaluator, key: str) -> frozenset[str]:
    """The last names of the classes from outside that a class descends from."""
    return frozenset(
        each.rpartition(".")[2]
        for each in ev.classes.lineage(key)
        if each not in ev.classes.by_name
    )


def is_view(ev: Evaluator, key: str) -> bool:
    return any(
        each.startswith(_FRAMEWORK)
        for each in ev.classes.lineage(key)
        if each not in ev.classes.by_name
    )


def user_model(ev: Evaluator) -> str:
    app, _, name = ev.apps.user_model.rpartition(".")
    known = bool(ev.schema.models.by_key)
    for key, each in ev.schema.models.by_key.items():
        if each.name.lower() == name.lower() and each.app.lower() == app.lower():
            return key
    mapped = ev.schema.only_one("User") if not known else ""
    if mapped:
        return mapped
    return AUTH_USER if ev.apps.user_model.lower() in ("auth.user", "") and known else ""


def query_of(ev: Evaluator, view: Thing, place: Place, frame: Frame) -> Value:
    """`get_queryset` of a view that may have its own."""
    return ev.call(ev.attribute(view, "get_queryset", place, frame), [], {}, place, frame)


def serializer_of(ev: Evaluator, view: Thing, place: Place, frame: Frame) -> Value:
    return ev.call(ev.attribute(view, "get_serializer_class", place, frame), [], {}, place, frame)


def call(
    ev: Evaluator,
    view: Thing,
    name: str,
    args: list[Value],
    keywords: dict[str, Value],
    place: Place,
    frame: Frame,
) -> Value:
    """A method of a view that the framework defines."""
    first = args[0] if args else None
    if name in ("filter_queryset", "paginate_queryset"):
        if first is None and "queryset" in keywords:
            first = keywords["queryset"]
        return _paged(first) if name == "paginate_queryset" else first
    if name == "get_queryset":
        return _own_queryset(ev, view, place, frame)
    if name == "get_serializer_class":
        return ev.attribute(view, "serializer_class", place, frame)
    if name in ("get_serializer", "get_serializer_context"):
        if name == "get_serializer_context":
            return Mapped((("request", Outside("request")), ("view", view)))
        made = serializer_of(ev, view, place, frame)
        context = Mapped((("request", Outside("request")), ("view", view)))
        return ev.call(made, args, {"context": context, **keywords}, place, frame)
    if name == "get_object":
        source = query_of(ev, view, place, frame)
        if isinstance(source, Query):
            return Row(source.model, replace(source, is_manager=False))
        return None
    if name in ("list", "retrieve"):
        act(ev, view, name, place, frame)
        return None
    if name == "get_context_data":
        return context_of(ev, view, keywords, place, frame)
    if name in ("get_template_names", "get_paginated_response"):
        return None
    if name == "render_to_response":
        _fill(ev, view, first, place, frame)
        return None
    if name in ("get", "dispatch") and not view.has("__shown"):
        show(ev, view.with_attribute("__shown", Constant(True)), place, frame)
    return None


def _paged(value: Value) -> Value:
    return replace(value, is_list=False) if isinstance(value, Query) else value


def _own_queryset(ev: Evaluator, view: Thing, place: Place, frame: Frame) -> Value:
    source = (
        view.get("queryset")
        if view.has("queryset")
        else ev.class_attribute(view.cls, "queryset", view)
    )
    if isinstance(source, Query):
        return replace(source, is_manager=False)
    model = ev.attribute(view, "model", place, frame)
    if isinstance(model, Class) and ev.schema.is_model(model.name):
        found = ev.class_attribute(view.cls, "model", view)
        del found
        made = querying.of_manager(
            ev, model.name, "_default_manager", _place_of_class(ev, view, place)
        )
        return replace(made, is_manager=False)
    return None


def _place_of_class(ev: Evaluator, view: Thing, place: Place) -> Place:
    """Where the class says `model = ...`: what a query of its own would replace."""
    for each in ev.classes.lineage(view.cls):
        if each not in ev.classes.by_name:
            continue
        path, record = ev.classes.by_name[each]
        node = ev.trees.variable(path, f"{record.name}.model")
        if node is not None:
            return Place(
                path, node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0
            )
    return place


def act(ev: Evaluator, view: Thing, name: str, place: Place, frame: Frame) -> None:
    """The framework's own `list` and `retrieve`."""
    view = view.with_attribute("action", Constant(name))
    rows = query_of(ev, view, place, frame)
    filtered = ev.call(
        ev.attribute(view, "filter_queryset", place, frame), [rows], {}, place, frame
    )
    rows = filtered if filtered is not None else rows
    if name == "retrieve":
        if isinstance(rows, Query):
            rows = Row(rows.model, replace(rows, is_manager=False))
        made = ev.call(ev.attribute(view, "get_serializer", place, frame), [rows], {}, place, frame)
    else:
        made = ev.call(
            ev.attribute(view, "get_serializer", place, frame),
            [rows],
            {"many": Constant(True)},
            place,
            frame,
        )
    for each in made.values if isinstance(made, OneOf) else (made,):
        if isinstance(each, Thing):
            serializing.render(ev, each, place, frame)


def actions_of(ev: Evaluator, key: str) -> list[str]:
    """What a view of this class answers without code of its own."""
    names = outer_names(ev, key)
    found = []
    by_get = {"ListAPIView", "ListCreateAPIView"} & names and ev.has_attribute(key, "get")
    if names & _LISTING and not by_get and not ev.has_attribute(key, "list"):
        found.append("list")
    if names & _RETRIEVING and not ev.has_attribute(key, "retrieve"):
        found.append("retrieve")
    return found


def is_page(ev: Evaluator, key: str) -> bool:
    return bool(outer_names(ev, key) & (_LIST_PAGES | _DETAIL_PAGES | _PAGES))


def show(ev: Evaluator, view: Thing, place: Place, frame: Frame) -> None:
    """`GET` of a page view of Django's."""
    names = outer_names(ev, view.cls)
    if names & _LIST_PAGES and not view.has("object_list"):
        view = view.with_attribute("object_list", query_of(ev, view, place, frame))
    if names & _DETAIL_PAGES and not view.has("object"):
        row = ev.call(ev.attribute(view, "get_object", place, frame), [], {}, place, frame)
        view = view.with_attribute("object", row)
    context = ev.call(ev.attribute(view, "get_context_data", place, frame), [], {}, place, frame)
    _fill(ev, view, context, place, frame)


def _fill(ev: Evaluator, view: Thing, context: Value, place: Place, frame: Frame) -> None:
    if not isinstance(context, Mapped):
        return
    context = Mapped((("view", view), ("request", Outside("request")))).joined(context)
    for name in _templates(ev, view, context, place, frame):
        frame.note(Rendered(name, context, place, frame.loops))


def _templates(
    ev: Evaluator, view: Thing, context: Mapped, place: Place, frame: Frame
) -> list[str]:
    given = ev.call(ev.attribute(view, "get_template_names", place, frame), [], {}, place, frame)
    named = ev.attribute(view, "template_name", place, frame)
    found: list[str] = []
    for value in (given, named):
        parts = value.elements if isinstance(value, Sequence) else (value,)
        for each in parts:
            one = each.values[0] if isinstance(each, OneOf) else each
            if isinstance(one, Constant) and isinstance(one.value, str):
                found.append(one.value)
    if found:
        return found
    names = outer_names(ev, view.cls)
    rows = context.get("object_list") if names & _LIST_PAGES else context.get("object")
    model = rows.model if isinstance(rows, Query | Row) else ""
    known = ev.schema.models.by_key.get(model)
    if known is None:
        return []
    suffix = ev.attribute(view, "template_name_suffix", place, frame)
    ending = "_list" if names & _LIST_PAGES else "_detail"
    if isinstance(suffix, Constant) and isinstance(suffix.value, str):
        ending = suffix.value
    elif "UpdateView" in names or "CreateView" in names:
        ending = "_form"
    elif "DeleteView" in names:
        ending = "_confirm_delete"
    return [f"{known.app}/{known.name.lower()}{ending}.html"]


def context_of(
    ev: Evaluator, view: Thing, keywords: dict[str, Value], place: Place, frame: Frame
) -> Mapped:
    """What `get_context_data` of Django gives."""
    names = outer_names(ev, view.cls)
    made = Mapped((("view", view),))
    given = {k: v for k, v in keywords.items() if k != "**"}
    if names & _LIST_PAGES:
        rows = given.get("object_list") or view.get("object_list")
        if rows is None:
            rows = query_of(ev, view, place, frame)
        if isinstance(rows, Query):
            rows = replace(rows, is_manager=False)
        made = made.with_item("object_list", rows).with_item("page_obj", rows)
        label = ev.attribute(view, "context_object_name", place, frame)
        if isinstance(label, Constant) and isinstance(label.value, str):
            made = made.with_item(label.value, rows)
        elif isinstance(rows, Query):
            model = ev.schema.models.by_key.get(rows.model)
            if model is not None:
                made = made.with_item(f"{model.name.lower()}_list", rows)
    if names & _DETAIL_PAGES:
        row = view.get("object")
        if row is None:
            row = ev.call(ev.attribute(view, "get_object", place, frame), [], {}, place, frame)
        made = made.with_item("object", row)
        label = ev.attribute(view, "context_object_name", place, frame)
        if isinstance(label, Constant) and isinstance(label.value, str):
            made = made.with_item(label.value, row)
        elif isinstance(row, Row):
            model = ev.schema.models.by_key.get(row.model)
            if model is not None:
                made = made.with_item(model.name.lower(), row)
    return made.joined(Mapped(tuple(given.items())))


def called_outside(
    ev: Evaluator,
    full: str,
    args: list[Value],
    keywords: dict[str, Value],
    place: Place,
    frame: Frame,
) -> Value:
    """Classes of frameworks that are instantiated: generic serializer fields and the like."""
    del ev, frame
    if full.startswith(("rest_framework.", "drf_")):
        return Thing(full, (), tuple(args), tuple(keywords.items()), place)
    return None
