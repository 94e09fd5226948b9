"""A change is blamed for what it brings or takes away, and never for how it is written."""

from __future__ import annotations

import re
import sysconfig
from collections import Counter
from functools import cache
from pathlib import Path
from zlib import crc32

import libcst as cst
import pytest
from layouts import LAYOUTS
from trees import project_of, snapshot_of

from rules.engine.config import Config, ReviewConfig, RulesConfig
from rules.engine.discover import all_rules
from rules.engine.finding import Finding
from rules.engine.run import check, review
from rules.kit import CommittedFile, Rule
from rules.kit.examples import examples
from rules.kit.subjects import Change

CONFIG = Config(review=ReviewConfig(confidence="all"), rules=RulesConfig(defer_to_linters=False))
STDLIB = Path(sysconfig.get_paths()["stdlib"])
_TELLING = re.compile(r"except:|=(?:\[\]|\{\})[,)]")
Files = dict[str, str]


def found(files: Files, rules: tuple[Rule, ...] = all_rules()) -> list[Finding]:
    given = [(path, text.encode()) for path, text in files.items()]
    report = check(given, project_of(files), CONFIG, rules)
    assert report.skipped == ()
    assert report.crashes == ()
    return list(report.findings)


def introduced(before: Files, after: Files, renames: Files | None = None) -> list[Finding]:
    report = review(snapshot_of(before, after, renames), CONFIG)
    assert report.skipped == ()
    assert report.crashes == ()
    return [each for each in report.findings if each.code not in ABOUT_THE_CHANGE]


# What these say depends on the change by definition: whether tests and migrations came with it.
ABOUT_THE_CHANGE = {
    rule.code
    for rule in all_rules()
    if any(each.subject in (Change, CommittedFile) for each in rule.listeners)
}


@cache
def bad_files() -> dict[str, Files]:
    """The projects of all Bad examples that a review of whole files can judge."""
    return {
        f"{rule.code}-{number}": one.files
        for rule in all_rules()
        for number, one in enumerate(examples(rule.doc))
        if one.kind == "Bad" and one.before is None and all(map(_parses, one.files.items()))
    }


def _parses(file: tuple[str, str]) -> bool:
    """Of what does not parse nothing is known but that it does not."""
    path, text = file
    try:
        cst.parse_module(text if path.endswith(".py") else "")
    except cst.ParserSyntaxError:
        return False
    return True


@cache
def library() -> Files:
    """Real modules that the rules have something to say of."""
    paths = sorted(
        path
        for folder in ("", "asyncio", "email", "http", "json", "logging", "unittest", "xmlrpc")
        for path in (STDLIB / folder).glob("*.py")
        if 2_000 <= path.stat().st_size <= 12_000
    )
    texts = {f"app/{path.parent.name}_{path.name}": path.read_text("utf-8") for path in paths}
    telling = [path for path, text in texts.items() if _TELLING.search(text)]
    return {path: texts[path] for path in telling[:10]}


def laid_out(files: Files, layout: str) -> Files:
    return {
        path: LAYOUTS[layout](text) if path.endswith(".py") else text
        for path, text in files.items()
    }


def fingerprints(findings: list[Finding]) -> Counter[tuple[str, str]]:
    return Counter((each.path, each.fingerprint) for each in findings)


