"""Static files are served by Django's development server only.

With `DEBUG = False` Django serves none of them: the admin and every page come without style and
scripts. Say where `collectstatic` puts them (`STATIC_ROOT`), and let the web server, WhiteNoise
or a bucket serve them.

Bad:
```python shop/settings.py
INSTALLED_APPS = ["django.contrib.admin", "django.contrib.staticfiles", "shop"]
ROOT_URLCONF = "shop.urls"
STATIC_URL = "/static/"  # flagged
```
```dockerfile Dockerfile
FROM python:3.12-slim
CMD ["gunicorn", "shop.wsgi"]
```
Good:
```python shop/settings.py
INSTALLED_APPS = ["django.contrib.admin", "django.contrib.staticfiles", "shop"]
ROOT_URLCONF = "shop.urls"
STATIC_URL = "/static/"
STATIC_ROOT = "/var/www/static"
```
```dockerfile Dockerfile
FROM python:3.12-slim
CMD ["gunicorn", "shop.wsgi"]
```
Good: said in the settings for production.
```python shop/settings/base.py
INSTALLED_APPS = ["django.contrib.admin", "django.contrib.staticfiles", "shop"]
ROOT_URLCONF = "shop.urls"
STATIC_URL = "/static/"
```
```python shop/settings/production.py
from shop.settings.base import *

STORAGES = {"staticfiles": {"BACKEND": "storages.backends.s3.S3Storage"}}
```
```dockerfile Dockerfile
FROM python:3.12-slim
CMD ["gunicorn", "shop.wsgi"]
```
Good: an API without static files, and nothing that is deployed.
```python api/settings.py
INSTALLED_APPS = ["shop"]
ROOT_URLCONF = "api.urls"
STATIC_URL = "/static/"
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.python_modules import Modules
from rules.facts.settings_modules import SettingsModules, Stage
from rules.kit import Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="DEP110",
    severity=Severity.WARNING,
    frameworks=("django",),
    checklist=("performance.static-files", "deploy.static"),
    scope="project",
)

_SERVED = frozenset({"STATIC_ROOT", "STATICFILES_STORAGE", "STORAGES"})
_ELSEWHERE = re.compile(r"whitenoise|storages\.backends|cloudinary")
_DEPLOYED = re.compile(
    r"(^|/)(Dockerfile[^/]*|Procfile|fly\.toml|app\.yaml|render\.yaml|[\w-]+\.service)$"
)


@rule.on(cst.AssignTarget, words=("STATIC_URL",))
def check(node: cst.AssignTarget, here: Here) -> Iterator[Flag]:
    if not isinstance(node.target, cst.Name) or node.target.value != "STATIC_URL" or here.is_test:
        return
    settings: SettingsModules = here.project.facts(SettingsModules)
    own = settings.at(here.path)
    if own is None or own.framework != "django" or own.stage in (Stage.TEST, Stage.LOCAL):
        return
    if not any(_DEPLOYED.search(each) for each in here.project.paths):
        return
    modules: Modules = here.project.facts(Modules)
    has_files = False
    for path in settings.by_path:
        for each in modules.by_path[path].assignments:
            text = f"{each.value} {' '.join(each.args)}"
            if each.name in _SERVED or _ELSEWHERE.search(text):
                return
            if each.name == "STATIC_URL" and "://" in text:
                return
            has_files |= each.name.endswith("APPS") and "django.contrib.staticfiles" in text
    if has_files and not _is_said_later(here):
        message = (
            "No settings say where `collectstatic` puts the static files, nor who serves them: with "
            "`DEBUG = False` pages and the admin come without style. Set `STATIC_ROOT`, or use WhiteNoise."
        )
        yield Flag(node.target, message)


def _is_said_later(here: Here) -> bool:
    """Whether the file names one of the settings in a way that is no plain assignment."""
    code = here.module.code if here.module is not None else ""
    return any(each in code for each in _SERVED) or "whitenoise" in code
