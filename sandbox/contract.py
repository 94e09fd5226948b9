"""GitHub's own description as a judge: which operation a request is, and what is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any
from urllib.parse import unquote

from openapi_schema_validator import (
    OAS30ReadValidator,
    OAS30WriteValidator,
    oas30_format_checker,
)
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from sandbox.amendments import amend
from sandbox.entities import Json

DOCUMENT = "urn:github"

# Limits that GitHub itself enforces and answers with 422; anything else is a mistake of the client.
LIMITS = frozenset({"maxItems", "maxLength", "anyOf"})
MULTI_SEGMENT = {"path", "ref", "basehead", "tree_sha", "branch"}

# Answers that GitHub gives to every operation although the description names them for some only.
UNDESCRIBED = frozenset({304, 400, 401, 403, 404, 405, 410, 415, 422, 429, 451, 500, 501, 502, 503})


@dataclass(frozen=True)
class Violation:
    """What is wrong; `limit` marks what GitHub would refuse with 422 rather than let pass."""

    text: str
    limit: bool = False


@dataclass(frozen=True)
class Operation:
    """One operation of the description; `id` is GitHub's, for example `pulls/create-review`."""

    id: str
    method: str
    template: str
    pattern: re.Pattern[str]
    parameters: tuple[Json, ...]
    body: str | None  # pointer to the schema of the request's body
    body_required: bool
    responses: Mapping[int, str | None]  # status -> pointer to the schema


