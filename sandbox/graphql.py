"""`/graphql`: graphql-core executes queries on GitHub's own schema over the same state.

An object is a dictionary from field names to values or functions of the arguments. A field
that the schema has and the stand-in lacks is an error that says so.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    build_schema,
    graphql_sync,
)

from sandbox.auth import Identity
from sandbox.call import Answer
from sandbox.entities import Json
from sandbox.graph.base import Failure
from sandbox.graph.roots import Viewer
from sandbox.limits import Limits
from sandbox.refusal import Refused
from sandbox.state import State


@cache
def schema() -> GraphQLSchema:
    """GitHub's schema. Building it takes half a second, so the first query waits for it."""
    source = files("sandbox").joinpath("description/github-schema.graphql")
    return build_schema(source.read_text("utf-8"), assume_valid=True)


class GraphQL:
    def __init__(self, state: State, limits: Limits) -> None:
        self._state = state
        self._limits = limits

    def answer(self, identity: Identity, given: Any) -> Answer:
        if not isinstance(given, dict) or not isinstance(given.get("query"), str):
            raise Refused(400, "A query attribute must be specified and must be a string.")
        viewer = Viewer(self._state, self._limits, identity)
        result = graphql_sync(
            schema(),
            given["query"],
            root_value=viewer.root(),
            variable_values=given.get("variables") or {},
            operation_name=given.get("operationName"),
            field_resolver=_resolve,
        )
        body: Json = {"data": result.data}
        if result.errors:
            body["errors"] = [_error(error) for error in result.errors]
        return Answer(200, body)


def _error(error: GraphQLError) -> Json:
    shape: Json = dict(error.formatted)
    kind = getattr(error.original_error, "kind", None)
    if kind:
        shape["type"] = kind
    return shape


def _resolve(source: Any, info: GraphQLResolveInfo[None], **arguments: Any) -> Any:
    if not isinstance(source, dict) or info.field_name not in source:
        place = f"{info.parent_type.name}.{info.field_name}"
        raise Failure("UNIMPLEMENTED", f"The stand-in does not serve {place}")
    value = source[info.field_name]
    return value(**arguments) if callable(value) else value
