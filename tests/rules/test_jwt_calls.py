from __future__ import annotations

import libcst as cst
import pytest
from trees import project_of

from rules.facts.jwt_calls import JwtCall, jwt_call, pairs_of
from rules.kit import Here, find


def read(text: str) -> tuple[JwtCall | None, Here]:
    """The last call of a file."""
    module = cst.parse_module(text)
    here = Here("shop/a.py", project_of({"shop/a.py": text}), module, "shop.a")
    return jwt_call(list(find(module, cst.Call))[-1], here), here


@pytest.mark.parametrize(
    ("text", "library", "verb", "key"),
    [
        ("import jwt\njwt.encode(claims, KEY)", "pyjwt", "writes", "KEY"),
        ("import jwt as j\nj.decode(token, key=KEY)", "pyjwt", "reads", "KEY"),
        ("from jwt import encode as seal\nseal(payload=claims, key=KEY)", "pyjwt", "writes", "KEY"),
        ("from jose import jwt\njwt.decode(token, KEY)", "jose", "reads", "KEY"),
        ("from jose import jws\njws.sign(claims, KEY)", "jose", "writes", "KEY"),
        ("from authlib.jose import jwt\njwt.encode(head, claims, KEY)", "authlib", "writes", "KEY"),
        ("from authlib.jose import jwt\njwt.decode(token, KEY)", "authlib", "reads", "KEY"),
    ],
)
def test_libraries_differ_in_where_the_key_stands(
    text: str,
    library: str,
    verb: str,
    key: str,
) -> None:
    found, here = read(text)
    assert found is not None
    assert found.library == library
    assert found.writes is (verb == "writes")
    assert found.key is not None
    assert here.source(found.key) == key


@pytest.mark.parametrize(
    "text",
    [
        "'text'.encode('utf-8')",
        "import json\njson.decode(x, y)",
        "from shop import jwt\njwt.encode(1, 2)",
    ],
)
def test_other_things_encode_too(text: str) -> None:
    assert read(text)[0] is None


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("x = {'a': 1, 'b': 2}", {"a", "b"}),
        ("x = dict(a=1)", {"a"}),
        ("x = {**y}", None),
        ("x = {k: 1}", None),
        ("x = dict(y)", None),
        ("x = made()", None),
    ],
)
def test_a_dict_is_known_as_a_whole_or_not_at_all(text: str, keys: set[str] | None) -> None:
    module = cst.parse_module(text)
    here = Here("shop/a.py", project_of({"shop/a.py": text}), module, "shop.a")
    value = next(find(module, cst.Assign)).value
    found = pairs_of(value, here)
    assert (set(found) if found is not None else None) == keys
