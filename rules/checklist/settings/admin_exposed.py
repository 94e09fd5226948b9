"""The admin stands at its default path with nothing but a password before it.

`/admin/` is the first path that scanners try, and one guessed or stolen password of a staff
user opens all data. Ask for a second factor, let only known addresses in, or at least give it
a path that is not known.

Bad:
```python shop/urls.py
from django.contrib import admin
from django.urls import path

urlpatterns = [
    path("admin/", admin.site.urls),  # flagged
]
```
Bad: the old way to write it.
```python shop/urls.py
from django.conf.urls import include, url
from django.contrib import admin

urlpatterns = [url(r"^admin/", include(admin.site.urls))]  # flagged
```
Good:
```python shop/urls.py
from django.conf import settings
from django.contrib import admin
from django.urls import path

urlpatterns = [
    path(settings.ADMIN_PATH, admin.site.urls),
    path("inventory-3f9a/", admin.site.urls),
]
```
Good: a site of the project's own decides who comes in.
```python shop/urls.py
from django.urls import path

from shop.admin_site import admin_site

urlpatterns = [path("admin/", admin_site.urls)]
```
Good: a second factor is asked for.
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["django.contrib.admin", "django_otp", "shop"]
```
```python shop/urls.py
from django.contrib import admin
from django.urls import path

urlpatterns = [path("admin/", admin.site.urls)]
```
Good: for developers only.
```python shop/urls.py
from django.conf import settings
from django.contrib import admin
from django.urls import path

urlpatterns = []
if settings.DEBUG:
    urlpatterns += [path("admin/", admin.site.urls)]
```
Good: the login of the admin is another one.
```python shop/urls.py
from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.urls import path

admin.site.login = login_required(admin.site.login)
urlpatterns = [path("admin/", admin.site.urls)]
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.python_modules import Modules
from rules.facts.settings_modules import SettingsModules
from rules.kit import Flag, Here, Rule, Severity, argument, string, walk

rule = Rule(
    __name__,
    __doc__,
    code="SET120",
    severity=Severity.NOTICE,
    frameworks=("django",),
    checklist=("django.admin",),
    scope="project",
    cwe=307,
)

_DEFAULT = re.compile(r"^\^?/?(?:django-?)?admin/?\$?$")
_GUARDS = re.compile(
    r"otp|two_?factor|2fa|mfa|honeypot|ip_?(restrict|allow|filter|white)|restrict|whitelist|allow_?list|vpn"
    r"|saml|oidc|okta|sso|mozilla_django_oidc|axes|defender|admin_?(ip|site|access|guard|only|login)"
    r"|webauthn|passkey|RemoteUser|login_?required|maintenance|google_sso",
    re.IGNORECASE,
)
_PROTECTED = frozenset({"login", "has_permission", "login_form", "__class__", "site"})


@rule.on(cst.Call, calls=("path", "re_path", "url"), words=("admin",))
def check(node: cst.Call, here: Here) -> Iterator[Flag]:
    route, view = string(argument(node, 0, "route")), argument(node, 1, "view")
    if route is None or view is None or not _DEFAULT.match(route) or here.is_test:
        return
    if isinstance(view, cst.Call) and view.args:
        view = view.args[0].value
    if here.name(view) not in (
        "django.contrib.admin.site.urls",
        "django.contrib.gis.admin.site.urls",
    ):
        return
    if here.around(node, cst.If, cst.IfExp) is not None or _is_guarded(here):
        return
    message = (
        f"The admin stands at its default path `{route.strip('^$')}` with only a password before "
        "it; ask for a second factor, let known addresses in only, or choose another path."
    )
    yield Flag(node, message)


def _is_guarded(here: Here) -> bool:
    """Whether the site is changed here, or settings and imports speak of a further guard."""
    for each in walk(here.module or cst.Module([])):
        match each:
            case cst.AssignTarget(
                target=cst.Attribute(
                    value=cst.Attribute(attr=cst.Name(value="site")), attr=cst.Name(value=name)
                )
            ) if name in _PROTECTED:
                return True
            case cst.AssignTarget(
                target=cst.Attribute(value=cst.Name(), attr=cst.Name(value="site"))
            ):
                return True
            case _:
                pass
    return _speaks_of_guards(here)


def _speaks_of_guards(here: Here) -> bool:
    settings: SettingsModules = here.project.facts(SettingsModules)
    modules: Modules = settings.modules
    own = modules.by_path.get(here.path)
    if own is not None and any(_GUARDS.search(each) for each in own.imports.values()):
        return True
    for path in settings.by_path:
        for each in modules.by_path[path].assignments:
            if each.name in ("INSTALLED_APPS", "MIDDLEWARE") or each.name.endswith("_APPS"):
                values = (each.value, *each.args)
                if any(_GUARDS.search(value) for value in values):
                    return True
    return any("django_otp" in one for r in modules.by_path.values() for one in r.imports.values())
