"""A time without a zone is made in a project whose times have one.

The two cannot be compared, and where such a time is stored it is taken for another hour:
`utcnow()` gives the hour of Greenwich without saying so, `now()` that of whatever machine it
runs on. Ask for the time with its zone.

Bad:
```python shop/orders.py
from datetime import datetime

from django.utils import timezone


def close(order, at: datetime | None = None) -> None:
    order.closed_at = at or datetime.now()  # flagged
    order.changed_at = timezone.now()
```
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
USE_TZ = True
```
Good:
```python shop/orders.py
from datetime import datetime

from django.utils import timezone


def close(order, at: datetime | None = None) -> None:
    order.closed_at = at or timezone.now()
    order.changed_at = timezone.now()
```
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
USE_TZ = True
```
Bad:
```python app/tokens.py
import datetime


def payload(user):
    now = datetime.datetime.now(datetime.timezone.utc)
    return {"sub": user, "iat": now, "exp": datetime.datetime.utcnow()}  # flagged
```
Good:
```python app/tokens.py
import datetime


def payload(user):
    now = datetime.datetime.now(datetime.timezone.utc)
    return {"sub": user, "iat": now, "exp": datetime.datetime.now(datetime.timezone.utc)}
```
Good: a date, a number of seconds, a text for a name.
```python shop/report.py
from datetime import datetime


def report(write):
    write(datetime.now().strftime("%Y-%m-%d"), datetime.now().timestamp(), datetime.now().year)
```
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
USE_TZ = True
```
Good: how long something took.
```python shop/report.py
from datetime import datetime


def report(write):
    start = datetime.now()
    write()
    print(datetime.now() - start)
```
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
USE_TZ = True
```
Good: a zone is given, or put on at once.
```python shop/orders.py
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils import timezone


def times(stamp):
    yield datetime.now(ZoneInfo("Europe/Berlin"))
    yield datetime.fromtimestamp(stamp, tz=ZoneInfo("UTC"))
    yield timezone.make_aware(datetime.now())
    yield datetime.now().astimezone()
    yield datetime.utcnow().replace(tzinfo=ZoneInfo("UTC"))
```
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
USE_TZ = True
```
Good: the zone is put on in a line of its own.
```python shop/times.py
import datetime


def read(stamp, aware=True):
    at = datetime.datetime.utcfromtimestamp(stamp)
    if aware:
        at = at.replace(tzinfo=datetime.timezone.utc)
    return at


def offsets(zones):
    now = datetime.datetime.now()
    for each in zones:
        yield now.astimezone(each).utcoffset(), now.date() < each.since
```
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
USE_TZ = True
```
Good: a project without time zones.
```python shop/orders.py
from datetime import datetime


def close(order):
    order.closed_at = datetime.now()
```
```python shop/settings.py
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
USE_TZ = False
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.time_zones import TimeZones
from rules.kit import AddImport, Fix, Flag, Here, Replace, Rule, Severity, argument, dotted, find

rule = Rule(
    __name__,
    __doc__,
    code="QLT113",
    severity=Severity.WARNING,
    checklist=("quality.idioms",),
    fix="suggestion",
    peers=("ruff:DTZ003", "ruff:DTZ004", "ruff:DTZ005", "ruff:DTZ006", "ruff:DTZ002"),
)

_NAIVE = {
    "datetime.datetime.now": (0, "tz"),
    "datetime.datetime.today": None,
    "datetime.datetime.utcnow": None,
    "datetime.datetime.fromtimestamp": (1, "tz"),
    "datetime.datetime.utcfromtimestamp": None,
}
# Parts and forms of a time for which the zone is of no matter, or that put it on.
_HARMLESS = frozenset(
    {"strftime", "timestamp", "year", "month", "day", "date", "astimezone", "weekday", "ctime"}
    | {"isoformat", "time", "isocalendar", "hour", "minute", "second", "microsecond", "timetuple"}
    | {"toordinal", "__format__", "localize", "make_aware"}
)

_PUTS_ZONE_ON = re.compile(
    r"(?i)aware|utc|locali[sz]e|tz|timezone|^(str|print|naturaltime|croniter)$"
)


@rule.on(cst.Call, calls=("now", "utcnow", "today", "fromtimestamp", "utcfromtimestamp"))
def check(call: cst.Call, here: Here) -> Iterator[Flag]:
    if dotted(call.func).endswith("timezone.now"):
        return  # Django's own, and by far the most frequent
    name = here.name(call.func)
    if name not in _NAIVE or here.is_test or here.is_script or here.is_migration:
        return
    zone = _NAIVE[name]
    if zone is not None and argument(call, *zone) is not None:
        return
    if any(each.star for each in call.args) or _is_harmless(call, here):
        return
    zones: TimeZones = here.project.facts(TimeZones)
    if not zones.at(here.path) and not _has_zones(here):
        return
    last = name.rpartition(".")[2]
    written = "Greenwich's" if last.startswith("utc") else "the machine's"
    message = (
        f"`{last}()` gives {written} time without its zone, and the times of this project have "
        "one: they cannot be compared, and stored it becomes another hour."
    )
    yield Flag(call, message, fix=_fix(call, last, here, django=zones.at(here.path)))


def _has_zones(here: Here) -> bool:
    """Whether the module itself asks for times with a zone elsewhere."""
    if here.module is None or not here.mentions(("utc", "UTC", "ZoneInfo")):
        return False
    return any(
        argument(each, 0, "tz") is not None
        for each in find(here.module, cst.Call)
        if here.name(each.func) == "datetime.datetime.now"
    )


def _is_harmless(call: cst.Call, here: Here) -> bool:
    match here.parent(call):
        case cst.Attribute(attr=cst.Name(value=name)) as read:
            if name in _HARMLESS:
                return True
            return name == "replace" and "tzinfo" in here.source(here.parent(read) or read)
        case cst.FormattedStringExpression():
            return True
        case cst.BinaryOperation(operator=cst.Subtract()) as difference:
            return not _is_duration_back(difference, here)
        case cst.Arg() as given:
            around = here.parent(given)
            return isinstance(around, cst.Call) and _takes_naive(around)
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name() as target)]):
            uses = _uses(target, here)
            return any(_gets_zone(each, here) for each in uses) or (
                bool(uses) and all(_is_measuring(each, here) for each in uses)
            )
        case _:
            return False


def _is_duration_back(node: cst.BinaryOperation, here: Here) -> bool:
    """`now() - timedelta(...)` is a time again, `now() - start` a duration."""
    names = here.names(node.right)
    return any(each.endswith(("timedelta", "relativedelta")) for each in names)


def _takes_naive(around: cst.Call) -> bool:
    last = _last(around)
    return last in _HARMLESS or bool(_PUTS_ZONE_ON.search(last))


def _last(call: cst.Call) -> str:
    return call.func.attr.value if isinstance(call.func, cst.Attribute) else dotted(call.func)


def _uses(target: cst.Name, here: Here) -> list[cst.Name]:
    """Where else in the function the variable stands."""
    function = here.function(target) or here.module
    names = find(function, cst.Name) if function is not None else ()
    return [each for each in names if each.value == target.value and each is not target]


def _gets_zone(use: cst.Name, here: Here) -> bool:
    """`at = at.replace(tzinfo=UTC)`, `at = make_aware(at)`, `at.astimezone(zone)`."""
    match here.parent(use):
        case cst.Attribute(value=owner, attr=cst.Name(value=name)) as read if owner is use:
            call = here.parent(read) or read
            return name == "astimezone" or (name == "replace" and "tzinfo" in here.source(call))
        case cst.Arg() as given:
            around = here.parent(given)
            return isinstance(around, cst.Call) and _last(around) in ("make_aware", "localize")
        case _:
            return False


def _is_measuring(use: cst.Name, here: Here) -> bool:
    match here.parent(use):
        case cst.BinaryOperation(operator=cst.Subtract(), left=left, right=right):
            other = right if left is use else left
            return not any(each.endswith("delta") for each in here.names(other))
        case cst.Attribute(attr=cst.Name(value=name)):
            return name in _HARMLESS
        case cst.FormattedStringExpression() | cst.AssignTarget():
            return True
        case cst.Arg() as given:
            around = here.parent(given)
            return isinstance(around, cst.Call) and _takes_naive(around)
        case _:
            return False


def _fix(call: cst.Call, last: str, here: Here, *, django: bool) -> Fix | None:
    if last not in ("now", "utcnow", "today") or call.args:
        return None
    if django:
        bound = here.scopes.at_top("timezone")
        if any(each.target != "django.utils.timezone" for each in bound):
            return None
        return Fix((Replace(call, "timezone.now()"), AddImport("django.utils", "timezone")))
    if not isinstance(call.func, cst.Attribute) or last == "today":
        return None
    text = here.source(call.func.value)
    match call.func.value:
        case cst.Attribute(value=cst.Name() as module) if here.name(module) == "datetime":
            return Fix((Replace(call, f"{text}.now({module.value}.timezone.utc)"),))
        case _:
            return Fix(
                (Replace(call, f"{text}.now(timezone.utc)"), AddImport("datetime", "timezone"))
            )
