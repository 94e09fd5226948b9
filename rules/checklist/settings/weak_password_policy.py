"""Passwords are hashed fast, or may be anything.

A fast hash such as MD5 lets whoever gets hold of the table of users try billions of passwords
a second. Without validators, `1234` and the user's own name are good passwords. Fast hashes
belong into the settings of tests only, where they save time.

Bad:
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["django.contrib.auth", "shop"]
AUTH_PASSWORD_VALIDATORS = []  # flagged
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher",  # flagged
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
```
Bad: Flask-Security takes the hash from its settings.
```python app/config.py
class ProductionConfig:
    SECURITY_PASSWORD_HASH = "sha1_crypt"  # flagged
```
Good:
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["django.contrib.auth", "shop"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
```
Good: the old hash stands last, so that old passwords still open.
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["django.contrib.auth", "shop"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.UnsaltedMD5PasswordHasher",
]
```
Good: tests may be fast, and developers lazy.
```python shop/settings/base.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["django.contrib.auth", "shop"]
```
```python shop/settings/test.py
from .base import *

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
```
```python shop/settings/local.py
from .base import *

AUTH_PASSWORD_VALIDATORS = []
```
Good: switched by a condition, and added to later.
```python shop/settings.py
import sys

ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["django.contrib.auth", "shop"]
AUTH_PASSWORD_VALIDATORS = []
AUTH_PASSWORD_VALIDATORS += [{"NAME": "shop.passwords.OurValidator"}]
if "test" in sys.argv:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.production_setting import ProductionSetting
from rules.kit import Flag, Here, Rule, Severity, string

rule = Rule(
    __name__,
    __doc__,
    code="SET116",
    severity=Severity.WARNING,
    frameworks=("django",),
    checklist=("security.password-hashing",),
    scope="project",
    cwe=916,
)

_FAST = re.compile(r"\.(Unsalted)?(MD5|SHA1|Crypt)PasswordHasher$")
_FAST_WORDS = frozenset(
    ["plaintext", "md5_crypt", "des_crypt", "sha1_crypt", "hex_md5", "hex_sha1", "hex_sha256"]
)
_NAMES = ("AUTH_PASSWORD_VALIDATORS", "PASSWORD_HASHERS", "SECURITY_PASSWORD_HASH")


@rule.on(ProductionSetting, words=_NAMES)
def check(setting: ProductionSetting, here: Here) -> Iterator[Flag]:
    value = here.value_of(setting.value)
    match setting.name, value:
        case (
            "AUTH_PASSWORD_VALIDATORS",
            cst.List(elements=[]) | cst.Tuple(elements=[]) | cst.Name(value="None"),
        ):
            message = (
                "`AUTH_PASSWORD_VALIDATORS` is empty in settings that production loads, so "
                "`1234` is a good password; name at least a minimum length and a list of "
                "common passwords."
            )
            yield Flag(setting.node, message)
        case (
            "PASSWORD_HASHERS",
            cst.List(elements=[first, *_]) | cst.Tuple(elements=[first, *_]),
        ) if _FAST.search(string(first.value) or ""):
            yield Flag(first.value, _fast((string(first.value) or "").rpartition(".")[2]))
        case "SECURITY_PASSWORD_HASH", _ if string(value) in _FAST_WORDS:
            yield Flag(setting.node, _fast(string(value) or ""))
        case _:
            pass


def _fast(name: str) -> str:
    return (
        f"New passwords are hashed with `{name}`, of which anybody can try billions a second; "
        "put Argon2, scrypt, bcrypt or PBKDF2 first."
    )
