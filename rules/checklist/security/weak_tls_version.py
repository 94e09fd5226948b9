"""A version of TLS is chosen that can be broken.

SSL 2 and 3, TLS 1.0 and TLS 1.1 have known holes and are no longer spoken by browsers. An
attacker on the way needs only one side that still accepts them. Let Python choose
(`ssl.create_default_context()`), or ask for at least TLS 1.2.

Bad:
```python shop/bank.py
import ssl

def context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLSv1)  # flagged
    return context
```
Good:
```python shop/bank.py
import ssl

def context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return context
```
Bad:
```python shop/bank.py
import ssl

context = ssl.create_default_context()
context.minimum_version = ssl.TLSVersion.TLSv1_1  # flagged
```
Good:
```python shop/bank.py
import ssl

context = ssl.create_default_context()
context.minimum_version = ssl.TLSVersion.TLSv1_2
```
Bad:
```python shop/old.py
from OpenSSL import SSL

context = SSL.Context(SSL.SSLv3_METHOD)  # flagged
```
Good:
```python shop/old.py
from OpenSSL import SSL

context = SSL.Context(SSL.TLS_METHOD)
```
Good: new versions, and old ones refused.
```python shop/bank.py
import ssl

context = ssl.create_default_context()
context.minimum_version = ssl.TLSVersion.TLSv1_3
context.options |= ssl.OP_NO_TLSv1 | ssl.OP_NO_TLSv1_1
```
Good: asked about, not chosen.
```python shop/report.py
import ssl

def is_old(version):
    return version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1) or version < ssl.TLSVersion.TLSv1_2

NAMES = {ssl.TLSVersion.TLSv1: "1.0", ssl.TLSVersion.TLSv1_2: "1.2"}
```
"""

from collections.abc import Iterator

import libcst as cst

from rules.kit import Flag, Here, Rule, Severity, replacing

rule = Rule(
    __name__,
    __doc__,
    code="SEC123",
    severity=Severity.ERROR,
    checklist=("security.cryptography",),
    fix="suggestion",
    cwe=326,
    peers=("ruff:S502", "ruff:S503", "bandit:B502", "bandit:B503"),
    defers=False,
)

_PROTOCOLS = ("PROTOCOL_SSLv2", "PROTOCOL_SSLv3", "PROTOCOL_TLSv1", "PROTOCOL_TLSv1_1")
_VERSIONS = ("SSLv3", "TLSv1", "TLSv1_1")
_METHODS = ("SSLv2_METHOD", "SSLv3_METHOD", "SSLv23_METHOD", "TLSv1_METHOD", "TLSv1_1_METHOD")
_BETTER = {
    **{f"ssl.{each}": "PROTOCOL_TLS_CLIENT" for each in _PROTOCOLS},
    **{f"ssl.TLSVersion.{each}": "TLSv1_2" for each in _VERSIONS},
    **{f"OpenSSL.SSL.{each}": "TLS_METHOD" for each in _METHODS if each != "SSLv23_METHOD"},
}


@rule.on(cst.Attribute, words=(*_PROTOCOLS, *_VERSIONS, *_METHODS))
def attribute(node: cst.Attribute, here: Here) -> Iterator[Flag]:
    if node.attr.value in _ENDS:
        yield from _judged(node, node.attr, here)


@rule.on(cst.Name, words=(*_PROTOCOLS, *_METHODS))
def imported(node: cst.Name, here: Here) -> Iterator[Flag]:
    """`from ssl import PROTOCOL_TLSv1`: seen where it is used."""
    parent = here.parent(node)
    if node.value in _ENDS and not isinstance(parent, cst.Attribute | cst.ImportAlias):
        yield from _judged(node, node, here)


_ENDS = frozenset({*_PROTOCOLS, *_VERSIONS, *_METHODS})


def _judged(node: cst.BaseExpression, last: cst.Name, here: Here) -> Iterator[Flag]:
    better = next((_BETTER[each] for each in here.names(node) if each in _BETTER), None)
    if here.is_test or better is None or not _is_chosen(node, here):
        return
    message = (
        f"`{last.value}` allows a version of TLS that can be broken on the way. Ask for TLS 1.2 "
        "or later."
    )
    fix = replacing(last, better) if isinstance(node, cst.Attribute) else None
    yield Flag(node, message, fix=fix)


def _is_chosen(node: cst.BaseExpression, here: Here) -> bool:
    """Whether the version is given to something, and not compared, listed or looked up."""
    for around in here.scopes.ancestors(node):
        if isinstance(
            around, cst.Comparison | cst.ComparisonTarget | cst.DictElement | cst.Subscript
        ):
            return False
        if isinstance(around, cst.Arg | cst.Assign | cst.AnnAssign | cst.Param | cst.Return):
            return True
    return False