class Contract:
    """The description, loaded once; read-only and safe to share."""

    def __init__(self, document: Json) -> None:
        self._document = document
        amend(document)
        resource: Resource[Any] = DRAFT4.create_resource(document)
        self._registry: Registry[Any] = Registry().with_resource(DOCUMENT, resource)
        self.operations = tuple(sorted(self._read_operations(), key=_openness))
        self._validator = lru_cache(maxsize=None)(self._build_validator)
        self._inline = lru_cache(maxsize=None)(self._build_inline)

    @classmethod
    @cache
    def load(cls) -> Contract:
        """The contract of the description in this package; read once per process."""
        text = (
            files("sandbox").joinpath("description/github-openapi-subset.json").read_text("utf-8")
        )
        return cls(json.loads(text))

    def match(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """The operation of a still percent-encoded path, and its decoded path parameters."""
        for operation in self.operations:
            if operation.method == method and (found := operation.pattern.fullmatch(path)):
                return operation, {key: unquote(text) for key, text in found.groupdict().items()}
        return None

    def knows_path(self, path: str) -> bool:
        return any(operation.pattern.fullmatch(path) for operation in self.operations)

    def request_violations(
        self,
        operation: Operation,
        parameters: Mapping[str, str],
        query: Mapping[str, str],
        body: Any,
    ) -> list[Violation]:
        """What the description says against a request. An absent body is given as None."""
        found = [
            Violation(text) for text in self._parameter_violations(operation, parameters, query)
        ]
        if operation.body is None:
            if body not in (None, {}):
                found.append(Violation(f"{operation.id} takes no body"))
            return found
        if body is None:
            missing = [Violation("the body is missing")] if operation.body_required else []
            return found + missing
        errors = self._validator(operation.body, write=True).iter_errors(body)
        found += [Violation(_said(error), limit=error.validator in LIMITS) for error in errors]
        unknown = _unknown_keys(self._document, self._at(operation.body), body, "body")
        return found + [Violation(text) for text in unknown]

    def response_violations(self, operation: Operation, status: int, body: Any) -> list[str]:
        """What the description says against an answer; `body` is None where there is none."""
        if status not in operation.responses:
            if status not in UNDESCRIBED:
                return [f"{operation.id} does not answer {status}"]
            pointer: str | None = "/components/schemas/basic-error"
        else:
            pointer = operation.responses[status]
        if pointer is None or (body is None and status >= 300):
            return []
        return self._errors(pointer, body)

    def event_violations(self, event: str, action: str | None, payload: Json) -> list[str]:
        """What the description says against the payload of a delivery."""
        name = "-".join(part.replace("_", "-") for part in (event, action) if part)
        hooks = self._document["x-webhooks"]
        if name not in hooks:
            return [f"no description of the event {name}"]
        pointer = f"/x-webhooks/{name}/post/requestBody/content/application~1json/schema"
        return self._errors(pointer, payload)

    def _read_operations(self) -> Iterator[Operation]:
        for template, item in self._document["paths"].items():
            for method, operation in item.items():
                pointer = f"/paths/{_escape(template)}/{method}"
                body = operation.get("requestBody")
                yield Operation(
                    id=operation["operationId"],
                    method=method.upper(),
                    template=template,
                    pattern=_pattern(template),
                    parameters=tuple(self._deref(p) for p in operation.get("parameters", ())),
                    body=_json_schema(f"{pointer}/requestBody", body) if body else None,
                    body_required=bool(body and body.get("required")),
                    responses={
                        int(status): self._response_pointer(f"{pointer}/responses/{status}", answer)
                        for status, answer in operation["responses"].items()
                    },
                )

    def _response_pointer(self, pointer: str, answer: Json) -> str | None:
        if "$ref" in answer:
            pointer = answer["$ref"].removeprefix("#")
            answer = self._at(pointer)
        return _json_schema(pointer, answer)

    def _parameter_violations(
        self, operation: Operation, parameters: Mapping[str, str], query: Mapping[str, str]
    ) -> Iterator[str]:
        known = {p["name"]: p for p in operation.parameters if p["in"] == "query"}
        for name in query:
            if name not in known:
                yield f"unknown query parameter {name!r}"
        given = {"path": parameters, "query": query}
        for parameter in operation.parameters:
            name, place = parameter["name"], parameter["in"]
            if place not in given:
                continue
            if name not in given[place]:
                if parameter.get("required"):
                    yield f"the {place} parameter {name!r} is missing"
                continue
            schema = json.dumps(parameter["schema"], sort_keys=True)
            value = _typed(given[place][name], parameter["schema"])
            for error in self._inline(schema).iter_errors(value):
                yield f"{place} parameter {name!r}: {error.message}"

    def _errors(self, pointer: str, value: Any) -> list[str]:
        return [_said(error) for error in self._validator(pointer, write=False).iter_errors(value)]

    def _build_validator(self, pointer: str, *, write: bool) -> Any:
        kind = OAS30WriteValidator if write else OAS30ReadValidator
        reference = {"$ref": DOCUMENT + "#" + pointer}
        return kind(reference, registry=self._registry, format_checker=oas30_format_checker)

    def _build_inline(self, schema: str) -> Any:
        rooted = json.loads(schema.replace('"#/', f'"{DOCUMENT}#/'))
        return OAS30ReadValidator(rooted, registry=self._registry)

    def _at(self, pointer: str) -> Any:
        return _resolve(self._document, pointer)

    def _deref(self, value: Json) -> Json:
        return self._at(value["$ref"].removeprefix("#")) if "$ref" in value else value


def _said(error: Any) -> str:
    return f"{error.json_path}: {error.message[:300]}"


def _openness(operation: Operation) -> tuple[int, int]:
    return operation.template.count("{"), -len(operation.template)


def _pattern(template: str) -> re.Pattern[str]:
    def group(match: re.Match[str]) -> str:
        multi = match[1] in MULTI_SEGMENT and not template.endswith("/installation")
        return f"(?P<{match[1]}>{'.+' if multi else '[^/]+'})"

    text = re.sub(r"\{(\w+)\}", group, template.replace(".", r"\."))
    # The root folder is asked for with an empty path.
    return re.compile(text.replace("/contents/(?P<path>.+)", "/contents/?(?P<path>.*)"))


def _json_schema(pointer: str, value: Json) -> str | None:
    content = value.get("content", {})
    if "application/json" in content:
        return f"{pointer}/content/application~1json/schema"
    return None


def _escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def _resolve(document: Json, pointer: str) -> Any:
    value: Any = document
    for part in pointer.lstrip("/").split("/"):
        value = value[part.replace("~1", "/").replace("~0", "~")]
    return value


def _typed(text: str, schema: Json) -> Any:
    """A query or path text as the type that its schema asks for, or the text itself."""
    if schema.get("type") == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    if schema.get("type") == "boolean" and text in {"true", "false"}:
        return text == "true"
    if "oneOf" in schema and text.isdigit():
        return int(text) if {"type": "integer"} in schema["oneOf"] else text
    return text


def _unknown_keys(document: Json, schema: Json, value: Any, where: str) -> Iterator[str]:
    """Keys that no branch of the schema names: a misspelt key must not pass in silence."""
    branches = list(_branches(document, schema))
    if isinstance(value, list):
        items = next((branch["items"] for branch in branches if "items" in branch), None)
        for index, item in enumerate(value if items else ()):
            yield from _unknown_keys(document, items or {}, item, f"{where}[{index}]")
    if not isinstance(value, dict):
        return
    known = {key: part for branch in branches for key, part in branch.get("properties", {}).items()}
    if not known:
        return
    for key, part in value.items():
        if key in known:
            yield from _unknown_keys(document, known[key], part, f"{where}.{key}")
        else:
            yield f"{where}: unknown key {key!r}"


def _branches(document: Json, schema: Json) -> Iterator[Json]:
    if "$ref" in schema:
        schema = _resolve(document, schema["$ref"].removeprefix("#"))
    for name in ("oneOf", "anyOf", "allOf"):
        for branch in schema.get(name, ()):
            yield from _branches(document, branch)
    yield schema  # last: the schema's own properties say more than its branches'
