"""Nobody is told of errors in production, or the tracker is given personal data.

Visitors see a 500 and leave; the team learns of it when somebody complains. An error tracker, or
at least mails to `ADMINS`, tells them at once. It does not need names, addresses and cookies for
that: `send_default_pii=True` sends them to another company.

Bad:
```python shop/settings.py flagged
import os

SECRET_KEY = os.environ["SECRET_KEY"]
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
```
```text requirements.txt
django==5.2
gunicorn==23.0
```
```text Procfile
web: gunicorn shop.wsgi
```
Good:
```python shop/settings.py
import os

import sentry_sdk

SECRET_KEY = os.environ["SECRET_KEY"]
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
sentry_sdk.init(dsn=os.environ["SENTRY_DSN"])
```
```text requirements.txt
django==5.2
gunicorn==23.0
sentry-sdk==2.42
```
```text Procfile
web: gunicorn shop.wsgi
```
Bad:
```python app/main.py
import sentry_sdk
from fastapi import FastAPI

sentry_sdk.init(
    dsn="https://key@errors.example.org/1",
    send_default_pii=True,  # flagged
)
app = FastAPI()
```
Good: mails to the team.
```python shop/settings.py
import os

SECRET_KEY = os.environ["SECRET_KEY"]
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
ADMINS = [("Team", "team@example.org")]
```
```text requirements.txt
django==5.2
```
```text Procfile
web: gunicorn shop.wsgi
```
Good: a project that nothing deploys.
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
```
```text requirements.txt
django==5.2
```
Good: the environment decides, or personal data is kept back.
```python app/main.py
import os

import sentry_sdk

sentry_sdk.init(send_default_pii=os.environ.get("SEND_PII") == "1")
sentry_sdk.init(send_default_pii=False)
```
"""

from collections.abc import Iterator

import libcst as cst

from rules.facts.error_trackers import ErrorTrackers
from rules.facts.settings_module import SettingsModule
from rules.facts.settings_modules import Stage
from rules.kit import Flag, Here, Rule, Severity, dotted

rule = Rule(
    __name__,
    __doc__,
    code="LOG108",
    severity=Severity.NOTICE,
    checklist=("logging.error-tracking", "deploy.monitoring"),
    scope="project",
    cwe=778,
)

_ALTERNATIVES = ("ADMINS", "AdminEmailHandler", "mail_admins")


@rule.on(SettingsModule)
def check(settings: SettingsModule, here: Here) -> Iterator[Flag]:
    if settings.framework != "django" or settings.stage not in (Stage.MAIN, Stage.PRODUCTION):
        return
    if here.is_test or "INSTALLED_APPS" not in settings.assignments:
        return
    trackers: ErrorTrackers = here.project.facts(ErrorTrackers)
    if trackers.present or not trackers.deployment or here.mentions(_ALTERNATIVES):
        return
    yield Flag(
        0,
        f"`{trackers.deployment}` puts this into production, and nothing tells the team of errors "
        "there. Set up an error tracker, or mails to `ADMINS`.",
        identity="no error tracker",
    )


@rule.on(cst.Call, calls=("init",), words=("send_default_pii",))
def check_init(call: cst.Call, here: Here) -> Iterator[Flag]:
    if here.is_test or here.name(call.func) != "sentry_sdk.init":
        return
    for each in call.args:
        if each.keyword is None or each.keyword.value != "send_default_pii":
            continue
        if dotted(each.value) == "True":
            yield Flag(
                each,
                "`send_default_pii=True` gives the error tracker addresses, cookies and user data "
                "of visitors with each error. Leave it out, and set an id where you need one.",
            )
