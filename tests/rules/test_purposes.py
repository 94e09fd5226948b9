from __future__ import annotations

import libcst as cst
import pytest
from trees import project_of

from rules.facts.purposes import Purposes, words_in, words_of
from rules.kit import Here, find


def received(text: str) -> frozenset[str]:
    """The words of what the call of `made()` is for."""
    module = cst.parse_module(text)
    here = Here("shop/a.py", project_of({"shop/a.py": text}), module, "shop.a")
    calls = [each for each in find(module, cst.Call) if here.source(each.func) == "made"]
    return Purposes(here).of(calls[0])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("apiKeys", {"api", "keys", "key", "apikey"}),
        ("API_KEY", {"api", "key", "apikey"}),
        ("X-Reset-Token", {"reset", "token", "xreset", "resettoken", "x"}),
        ("class", {"class"}),
        ("", set()),
    ],
)
def test_a_name_is_read_word_by_word(name: str, words: set[str]) -> None:
    assert words_of(name) >= words


def test_long_texts_are_prose_and_say_nothing() -> None:
    text = "the token of the session, " * 5
    assert "token" not in words_in(cst.parse_expression(repr(text)))
    assert "token" in words_in(cst.parse_expression("'token'"))


@pytest.mark.parametrize(
    "text",
    [
        "token = made()",
        "token: str = str(made())",
        "user.token = 'x' + made()",
        "row['token'] = f'{made()}'",
        "save(token=made())",
        "token(made())",
        "row = {'token': made()}",
        "def new_token():\n    return made()",
        "def f(token=made()): ...",
        "x = made()\nuser.token = x",
        "x = made()\ny = x[:8]\nsave(token=y)",
        "def f():\n    x = made()\n    store[1] = x\n    return store.get(1) == request.token",
        "if (token := made()): ...",
        "print(f'your token is {made()}')",
        "a = b = token = made()",
    ],
)
def test_the_value_is_followed_to_what_receives_it(text: str) -> None:
    assert "token" in received(text)


@pytest.mark.parametrize(
    "text",
    [
        "made()\ntoken = 1",
        "x = made()\ntoken = 1",
        "token = 1 if made() < 0.5 else 2",
        "if made() > limit:\n    token = 1",
        "x = made()\nprint(other.x.token)",
        "def f():\n    x = made()\ndef g():\n    token = x",
    ],
)
def test_what_does_not_receive_the_value_does_not_count(text: str) -> None:
    assert "token" not in received(text)


def test_values_that_go_in_circles_are_followed_to_an_end() -> None:
    circle = "\n".join(f"a{n} = a{(n - 1) % 50}" for n in range(50))
    assert "token" not in received(
        f"def f():\n    a0 = made()\n    {circle.replace(chr(10), chr(10) + '    ')}"
    )