def some_layouts(name: str) -> list[str]:
    """Two layouts for an example: over all examples each is tried often, and all on real code."""
    names = sorted(LAYOUTS)
    first = crc32(name.encode())
    return [names[(first + step) % len(names)] for step in (0, len(names) // 2)]


@pytest.mark.parametrize("code", sorted({name.partition("-")[0] for name in bad_files()}))
def test_another_layout_of_an_example_keeps_its_fingerprints(code: str) -> None:
    for name, before in bad_files().items():
        if name.partition("-")[0] != code:
            continue
        told = fingerprints(found(before))
        for layout in some_layouts(name):
            after = laid_out(before, layout)
            assert fingerprints(found(after)) == told, (name, layout)
            assert introduced(before, after) == [], (name, layout)


def test_every_layout_is_tried_on_many_examples() -> None:
    tried = Counter(layout for name in bad_files() for layout in some_layouts(name))
    assert tried.keys() == LAYOUTS.keys()
    assert min(tried.values()) >= 5


@pytest.mark.parametrize("layout", LAYOUTS)
def test_another_layout_of_real_code_introduces_nothing(layout: str) -> None:
    before = library()
    after = laid_out(before, layout)
    assert fingerprints(found(after)) == fingerprints(found(before))
    assert introduced(before, after) == []


def test_the_real_code_gives_the_rules_something_to_say() -> None:
    assert len({each.code for each in found(library())}) >= 2


def test_functions_moved_to_another_file_introduce_nothing() -> None:
    moved = 0
    for path, text in library().items():
        module = cst.parse_module(text)
        flagged = {each.scope.partition(".")[0] for each in found({path: text}) if each.scope}
        taken = [
            n for n in module.body if isinstance(n, cst.FunctionDef) and n.name.value in flagged
        ]
        if not taken:
            continue
        moved += 1
        imports = [
            each
            for each in module.body
            if isinstance(each, cst.SimpleStatementLine)
            and isinstance(each.body[0], cst.Import | cst.ImportFrom)
        ]
        kept = [each for each in module.body if each not in taken]
        after = {
            path: module.with_changes(body=kept).code,
            "app/elsewhere.py": module.with_changes(header=[], body=[*imports, *taken]).code,
        }
        assert introduced({path: text}, after) == []
    assert moved >= 3


@pytest.mark.parametrize("name", bad_files())
def test_a_renamed_file_introduces_nothing(name: str) -> None:
    before = bad_files()[name]
    path = next((each for each in before if each.endswith(".py")), None)
    if path is None or "/" not in path or "test" in path:
        pytest.skip("its place is what it is judged by")
    folder, _, leaf = path.rpartition("/")
    new = f"{folder}/renamed_{leaf}" if leaf != "settings.py" else path
    after = {new if each == path else each: text for each, text in before.items()}
    # Others name models by their module, and migrations depend on each other by name.
    assert introduced(before, after, {new: path}) == [] or re.search("models|migrations", path)


PROTECTED = {
    "a timeout": (
        "SEC124",
        "import requests\n\nrequests.get(\n    url,\n    timeout=10,\n)\n",
        "    timeout=10,\n",
    ),
    "an assertion": (
        "TST103",
        "def test_total():\n    order = make()\n    assert order.total == 3\n",
        "    assert order.total == 3\n",
    ),
}


@pytest.mark.parametrize("name", PROTECTED)
def test_a_protection_taken_away_is_found_though_no_line_is_new(name: str) -> None:
    code, text, protection = PROTECTED[name]
    path = "app/tests/test_a.py" if code == "TST103" else "app/a.py"
    snapshot = snapshot_of({path: text}, {path: text.replace(protection, "")})
    assert not snapshot.changes[0].added
    report = review(snapshot, CONFIG)
    assert code in {each.code for each in report.findings}


def test_a_query_that_loses_select_related_is_found() -> None:
    models = (
        "from django.db import models\n\n\nclass Author(models.Model):\n"
        "    name = models.CharField(max_length=9)\n\n\nclass Book(models.Model):\n"
        "    author = models.ForeignKey(Author, on_delete=models.CASCADE)\n"
    )
    view = (
        "from shop.models import Book\n\n\ndef names():\n    books = (\n        Book.objects.all()\n"
        '        .select_related("author")\n    )\n    return [book.author.name for book in books]\n'
    )
    before = {"shop/__init__.py": "", "shop/models.py": models, "shop/views.py": view}
    line = '        .select_related("author")\n'
    after = {**before, "shop/views.py": view.replace(line, "")}
    snapshot = snapshot_of(before, after)
    assert not snapshot.changes[0].added
    assert {each.code for each in review(snapshot, CONFIG).findings} == {"DBQ101"}


HANDLER = "    try:\n        return o.x\n    except:\n        return 0\n"


def functions(*names: str) -> Files:
    return {"app/a.py": "\n\n".join(f"def {name}(o):\n{HANDLER}" for name in names)}


def blocks(count: int) -> Files:
    body = "".join("    try:\n        o.x()\n    except:\n        o.y()\n" for _ in range(count))
    return {"app/a.py": f"def f(o):\n{body}"}


@pytest.mark.parametrize("count", [1, 2, 5])
def test_one_more_of_equal_findings_is_one_and_stands_on_the_added_lines(count: int) -> None:
    snapshot = snapshot_of(blocks(count), blocks(count + 1))
    (new,) = review(snapshot, CONFIG).findings
    assert new.span.line in snapshot.changes[0].added


def test_an_equal_one_in_front_is_the_one_that_is_new() -> None:
    before = blocks(2)["app/a.py"]
    extra = "    try:\n        o.x()\n    except:  # new\n        o.y()\n"
    after = before.replace("def f(o):\n", "def f(o):\n" + extra)
    (new,) = introduced({"app/a.py": before}, {"app/a.py": after})
    assert new.span.line == 4


@pytest.mark.parametrize("taken", [0, 1, 2])
def test_one_less_of_three_equal_findings_blames_nobody(taken: int) -> None:
    assert introduced(blocks(3), blocks(2)) == []
    names = ["a", "b", "c"]
    names.pop(taken)
    assert introduced(functions("a", "b", "c"), functions(*names)) == []


def test_a_finding_traded_for_another_in_the_same_place_is_new() -> None:
    before = {"app/a.py": "def f(o, a=[]):\n    return o\n"}
    after = {"app/a.py": f"def f(o):\n{HANDLER}"}
    assert [each.code for each in introduced(before, after)] == ["ERR101"]


def test_a_function_with_another_name_is_not_blamed_for_its_untouched_lines() -> None:
    body = "    answer = requests.get(url)\n    return answer.status_code == 200\n"
    before = {"app/a.py": f"import requests\n\n\ndef ask(url):\n{body}"}
    after = {"app/a.py": f"import requests\n\n\ndef ask_first(url):\n{body}"}
    assert found(before)
    assert introduced(before, after) == []


def test_a_line_copied_into_a_new_function_is_introduced_there() -> None:
    before = {"app/a.py": "import requests\n\n\ndef ask(url):\n    return requests.get(url)\n"}
    copied = "\n\ndef again(url):\n    return requests.get(url)\n"
    new = introduced(before, {"app/a.py": before["app/a.py"] + copied})
    assert [each.span.line for each in new if each.code == "SEC124"] == [9]


def test_a_call_that_gets_another_argument_is_not_blamed_for_what_it_lacked_before() -> None:
    before = {"app/a.py": "import requests\n\n\ndef ask(url):\n    return requests.get(url)\n"}
    after = {"app/a.py": before["app/a.py"].replace("get(url)", 'get(url, params={"q": 1})')}
    assert found(before)
    assert introduced(before, after) == []


def test_a_second_call_beside_a_changed_one_is_introduced() -> None:
    before = {"app/a.py": "import requests\n\n\ndef ask(url):\n    return requests.get(url)\n"}
    two = "    first = requests.get(url, params={})\n    return first, requests.get(url + '?')\n"
    after = {"app/a.py": f"import requests\n\n\ndef ask(url):\n{two}"}
    assert [each.code for each in introduced(before, after)] == ["SEC124"]
