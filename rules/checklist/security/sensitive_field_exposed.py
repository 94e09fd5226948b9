"""A password, token or secret is part of what the API answers.

Whoever may see the object may see the column: a hash can be cracked at home, a token used at
once. Mark the field as write-only, leave it out of the answer, or answer with a model of its own
that does not have it.

Bad:
```python shop/serializers.py
from django.contrib.auth.models import User
from rest_framework import serializers

class UserSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ["id", "username", "password"]  # flagged
```
Good:
```python shop/serializers.py
from django.contrib.auth.models import User
from rest_framework import serializers

class UserSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ["id", "username", "password"]
        extra_kwargs = {"password": {"write_only": True}}
```
Bad:
```python shop/serializers.py
from django.contrib.auth.models import AbstractUser
from django.db import models
from rest_framework import serializers

class Customer(AbstractUser):
    phone = models.CharField(max_length=30)

class CustomerSerializer(serializers.ModelSerializer):
    class Meta:
        model = Customer
        fields = "__all__"  # flagged
```
Bad:
```python shop/api.py
from fastapi import APIRouter
from pydantic import BaseModel

from shop import store

router = APIRouter()

class User(BaseModel):
    id: int
    hashed_password: str  # flagged

@router.get("/users/{number}", response_model=User)
def show(number: int):
    return store.user(number)
```
Bad:
```python shop/models.py
from shop import db

class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    password_hash = db.Column(db.String(200))

    def to_dict(self):
        return {
            "id": self.id,
            "password_hash": self.password_hash,  # flagged
        }
```
Good: the answer has a model of its own.
```python shop/api.py
from fastapi import APIRouter
from pydantic import BaseModel, Field, SecretStr

from shop import store

router = APIRouter()

class NewUser(BaseModel):
    name: str
    password: str

class User(BaseModel):
    id: int
    api_key: SecretStr
    hashed_password: str = Field(exclude=True)

@router.post("/users", response_model=User)
def add(new: NewUser):
    return store.add(new)
```
Good: a field that is declared write-only, or left out.
```python shop/serializers.py
from django.contrib.auth.models import User
from rest_framework import serializers

class UserSerializer(serializers.ModelSerializer):
    password = serializers.CharField(write_only=True)

    class Meta:
        model = User
        fields = ["id", "username", "password"]

class PublicUserSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        exclude = ["password", "email"]
```
Good: handing out tokens is what this one is for.
```python shop/serializers.py
from rest_framework import serializers
from rest_framework.authtoken.models import Token

class TokenSerializer(serializers.ModelSerializer):
    class Meta:
        model = Token
        fields = ["token", "created"]
```
Good: facts about a password are no password.
```python shop/models.py
class User:
    def to_dict(self):
        return {"has_password": bool(self.password), "password_changed": self.password_changed}
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.access import own_methods, own_value
from rules.facts.django_models import Models
from rules.facts.python_classes import Classes
from rules.facts.python_modules import FieldRecord
from rules.facts.route import Route
from rules.kit import (
    Confidence,
    Flag,
    Here,
    Related,
    Rule,
    Severity,
    children,
    dotted,
    find,
    keyword,
    string,
)

rule = Rule(
    __name__,
    __doc__,
    code="SEC141",
    severity=Severity.ERROR,
    checklist=("drf.serializers", "fastapi.schemas"),
    scope="project",
    cwe=200,
)

_PASSWORD = re.compile(
    r"^(?!is_|has_|can_|needs_|must_|require|force)(\w+_)?(password|passwd|pwd|passphrase|password_hash|pass_hash"
    r"|hashed_password|password_digest|pwd_hash|password_salt|hash_password|encrypted_password|private_key"
    r"|totp_secret|otp_secret|mfa_secret|two_factor_secret|reset_token|password_reset_token"
    r"|recovery_codes|backup_codes|security_answer|hashed_pw|pw_hash|password_encrypted)$",
    re.IGNORECASE,
)
_TOKEN = re.compile(
    r"^(?!is_|has_|can_|csrf|next_|page_|public_|verify_)(\w+_)?(secret|secret_key|token|api_key|apikey|access_key|signing_key)$",
    re.IGNORECASE,
)
_PERSON = re.compile(
    r"User|Account|Customer|Member|Profile|Employee|Person|Patient|Owner|Author|Seller"
)
_GIVES_OUT = re.compile(
    r"Token|Auth|Login|LogIn|Key|Credential|Secret|Session|OAuth|Otp|OTP|Totp|Invit|Signup|Jwt|JWT|Mfa|MFA|Reset"
)
_FOR_INPUT = re.compile(
    r"Login|Change|Reset|SetPassword|Verify|Input|Request|Import|Payload|Create|New[A-Z]|Update|Patch|Register|In$|Form"
    r"|Signup|SignUp|Body|Confirm|Settings|Config"
)
_FOR_OUTPUT = re.compile(r"(Out|Response|Read|Public|Output|Display)$")
_SERIALIZER = re.compile(r"(^|\.)\w*ModelSerializer$")
_AUTH_USERS = re.compile(
    r"django\.contrib\.auth\.(models|base_user)\.(AbstractUser|AbstractBaseUser|User)$"
)
_SCHEMAS = re.compile(r"(^|\.)(BaseModel|SQLModel|Schema|ModelSchema|CamelModel|APIModel)$")
_DICTS = frozenset(
    {
        "to_dict",
        "as_dict",
        "to_json",
        "as_json",
        "serialize",
        "serialized",
        "json",
        "dump",
        "asdict",
        "__json__",
    }
)
_ENTRY = re.compile(
    r"SecretStr|SecretBytes|exclude\s*=\s*True|ClassVar|PrivateAttr|write_?only|writeOnly|bool\b|datetime"
)
_WRAPPERS = frozenset(
    {"list", "List", "Page", "Optional", "Sequence", "Union", "Paginated", "Response"}
)


@rule.on(cst.ClassDef, words=("ModelSerializer", "HyperlinkedModelSerializer", "serializers"))
def serialized(node: cst.ClassDef, here: Here) -> Iterator[Flag]:
    meta = next(
        (n for n in children(node.body) if isinstance(n, cst.ClassDef) and n.name.value == "Meta"),
        None,
    )
    if meta is None or here.is_test or not _descends(node, _SERIALIZER, here):
        return
    if _FOR_INPUT.search(node.name.value) or "to_representation" in own_methods(node):
        return
    listed, excluded = own_value(meta, "fields"), own_value(meta, "exclude")
    if excluded is not None or string(listed) == "__all__":
        yield from _of_all(node, meta, listed if excluded is None else excluded, here)
        return
    for element in find(listed, cst.Element) if listed is not None else ():
        each, name = element.value, string(element.value) or ""
        if _confidence(name, node.name.value) and not _is_hidden(name, node, meta, here):
            yield _flag(each, name, node.name.value, _confidence(name, node.name.value))


@rule.on(Route)
def answered(route: Route, here: Here) -> Iterator[Flag]:
    """`response_model=User`, or the annotation of what a route of FastAPI returns."""
    function = route.handler
    if (
        route.framework not in ("fastapi", "ninja")
        or here.is_test
        or not isinstance(function, cst.FunctionDef)
    ):
        return
    if any(
        keyword(route.node, each) is not None
        for each in ("response_model_exclude", "response_model_include")
    ):
        return
    given = keyword(route.node, "response_model") or keyword(route.node, "response")
    if given is None and function.returns is not None:
        given = function.returns.annotation
    for model in _models_in(given, here):
        yield from _of_model(model, given, here)


@rule.on(cst.ClassDef, words=("BaseModel", "SQLModel", "Schema"))
def named_as_answer(node: cst.ClassDef, here: Here) -> Iterator[Flag]:
    """A schema whose name says that it is an answer."""
    if (
        here.is_test
        or not _FOR_OUTPUT.search(node.name.value)
        or not _descends(node, _SCHEMAS, here)
    ):
        return
    for line in children(node.body):
        for each in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            if isinstance(each, cst.AnnAssign) and isinstance(each.target, cst.Name):
                name = each.target.value
                confidence = _confidence(name, node.name.value)
                if confidence and not _ENTRY.search(here.source(each)):
                    yield _flag(each, name, node.name.value, confidence)


@rule.on(cst.FunctionDef, words=tuple(sorted(_DICTS)))
def dumped(function: cst.FunctionDef, here: Here) -> Iterator[Flag]:
    """`{"password_hash": self.password_hash}` in `to_dict`."""
    owner = here.around(function, cst.ClassDef)
    if here.is_test or function.name.value not in _DICTS or not isinstance(owner, cst.ClassDef):
        return
    for each in find(function.body, cst.DictElement):
        name = string(each.key) or ""
        of_self = isinstance(each.value, cst.Attribute) and dotted(each.value).startswith("self.")
        confidence = _confidence(name, owner.name.value)
        if (
            of_self
            and confidence
            and here.around(each, cst.If) is None
            and not _CONFIG.search(owner.name.value)
        ):
            yield _flag(each, name, owner.name.value, confidence)


_CONFIG = re.compile(
    r"Config|Settings|Credential|Connection|Client|Session|Payload|Request|Message"
)


def _confidence(name: str, owner: str) -> Confidence | None:
    """How sure it is that a name is that of a secret; None where it is none."""
    if _PASSWORD.match(name):
        return None if _GIVES_OUT.search(owner) and not _PERSON.search(owner) else Confidence.PROVEN
    if _TOKEN.match(name) and not _GIVES_OUT.search(owner):
        return Confidence.PROVEN if _PERSON.search(owner) else Confidence.HOTSPOT
    return None


def _descends(node: cst.ClassDef, kind: re.Pattern[str], here: Here) -> bool:
    classes: Classes = here.project.facts(Classes)
    key = classes.find(f"{here.module_name}.{node.name.value}")
    lineage = classes.lineage(key)[1:] if key else tuple(dotted(each.value) for each in node.bases)
    return any(kind.search(each) for each in lineage)


def _is_hidden(name: str, node: cst.ClassDef, meta: cst.ClassDef, here: Here) -> bool:
    """Whether the serializer takes the field and does not give it back, or computes it."""
    if _is_write_only(name, own_value(meta, "extra_kwargs"), here):
        return True
    classes: Classes = here.project.facts(Classes)
    key = classes.find(f"{here.module_name}.{node.name.value}")
    for each in classes.lineage(key) if key else ():
        record = classes.by_name.get(each)
        for field in record[1].fields if record is not None else ():
            if field.name == name:
                return (
                    field.keywords.get("write_only") == "True"
                    or "Method" in field.func
                    or "Hidden" in field.func
                )
    return False


def _is_write_only(name: str, given: cst.BaseExpression | None, here: Here) -> bool:
    if given is None:
        return False
    value = here.value_of(given)
    if not isinstance(value, cst.Dict):
        return True
    for each in value.elements:
        if isinstance(each, cst.DictElement) and string(each.key) == name:
            return bool(re.search(r"write_only[\"']?\s*[:=]\s*True", here.source(each.value)))
        if isinstance(each, cst.StarredDictElement):
            return True
    return False


def _of_all(
    node: cst.ClassDef, meta: cst.ClassDef, given: cst.BaseExpression | None, here: Here
) -> Iterator[Flag]:
    """All fields of the model, or all but some."""
    if given is None:
        return
    left_out = {string(each) for each in find(given, cst.SimpleString)}
    if own_value(meta, "exclude") is not None and not isinstance(
        given, cst.List | cst.Tuple | cst.Set
    ):
        return
    for name in _secrets_of(own_value(meta, "model"), here):
        confidence = _confidence(name, node.name.value)
        if name not in left_out and confidence and not _is_hidden(name, node, meta, here):
            yield _flag(given, name, node.name.value, confidence)
            return


def _secrets_of(model: cst.BaseExpression | None, here: Here) -> list[str]:
    """The columns of a model whose names are those of secrets."""
    if model is None:
        return []
    models: Models = here.project.facts(Models)
    names = here.names(model)
    if any(_AUTH_USERS.search(each) or each.endswith("get_user_model") for each in names):
        return ["password"]
    for each in names:
        found = models.find(each)
        if found is None:
            continue
        lineage = models.classes.lineage(found.key)
        base = ["password"] if any(_AUTH_USERS.search(one) for one in lineage) else []
        return [
            *base,
            *(name for name in found.fields if _PASSWORD.match(name) or _TOKEN.match(name)),
        ]
    return []


def _models_in(node: cst.BaseExpression | None, here: Here) -> list[str]:
    """The classes of the project that an annotation is made of: `list[User]`."""
    if node is None:
        return []
    classes: Classes = here.project.facts(Classes)
    found = []
    for each in find(node, cst.Name):
        for name in here.names(each):
            key = classes.find(name)
            if key and each.value not in _WRAPPERS:
                found.append(key)
    return found


def _of_model(key: str, given: cst.BaseExpression | None, here: Here) -> Iterator[Flag]:
    classes: Classes = here.project.facts(Classes)
    lineage = classes.lineage(key)
    if given is None or not any(_SCHEMAS.search(each) for each in lineage):
        return
    own = classes.by_name[key][1].name
    if _FOR_OUTPUT.search(own):
        return  # said where it is declared
    for each in lineage:
        path, record = classes.by_name.get(each, ("", None))
        for field in record.fields if record is not None else ():
            confidence = _confidence(field.name, own)
            if field.annotation and confidence and not _ENTRY.search(_text(field)):
                where = field.line if path == here.path else given
                related = (
                    ()
                    if path == here.path
                    else (Related(path, field.line, f"`{field.name}` is declared here"),)
                )
                flag = _flag(where, field.name, own, confidence)
                yield Flag(
                    flag.where,
                    flag.message,
                    confidence=confidence,
                    related=related,
                    identity=f"{own}.{field.name}",
                )


def _text(field: FieldRecord) -> str:
    return f"{field.annotation} {field.func} " + ", ".join(
        f"{k}={v}" for k, v in field.keywords.items()
    )


def _flag(where: cst.CSTNode | int, name: str, owner: str, confidence: Confidence | None) -> Flag:
    message = (
        f"`{owner}` gives out `{name}` to whoever may read the object. Leave it out of the answer, "
        "or make it write-only."
    )
    return Flag(where, message, confidence=confidence)
