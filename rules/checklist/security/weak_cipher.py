"""Data is encrypted in a way that can be broken.

DES, RC4 and Blowfish are broken or too small, ECB shows which blocks are equal, an
initialisation vector that never changes shows which messages are, and RSA below 2048 bits can
be factored. AES-GCM and ChaCha20-Poly1305 need one key and a fresh nonce for each message.

Bad:
```python shop/cards.py
from Crypto.Cipher import AES, DES

def sealed(number, key):
    return DES.new(key, DES.MODE_CBC).encrypt(number)  # flagged

def closed(number, key):
    return AES.new(key, AES.MODE_ECB).encrypt(number)  # flagged
```
Good:
```python shop/cards.py
from Crypto.Cipher import AES

def sealed(number, key):
    cipher = AES.new(key, AES.MODE_GCM)
    return cipher.nonce, cipher.encrypt_and_digest(number)
```
Bad:
```python shop/cards.py
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

IV = b"0123456789abcdef"

def sealed(key, old_key):
    first = Cipher(algorithms.AES(key), modes.CBC(IV)).encryptor()  # flagged
    second = Cipher(algorithms.TripleDES(old_key), None).encryptor()  # flagged
    return first, second

def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)  # flagged
```
Good: sound ciphers, and a fresh vector each time.
```python shop/cards.py
import os

from Crypto.PublicKey import RSA
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

def sealed(key, text):
    nonce = os.urandom(12)
    return nonce + AESGCM(key).encrypt(nonce, text, None)

def streamed(key):
    return Cipher(algorithms.AES(key), modes.CTR(os.urandom(16))).encryptor()

KEYS = rsa.generate_private_key(65537, 4096), RSA.generate(3072)
```
Good: the vector came with the message.
```python shop/cards.py
from Crypto.Cipher import AES

def opened(message, key):
    return AES.new(key, AES.MODE_CBC, iv=message[:16]).decrypt(message[16:])
```
Good: other things are called `new` and `generate` too.
```python shop/orders.py
from shop import DES

order = DES.new(3)
report = RSA.generate(12)
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.kit import Flag, Here, Rule, Severity, argument, keyword

rule = Rule(
    __name__,
    __doc__,
    code="SEC118",
    severity=Severity.ERROR,
    checklist=("security.cryptography",),
    cwe=327,
    peers=("ruff:S304", "ruff:S305", "ruff:S505", "bandit:B304", "bandit:B305", "bandit:B505"),
    defers=False,
)

_PYCRYPTO = re.compile(r"^Crypto(?:dome)?\.Cipher\.(DES3?|ARC[24]|Blowfish|CAST)\.new$")
_AES = re.compile(r"^Crypto(?:dome)?\.Cipher\.AES\.new$")
_HAZMAT = re.compile(
    r"^cryptography\.hazmat\.(?:primitives|decrepit)\.ciphers\.(?:algorithms\.)?"
    r"(TripleDES|ARC4|Blowfish|CAST5|IDEA|SEED|RC2)$"
)
_MODES = "cryptography.hazmat.primitives.ciphers.modes."
_AEAD = re.compile(r"^cryptography\.hazmat\.primitives\.ciphers\.aead\.\w+\.encrypt$")
_GENERATE = re.compile(
    r"^(?:cryptography\.hazmat\.primitives\.asymmetric\.(rsa|dsa)\.generate_private_key"
    r"|Crypto(?:dome)?\.PublicKey\.(RSA|DSA)\.generate|Crypto(?:dome)?\.PublicKey\.RSA\.generate)$"
)
_CURVES = ("SECP192R1", "SECT163K1", "SECT163R2")
_CURVE = re.compile(rf"^cryptography\.hazmat\.primitives\.asymmetric\.ec\.({'|'.join(_CURVES)})$")
_CIPHERS = ("TripleDES", "ARC4", "Blowfish", "CAST5", "IDEA", "SEED", "RC2")
_WITH_VECTOR = ("CBC", "CTR", "CFB", "CFB8", "OFB", "GCM")
_SMALLEST = 2048
_CURE = "Take AES-GCM or ChaCha20-Poly1305."


@rule.on(
    cst.Call,
    calls=(
        "new",
        *_CIPHERS,
        *_CURVES,
        "ECB",
        *_WITH_VECTOR,
        "generate_private_key",
        "generate",
        "des",
        "triple_des",
    ),
    words=("Crypto", "Cryptodome", "cryptography", "pyDes"),
)
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    if here.is_test:
        return
    for name in here.names(call.func):
        yield from _judged(call, name, here)


@rule.on(
    cst.Call,
    calls=("encrypt",),
    words=("AESGCM", "ChaCha20Poly1305", "AESCCM", "AESOCB3", "AESGCMSIV"),
)
def sealed(call: cst.Call, here: Here) -> Iterator[Flag]:
    """With authenticated ciphers a nonce that comes twice gives away more than the text."""
    if not here.is_test and any(_AEAD.match(each) for each in here.names(call.func)):
        yield from _constant_vector(argument(call, 0, "nonce"), here)


def _judged(call: cst.Call, name: str, here: Here) -> Iterator[Flag]:
    weak = _PYCRYPTO.match(name) or _HAZMAT.match(name)
    if weak or name in ("pyDes.des", "pyDes.triple_des"):
        shown = weak[1] if weak else name
        yield Flag(
            call.func,
            f"`{shown}` no longer keeps a secret: its keys or blocks are too small. {_CURE}",
        )
    elif _AES.match(name):
        yield from _aes(call, here)
    elif name == f"{_MODES}ECB":
        yield Flag(
            call.func, f"ECB encrypts equal blocks alike, so the text shows through. {_CURE}"
        )
    elif name.startswith(_MODES) and name.rpartition(".")[2] in _WITH_VECTOR:
        vector = call.args[0].value if call.args else None
        yield from _constant_vector(vector, here)
    elif _CURVE.match(name):
        yield Flag(
            call.func,
            "This curve is too small for a key that shall last. Take `SECP256R1` or Ed25519.",
        )
    elif _GENERATE.match(name):
        yield from _short_key(call, name, here)


def _aes(call: cst.Call, here: Here) -> Iterator[Flag]:
    mode = argument(call, 1, "mode")
    if mode is not None and any(each.endswith(".MODE_ECB") for each in here.names(mode)):
        yield Flag(
            mode, f"`MODE_ECB` encrypts equal blocks alike, so the text shows through. {_CURE}"
        )
    else:
        vector = argument(call, 2, "iv") or keyword(call, "nonce") or keyword(call, "IV")
        yield from _constant_vector(vector, here)


def _constant_vector(vector: cst.BaseExpression | None, here: Here) -> Iterator[Flag]:
    if vector is None or not _is_constant(here.value_of(vector), here):
        return
    message = (
        "This initialisation vector is the same for every message, so equal messages look equal "
        "and some modes give away the text. Take fresh bytes from `os.urandom` for each one."
    )
    yield Flag(vector, message)


def _is_constant(node: cst.CSTNode, here: Here) -> bool:
    match node:
        case cst.SimpleString() | cst.ConcatenatedString():
            return True
        case cst.BinaryOperation(left=left, operator=cst.Multiply(), right=right):
            return _is_constant(left, here) or _is_constant(right, here)
        case cst.Call(func=cst.Attribute(value=inner, attr=cst.Name(value="encode"))):
            return _is_constant(here.value_of(inner), here)
        case cst.Call(func=cst.Name(value="bytes"), args=[cst.Arg(value=cst.Integer())]):
            return True
        case _:
            return False


def _short_key(call: cst.Call, name: str, here: Here) -> Iterator[Flag]:
    is_hazmat = name.startswith("cryptography.")
    position = (0 if ".dsa." in name else 1) if is_hazmat else 0
    size = argument(call, position, "key_size" if is_hazmat else "bits")
    held = here.value_of(size) if size is not None else None
    if size is None or not isinstance(held, cst.Integer):
        return
    bits = held.evaluated_value
    if bits < _SMALLEST:
        message = (
            f"A key of {bits} bits can be broken by those who can pay for it. Take at least "
            f"{_SMALLEST} bits, or an elliptic curve."
        )
        yield Flag(size, message)
