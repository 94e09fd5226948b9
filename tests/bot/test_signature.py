from __future__ import annotations

import hmac

import pytest

from bot.signature import is_genuine

BODY = b'{"action": "opened"}'
OLD, NEW = b"the old secret", b"the new secret"


def signature(key: bytes, body: bytes = BODY) -> bytes:
    return b"sha256=" + hmac.new(key, body, "sha256").hexdigest().encode()


@pytest.mark.fault(3)
@pytest.mark.parametrize("key", [OLD, NEW])
def test_during_rotation_both_secrets_pass(key: bytes) -> None:
    assert is_genuine([OLD, NEW], BODY, signature(key))


@pytest.mark.fault(1, 2)
@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"sha256=",
        signature(b"a third secret"),
        signature(OLD)[:-1],
        signature(OLD) + b"0",
        signature(OLD).removeprefix(b"sha256="),
        signature(OLD).upper(),
        signature(OLD, BODY + b" "),
        b"sha1=" + hmac.new(OLD, BODY, "sha1").hexdigest().encode(),
        "sha256=ä€".encode(),
        bytes(range(256)),
    ],
)
def test_nothing_else_passes(given: bytes) -> None:
    assert not is_genuine([OLD, NEW], BODY, given)


@pytest.mark.fault(1)
def test_without_a_secret_nothing_passes() -> None:
    assert not is_genuine([], BODY, signature(b""))


@pytest.mark.parametrize("body", [b"", b"\xff\x00", b"x" * 100_000])
def test_any_body_can_be_signed(body: bytes) -> None:
    assert is_genuine([OLD], body, signature(OLD, body))
