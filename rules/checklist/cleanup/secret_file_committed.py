"""A file that holds secrets is under version control.

Everybody who can read the repository, its forks or its history can use what stands in it,
and deleting the file later takes nothing back. Revoke the secrets, take the file out with
`git rm --cached`, name it in `.gitignore`, and commit a template without values.

Bad:
```text .env flagged
DEBUG=0
DATABASE_URL=postgres://shop:vd8Kq2Lw9xTz@db.bookshop.io/shop
```
Bad: a login to an index.
```text .pypirc flagged
[pypi]
username = shop
password = vd8Kq2Lw9xTz
```
Good: the template says which names are wanted.
```text .env.example
DEBUG=0
DATABASE_URL=postgres://user:password@localhost/shop
```
```text .gitignore
.env
```
Good: nothing in it is secret, or it only says where secrets are.
```text .env
COMPOSE_PROJECT_NAME=shop
SECRET_KEY=${SHOP_SECRET_KEY}
POSTGRES_PASSWORD=changethis
API_TOKEN=op://shop/api/token
```
Good: the token is read from the environment.
```text .npmrc
//registry.example.org/:_authToken=${NPM_TOKEN}
```
Good: a certificate is public.
```text deploy/ca.pem
-----BEGIN CERTIFICATE-----
MIIBszCCARwCCQDn
-----END CERTIFICATE-----
```
Good: keys of the tests.
```text tests/keys/.env
SECRET_KEY=vd8Kq2Lw9xTz4Rb7
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.facts.secret_files import secrets_in
from rules.kit import CommittedFile, Confidence, Flag, Here, Rule, Severity
from rules.kit.paths import name_of

rule = Rule(
    __name__,
    __doc__,
    code="CLN109",
    severity=Severity.ERROR,
    checklist=("security.secrets-in-env", "deploy.secrets"),
    scope="pr",
    cwe=538,
    peers=("gitleaks:generic-api-key", "gitleaks:private-key"),
    hides_match=True,
)

_SPARED = re.compile(
    r"(^|[._/-])(examples?|samples?|templates?|dist|tmpl|tpl|defaults?|schema|skel(eton)?|dummy|fake"
    r"|mocks?|stubs?|tests?|testing|test_?data|fixtures?|cassettes|snakeoil|insecure|docs?|demos?"
    r"|public|truststore|cacerts|debug|md|rst|playground|tutorials?|e2e)([._/-]|$)",
    re.IGNORECASE,
)
_SOURCE = re.compile(
    r"\.(py|pyi|md|rst|html|js|jsx|ts|tsx|go|rs|java|rb|sh|ipynb|lock|svg|css|po)$"
)
_TRIAL = re.compile(
    r"(^|[._/-])(dev|local|localhost|vagrant|\.github|\.ci)([._/-]|$)", re.IGNORECASE
)


@rule.on(CommittedFile)
def check(file: CommittedFile, here: Here) -> Iterator[Flag]:
    if _SOURCE.search(file.path) or here.is_test or _SPARED.search(file.path):
        return
    found = secrets_in(file.path, file.head, file.size)
    if found is None:
        return
    what, sure = found
    name = name_of(file.path)[:60]
    target = f" {file.path}" if len(file.path) <= 80 else ""
    message = (
        f"`{name}` holds {what}: whoever reads the repository or its history can use it. "
        f"Revoke it, run `git rm --cached{target}` and name the file in `.gitignore`."
    )
    doubtful = not sure or _TRIAL.search(file.path)
    confidence = Confidence.HOTSPOT if doubtful else Confidence.PROVEN
    yield Flag(0, message, confidence=confidence)
