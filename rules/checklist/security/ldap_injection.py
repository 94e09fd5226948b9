"""What a caller sent becomes part of an LDAP filter or name.

`*` and `)` in it change what is asked for: `*)(uid=*` finds everyone and passes a check of a password.
Escape it with `escape_filter_chars` in filters and `escape_dn_chars` in names.

Bad:
```python shop/views.py
import ldap
from django.http import JsonResponse

def person(request):
    server = ldap.initialize("ldap://directory")
    found = server.search_s("ou=people", ldap.SCOPE_SUBTREE, f"(uid={request.GET['uid']})")  # flagged
    return JsonResponse({"found": len(found)})
```
Good:
```python shop/views.py
import ldap
from django.http import JsonResponse
from ldap.filter import escape_filter_chars

def person(request):
    server = ldap.initialize("ldap://directory")
    uid = escape_filter_chars(request.GET["uid"])
    found = server.search_s("ou=people", ldap.SCOPE_SUBTREE, f"(uid={uid})")
    return JsonResponse({"found": len(found)})
```
Bad:
```python shop/api.py
import ldap3
from flask import Flask, request

app = Flask(__name__)

@app.route("/people")
def people():
    connection = ldap3.Connection(ldap3.Server("directory"))
    query = "(&(objectclass=person)(mail=" + request.args["mail"] + "))"
    connection.search("ou=people", query)  # flagged
    return {"count": len(connection.entries)}
```
Good: constants and numbers.
```python shop/api.py
import ldap3
from flask import Flask, request

app = Flask(__name__)

@app.route("/people")
def people():
    connection = ldap3.Connection(ldap3.Server("directory"))
    number = int(request.args["number"])
    connection.search("ou=people", f"(employeeNumber={number})", attributes=["mail"])
    return {"count": len(connection.entries)}
```
"""

from collections.abc import Iterator

from rules.flow.domain import Call
from rules.flow.frame import Frame
from rules.flow.taint.report import flag
from rules.flow.taint.sinks import Sink
from rules.flow.taint.subject import TaintedCall
from rules.flow.values import Text
from rules.kit import Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="SEC110",
    severity=Severity.ERROR,
    checklist=("security.injection-family",),
    cwe=90,
    defers=False,
    peers=(),
)

_SEARCHES = ("search", "search_s", "search_st", "search_ext", "search_ext_s", "search_subtree_s")
_NAMES = ("search_base", "search_filter", "base", "filterstr")


def _is_directory(call: Call, frame: Frame) -> bool:
    """Whether `search` is asked of a directory: by what it is called on, or what it is given."""
    if "ldap" in call.name.lower() or call.method != "search":
        return True
    given = call.argument(1, "search_filter")
    is_filter = isinstance(given, Text) and given.start.lstrip().startswith("(")
    return is_filter or "search_filter" in call.keywords


class DirectoryFilter(TaintedCall):
    family = "ldap"
    sinks = (
        Sink(tuple(f"*.{each}" for each in _SEARCHES[1:]), (0, 2, *_NAMES)),
        Sink(("*.search",), (0, 1, *_NAMES), _is_directory),
        Sink(("*.paged_search", "ldap3.Reader"), (0, 1, *_NAMES)),
        Sink(("*.simple_bind_s", "*.modify_s", "*.add_s", "*.delete_s"), (0, "who", "dn")),
    )


@rule.on(DirectoryFilter)
def check(found: DirectoryFilter, here: Here) -> Iterator[Flag]:
    name = found.called.rpartition(".")[2]
    yield flag(
        found,
        here,
        f"becomes part of what `{name}` asks the directory: `*` and `)` in it change the question",
        "Escape it with `escape_filter_chars`.",
    )
