"""Calls that write and read JSON Web Tokens, of PyJWT, python-jose and Authlib."""

from __future__ import annotations

import re
from dataclasses import dataclass

import libcst as cst

from rules.kit import Here, argument, string

WORDS = ("jwt", "jose", "jws", "JsonWebToken", "PyJWT")
_CALL = re.compile(
    r"^(?P<home>jwt(?:\.api_jwt|\.api_jws)?(?:\.PyJWT|\.PyJWS)?|jose\.jwt|jose\.jws"
    r"|authlib\.jose(?:\.rfc7519)?\.(?:jwt|JsonWebToken)|joserfc\.jwt|flask_jwt|jwt_utils)"
    r"\.(?P<verb>encode|decode|sign|verify|decode_complete)$"
)


@dataclass(frozen=True)
class JwtCall:
    """One call. `library` is pyjwt, jose or authlib; `writes` whether a token is made.

    `key` is the argument with the key, `payload` what a token is made of; None if not given.
    """

    call: cst.Call
    library: str
    writes: bool
    key: cst.BaseExpression | None
    payload: cst.BaseExpression | None


def jwt_call(call: cst.Call, here: Here) -> JwtCall | None:
    """The call as one on tokens, or None for any other."""
    found = next((m for m in map(_CALL.match, here.names(call.func)) if m), None)
    if found is None:
        return None
    home = found["home"]
    writes = found["verb"] in ("encode", "sign")
    if home.startswith(("authlib", "joserfc")):
        key = argument(call, 2 if writes else 1, "key")
        payload = argument(call, 1, "payload") if writes else None
        return JwtCall(call, "authlib", writes, key, payload)
    payload = argument(call, 0, "payload") or argument(call, 0, "claims")
    library = "jose" if home.startswith("jose") else "pyjwt"
    return JwtCall(call, library, writes, argument(call, 1, "key"), payload if writes else None)


def pairs_of(node: cst.CSTNode, here: Here) -> dict[str, cst.BaseExpression] | None:
    """The keys and values of a dict as it is written; None if some of it is not known."""
    held = here.value_of(node)
    match held:
        case cst.Dict(elements=elements):
            found = {}
            for each in elements:
                key = string(each.key) if isinstance(each, cst.DictElement) else None
                if key is None:
                    return None
                found[key] = each.value
            return found
        case cst.Call(func=cst.Name(value="dict"), args=args):
            if any(each.keyword is None for each in args):
                return None
            return {each.keyword.value: each.value for each in args if each.keyword is not None}
        case _:
            return None
