"""A parser that follows entities reads XML from outside.

An entity in a document may name a file of the server or an address of its network, and the parser puts in
what it finds there; entities made of entities fill the memory. Parse with `defusedxml`, or with
`resolve_entities=False`.

Bad:
```python shop/views.py
from django.http import JsonResponse
from lxml import etree

def upload(request):
    parser = etree.XMLParser(resolve_entities=True)
    root = etree.fromstring(request.body, parser)  # flagged
    return JsonResponse({"tag": root.tag})
```
Good:
```python shop/views.py
from django.http import JsonResponse
from lxml import etree

def upload(request):
    parser = etree.XMLParser(resolve_entities=False)
    root = etree.fromstring(request.body, parser)
    return JsonResponse({"tag": root.tag})
```
Bad:
```python shop/api.py
import xml.sax

from flask import Flask, request

app = Flask(__name__)

@app.route("/feed", methods=["POST"])
def feed():
    parser = xml.sax.make_parser()
    parser.setFeature(xml.sax.handler.feature_external_ges, True)
    parser.parse(request.stream)  # flagged
    return {}
```
Good: these parsers know no external entities, or refuse them.
```python shop/api.py
import xml.etree.ElementTree as ET

import defusedxml.ElementTree
from flask import Flask, request

app = Flask(__name__)

@app.route("/feed", methods=["POST"])
def feed():
    return {"a": ET.fromstring(request.data).tag, "b": defusedxml.ElementTree.fromstring(request.data).tag}
```
"""

from collections.abc import Iterator

from rules.flow.domain import Call
from rules.flow.frame import Frame
from rules.flow.state import DictObj
from rules.flow.taint.report import flag
from rules.flow.taint.sinks import Sink
from rules.flow.taint.subject import TaintedCall
from rules.flow.taint.taint import PARSER
from rules.flow.values import FALSE, TRUE, Const
from rules.kit import Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="SEC112",
    severity=Severity.ERROR,
    checklist=("security.injection-family",),
    cwe=611,
    defers=False,
    peers=("ruff:S320", "ruff:S317", "bandit:B317", "bandit:B320"),
)

_TOLD = {
    "resolve_entities": (TRUE,),
    "load_dtd": (TRUE,),
    "no_network": (FALSE,),
    "xml.sax.handler.feature_external_ges": (TRUE, Const(1)),
    "xml.sax.handler.feature_external_pes": (TRUE, Const(1)),
    "http://xml.org/sax/features/external-general-entities": (TRUE, Const(1)),
    "http://xml.org/sax/features/external-parameter-entities": (TRUE, Const(1)),
}
_MODULES = ("dom.minidom", "dom.pulldom", "etree.ElementTree", "sax")
_PARSES = ("parse", "fromstring", "XML", "parseString", "fromstringlist", "iterparse")


def _follows(call: Call, frame: Frame) -> bool:
    """Whether the parser that is given, or the one at hand, was told to follow entities."""
    parsers = [call.argument(1, "parser"), call.owner, *call.keywords.values()]
    for each in parsers:
        held = frame.object(each) if each is not None else None
        if isinstance(held, DictObj) and held.kind == PARSER:
            return any(held.items.get(name) in wanted for name, wanted in _TOLD.items())
    return False


class OutsideDocument(TaintedCall):
    family = "xml"
    sinks = (
        Sink(tuple(f"lxml.etree.{each}" for each in _PARSES), (0, "source", "text"), _follows),
        Sink(tuple(f"xml.{one}.{each}" for one in _MODULES for each in _PARSES), (0,), _follows),
        Sink(("*.parse", "*.feed"), (0, "source"), _follows),
    )


@rule.on(OutsideDocument)
def check(found: OutsideDocument, here: Here) -> Iterator[Flag]:
    yield flag(
        found,
        here,
        "is parsed by a parser that follows entities: a document can read files of the server",
        "Use `defusedxml`, or `resolve_entities=False`.",
    )
