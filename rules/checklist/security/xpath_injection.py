"""What a caller sent becomes part of an XPath expression.

A quote in it ends the text that was meant and asks another question: `' or '1'='1` finds every node.
Give values as variables, which lxml puts in without reading them.

Bad:
```python shop/views.py
from django.http import JsonResponse
from lxml import etree

def price(request):
    tree = etree.parse("books.xml")
    found = tree.xpath(f"/books/book[@isbn='{request.GET['isbn']}']/price")  # flagged
    return JsonResponse({"price": found[0].text})
```
Good:
```python shop/views.py
from django.http import JsonResponse
from lxml import etree

def price(request):
    tree = etree.parse("books.xml")
    found = tree.xpath("/books/book[@isbn=$isbn]/price", isbn=request.GET["isbn"])
    return JsonResponse({"price": found[0].text})
```
Bad:
```python shop/api.py
import xml.etree.ElementTree as ET

from flask import Flask, request

app = Flask(__name__)

@app.route("/price")
def price():
    root = ET.parse("books.xml").getroot()
    query = "./book[@title='" + request.args["title"] + "']"
    return {"price": root.find(query).get("price")}  # flagged
```
Good: no quote gets in.
```python shop/api.py
import xml.etree.ElementTree as ET

from flask import Flask, abort, request

app = Flask(__name__)

@app.route("/price")
def price():
    root = ET.parse("books.xml").getroot()
    title, number = request.args["title"], int(request.args["number"])
    if "'" in title:
        abort(400)
    found = root.find(f"./book[@title='{title}'][{number}]")
    text = "hello".find(request.args["title"])
    return {"price": found.get("price"), "at": text}
```
"""

import re
from collections.abc import Iterator

from rules.flow.domain import Call
from rules.flow.frame import Frame
from rules.flow.taint.report import flag
from rules.flow.taint.sinks import Sink
from rules.flow.taint.subject import TaintedCall
from rules.flow.values import Choice, Text
from rules.kit import Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="SEC111",
    severity=Severity.ERROR,
    checklist=("security.injection-family",),
    cwe=643,
    defers=False,
    peers=(),
)

_FINDERS = ("find", "findall", "findtext", "iterfind")


def _is_expression(call: Call, frame: Frame) -> bool:
    """`find` is also a method of text: here the argument has to look like a path of nodes."""
    given = call.argument(0, "path", "match")
    if isinstance(given, Choice):
        return any(isinstance(each, Text) and _PATH.search(each.start) for each in given.values)
    return isinstance(given, Text) and bool(_PATH.search(given.start))


_PATH = re.compile(r"^\.?/|\[@?\w+(\(\))?\s*=|^[\w*:]+(/|\[)")


class NodePath(TaintedCall):
    family = "xpath"
    sinks = (
        Sink(("*.xpath", "lxml.etree.XPath", "lxml.etree.ETXPath"), (0, "_path", "path", "query")),
        Sink(("lxml.etree.XPathEvaluator()", "elementpath.select"), (0, 1, "path")),
        Sink(tuple(f"*.{each}" for each in _FINDERS), (0, "path"), _is_expression),
    )


@rule.on(NodePath)
def check(found: NodePath, here: Here) -> Iterator[Flag]:
    name = found.called.rpartition(".")[2]
    yield flag(
        found,
        here,
        f"becomes part of the XPath of `{name}`: a quote in it asks for other nodes",
        "Pass it as a variable: `tree.xpath('...[@id=$id]', id=value)`.",
    )
