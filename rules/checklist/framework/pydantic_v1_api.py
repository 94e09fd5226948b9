"""Pydantic is used as in its first version, while the second is installed.

The old names still work for a while and warn with each use; they are gone in the third version, and
some, such as `each_item`, changed what they do. Use the new ones.

Bad:
```text requirements.txt
pydantic==2.7.1
```
```python
from pydantic import BaseModel


class Order(BaseModel):
    total: int


def copy(data, order: Order):
    first = Order.parse_obj(data)  # flagged
    return first.dict(), order.json(exclude_none=True)  # flagged
```
Good:
```text requirements.txt
pydantic==2.7.1
```
```python
from pydantic import BaseModel


class Order(BaseModel):
    total: int


def copy(data, order: Order):
    first = Order.model_validate(data)
    return first.model_dump(), order.model_dump_json(exclude_none=True)
```
Bad: the code itself shows which version it runs on.
```python
from pydantic import BaseModel, ConfigDict, root_validator, validator


class Order(BaseModel):
    model_config = ConfigDict(frozen=True)
    total: int

    @root_validator(pre=True)  # flagged
    def check(cls, values):
        return values


class Book(BaseModel):
    title: str

    class Config:  # flagged
        orm_mode = True

    @validator("title")  # flagged
    def short(cls, value):
        return value[:80]
```
Good:
```python
from pydantic import BaseModel, ConfigDict, field_validator, model_validator


class Order(BaseModel):
    model_config = ConfigDict(frozen=True)
    total: int

    @model_validator(mode="before")
    @classmethod
    def check(cls, values):
        return values


class Book(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    title: str

    @field_validator("title")
    @classmethod
    def short(cls, value):
        return value[:80]
```
Good: the first version, and what only has the same names.
```text requirements.txt
pydantic==1.10.2
```
```python
from pydantic import BaseModel, validator


class Order(BaseModel):
    total: int

    @validator("total")
    def positive(cls, value):
        return abs(value)


def read(data):
    return Order.parse_obj(data)
```
Good: it is imported as the first version on purpose.
```text requirements.txt
pydantic==2.7.1
```
```python
from pydantic.v1 import BaseModel


class Order(BaseModel):
    total: int

    class Config:
        orm_mode = True


def send(response, order):
    return response.json(), order.dict()
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.facts.pydantic_version import Pydantic
from rules.kit import Fix, Flag, Here, Kind, Replace, Rule, Severity, dotted

rule = Rule(
    __name__,
    __doc__,
    code="FWK127",
    severity=Severity.NOTICE,
    frameworks=("pydantic",),
    checklist=("fastapi.schemas",),
    scope="project",
    fix="suggestion",
)

_OF_CLASS = {
    "parse_obj": "model_validate",
    "from_orm": "model_validate",
    "parse_raw": "model_validate_json",
    "construct": "model_construct",
    "update_forward_refs": "model_rebuild",
    "schema": "model_json_schema",
}
_OF_ROW = {"dict": "model_dump", "json": "model_dump_json", "copy": "model_copy"}
_VALIDATORS = {
    "pydantic.validator": "field_validator",
    "pydantic.root_validator": "model_validator",
    "pydantic.class_validators.validator": "field_validator",
}


@rule.on(cst.Call, calls=(*_OF_CLASS, *_OF_ROW))
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    if not isinstance(call.func, cst.Attribute):
        return
    known: Pydantic = here.project.facts(Pydantic)
    if not known.second:
        return
    name, owner = call.func.attr.value, call.func.value
    new = _OF_CLASS.get(name, "") if _is_class(owner, known, here) else ""
    if not new and name in _OF_ROW and _is_row(owner, known, here):
        new = _OF_ROW[name]
    if new:
        renamed = call.func.with_changes(attr=cst.Name(new))
        yield Flag(
            call,
            f"`{name}` is the name of Pydantic 1; this project runs on 2. Call `{new}`.",
            fix=Fix((Replace(call.func, renamed),)),
        )


@rule.on(cst.Decorator, words=("validator", "root_validator"))
def check_validator(node: cst.Decorator, here: Here) -> Iterator[Flag]:
    func = node.decorator.func if isinstance(node.decorator, cst.Call) else node.decorator
    new = next((_VALIDATORS[each] for each in here.names(func) if each in _VALIDATORS), "")
    if new and here.project.facts(Pydantic).second:
        name = dotted(func).rpartition(".")[2]
        yield Flag(
            node,
            f"`{name}` is of Pydantic 1; this project runs on 2. Write `@{new}`, as a class method.",
        )


@rule.on(cst.ClassDef, words=("Config",))
def check_config(node: cst.ClassDef, here: Here) -> Iterator[Flag]:
    owner = here.around(node, cst.ClassDef, cst.FunctionDef)
    if node.name.value != "Config" or not isinstance(owner, cst.ClassDef):
        return
    known: Pydantic = here.project.facts(Pydantic)
    if known.second and any(_is_class(each.value, known, here) for each in owner.bases):
        yield Flag(
            node,
            "`class Config` is of Pydantic 1; this project runs on 2. Write `model_config = ConfigDict(...)`.",
        )


def _is_class(node: cst.BaseExpression, known: Pydantic, here: Here) -> bool:
    if not dotted(node).rpartition(".")[2][:1].isupper():
        return False
    return any(known.is_model(each) for each in here.names(node))


def _is_row(node: cst.BaseExpression, known: Pydantic, here: Here) -> bool:
    """Whether a name holds a model: by its annotation, or by the class that made it."""
    if not isinstance(node, cst.Name):
        return False
    bound = here.bindings(node)
    if len(bound) != 1 or bound[0].node is None:
        return False
    given = bound[0].node
    if bound[0].kind is Kind.PARAMETER and isinstance(given, cst.Param):
        note = given.annotation
        return note is not None and _is_class(note.annotation, known, here)
    match given:
        case cst.Call(func=cst.Attribute(value=owner, attr=cst.Name(value=made))):
            return made in _OF_CLASS.keys() | {"model_validate"} and _is_class(owner, known, here)
        case cst.Call(func=func):
            return _is_class(func, known, here)
        case _:
            return False
