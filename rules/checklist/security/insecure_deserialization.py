"""Objects are built from data that others can write.

`pickle`, `marshal`, `dill`, `jsonpickle` and YAML's full loaders build whatever objects the data names, and
that runs code. Exchange data as JSON or with `yaml.safe_load`; if it must be a pickle, check a
signature over it first.

Bad:
```python shop/views.py
import base64
import pickle

from django.http import JsonResponse

def cart(request):
    cart = pickle.loads(base64.b64decode(request.COOKIES["cart"]))  # flagged
    return JsonResponse({"items": len(cart)})
```
Good:
```python shop/views.py
import base64
import json

from django.http import JsonResponse

def cart(request):
    cart = json.loads(base64.b64decode(request.COOKIES["cart"]))
    return JsonResponse({"items": len(cart)})
```
Bad:
```python shop/api.py
import yaml
from fastapi import FastAPI, Request

app = FastAPI()

@app.post("/import")
async def load(request: Request):
    text = await request.body()
    return yaml.load(text, Loader=yaml.Loader)  # flagged
```
Good:
```python shop/api.py
import pickle

import yaml
from fastapi import FastAPI, Request

app = FastAPI()

@app.post("/import")
async def load(request: Request):
    text = await request.body()
    with open("/srv/model.pkl", "rb") as file:
        model = pickle.load(file)
    return yaml.load(text, Loader=yaml.SafeLoader), yaml.safe_load(text), model
```
Bad: where the bytes come from cannot be seen; this is a hotspot.
```python shop/queue.py
import pickle

def take(message):
    return pickle.loads(message)  # flagged
```
"""

from collections.abc import Iterator

from rules.flow.domain import Call
from rules.flow.frame import Frame
from rules.flow.taint.report import flag
from rules.flow.taint.sinks import Sink
from rules.flow.taint.subject import TaintedCall
from rules.flow.values import Thing
from rules.kit import Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="SEC113",
    severity=Severity.ERROR,
    checklist=("security.deserialisation",),
    cwe=502,
    defers=False,
    peers=("ruff:S301", "ruff:S302", "ruff:S506", "bandit:B301", "bandit:B302", "bandit:B506"),
)

_SAFE = ("SafeLoader", "CSafeLoader", "BaseLoader", "CBaseLoader")


def _is_full_loader(call: Call, frame: Frame) -> bool:
    loader = call.argument(1, "Loader")
    return not (isinstance(loader, Thing) and loader.name.rpartition(".")[2] in _SAFE)


class Deserialised(TaintedCall):
    family = "pickle"
    hotspots = True
    sinks = (
        Sink(
            tuple(
                f"{module}.{name}"
                for module in ("pickle", "cPickle", "_pickle", "dill", "cloudpickle", "marshal")
                for name in ("loads", "load")
            ),
            (0, "data", "file"),
        ),
        Sink(("pickle.Unpickler", "dill.Unpickler", "shelve.open", "joblib.load")),
        Sink(("pandas.read_pickle", "torch.load"), (0, "filepath_or_buffer", "f")),
        Sink(("jsonpickle.decode", "jsonpickle.unpickler.decode", "jsonpickle.loads")),
        Sink(("yaml.load", "yaml.load_all"), (0, "stream"), _is_full_loader),
        Sink(("yaml.unsafe_load", "yaml.unsafe_load_all"), (0, "stream")),
        Sink(("yaml.full_load", "ruamel.yaml.load"), (0, "stream"), _is_full_loader),
    )


@rule.on(Deserialised)
def check(found: Deserialised, here: Here) -> Iterator[Flag]:
    name = found.called
    cure = (
        "Use `yaml.safe_load`."
        if "yaml" in name
        else "Exchange data as JSON, or check a signature first."
    )
    yield flag(
        found,
        here,
        f"is turned into objects by `{name}`: data made for that runs code here",
        cure,
        doubt=f"is turned into objects by `{name}`, which runs code",
        whole=True,
    )
