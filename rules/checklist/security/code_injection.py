"""Text from outside is run as Python.

`eval`, `exec` and an import by name run whatever they are given with all rights of the
application. Read data with `json.loads` or `ast.literal_eval`; let a caller choose among functions and
modules through a dict of your own.

Bad:
```python shop/views.py
from django.http import JsonResponse

def calculate(request):
    return JsonResponse({"result": eval(request.POST["formula"])})  # flagged
```
Good:
```python shop/views.py
import ast

from django.http import JsonResponse

def calculate(request):
    return JsonResponse({"result": ast.literal_eval(request.POST["formula"])})
```
Bad:
```python shop/api.py
import importlib

from flask import Flask, request

app = Flask(__name__)

@app.route("/report")
def report():
    kind = request.args.get("kind")
    module = importlib.import_module(kind)  # flagged
    return module.render()
```
Good: a caller chooses among what is there.
```python shop/api.py
import importlib

from flask import Flask, request

app = Flask(__name__)
KINDS = {"csv": "shop.reports.csv", "pdf": "shop.reports.pdf"}

@app.route("/report")
def report():
    module = importlib.import_module(KINDS[request.args["kind"]])
    return module.render(eval("1 + 1"))
```
"""

from collections.abc import Iterator

from rules.flow.taint.report import flag
from rules.flow.taint.sinks import Sink
from rules.flow.taint.subject import TaintedCall
from rules.kit import Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="SEC103",
    severity=Severity.ERROR,
    checklist=("security.injection-family",),
    cwe=94,
    defers=False,
    peers=("ruff:S307", "ruff:S102", "bandit:B307", "bandit:B102"),
)


class EvaluatedText(TaintedCall):
    family = "code"
    hotspots = True
    sinks = (
        Sink(("builtins.eval", "builtins.exec", "builtins.compile"), (0, "source")),
        Sink(("builtins.__import__", "importlib.import_module", "runpy.run_path"), (0, "name")),
        Sink(("code.InteractiveInterpreter().runcode", "timeit.timeit", "builtins.execfile")),
        Sink(("pandas.eval", "numexpr.evaluate"), (0, "expr")),
        Sink(("django.utils.module_loading.import_string", "pydoc.locate")),
    )


@rule.on(EvaluatedText)
def check(found: EvaluatedText, here: Here) -> Iterator[Flag]:
    name = found.called.removeprefix("builtins.")
    imports = "import" in name or "locate" in name
    does = f"is imported by `{name}`" if imports else f"is run as Python by `{name}`"
    cure = (
        "Let callers choose from a dict of your own."
        if imports
        else "Read data with `json.loads` or `ast.literal_eval`, choose code from a dict."
    )
    yield flag(
        found, here, f"{does}: a caller can run code of their own", cure, doubt=does, whole=True
    )
