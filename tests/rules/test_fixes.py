"""Fixes that are offered hold, in every layout and encoding, and on disk."""

from __future__ import annotations

import re
import sysconfig
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random

import pytest
from trees import project_of

from rules.cli import main
from rules.engine.config import Config, ReviewConfig, RulesConfig
from rules.engine.discover import all_rules
from rules.engine.encodings import read_python, read_text
from rules.engine.finding import Finding, Report
from rules.engine.fix import apply
from rules.engine.repair import Reviewed, repair
from rules.engine.run import check
from rules.kit import Rule
from rules.kit.examples import examples

CONFIG = Config(review=ReviewConfig(confidence="all"), rules=RulesConfig(defer_to_linters=False))
STDLIB = Path(sysconfig.get_paths()["stdlib"])
_ASIDE = re.compile(rb"[ \t]+breakpoint\(\)(?:\r\n?|\n)")
Files = dict[str, bytes]

BYTES: dict[str, Callable[[str], bytes]] = {
    "UTF-8": lambda text: text.encode(),
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "CR": lambda text: text.replace("\n", "\r").encode(),
    "mixed ends": lambda text: "".join(
        line + ("\r\n" if number % 2 else "\n")
        for number, line in enumerate(text.removesuffix("\n").split("\n"))
    ).encode(),
    "byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "tabs": lambda text: text.replace("    ", "\t").encode(),
    "no end of the last line": lambda text: text.rstrip("\n").encode(),
    "latin-1": lambda text: f"# -*- coding: latin-1 -*-\n# \u00e9\n{text}".encode("latin-1"),
    "GBK": lambda text: f"# coding: gbk\n# \u554a\n{text}".encode("gbk"),
    "Latin-1 with Windows ends": lambda text: f"# coding: latin-1\n# \u00e9\n{text}".replace(
        "\n", "\r\n"
    ).encode("latin-1"),
}


def checked(files: Files, rules: tuple[Rule, ...]) -> Report:
    return check(list(files.items()), project_of(files), CONFIG, rules)


def patched(path: str, data: bytes, findings: list[Finding]) -> bytes:
    source = read_python(data) if path.endswith(".py") else read_text(data)
    assert source is not None
    edits = dict.fromkeys(edit for each in findings if each.fix for edit in each.fix.edits)
    assert all(edit.path == path for edit in edits)
    text = apply(source.text, edits)
    assert text is not None, "edits overlap"
    encoded = source.encode(text)
    assert encoded is not None
    return encoded


def lines_outside(data: bytes, report: Report, path: str, *, after: bool = False) -> set[bytes]:
    """The lines of a file that no edit touches, with their ends."""
    touched = {
        line
        for each in report.findings
        if each.fix and each.path == path
        for edit in each.fix.edits
        for line in range(edit.span.line, edit.span.end_line + 1)
    }
    lines = re.split(rb"(?<=\n)|(?<=\r)(?!\n)", data)
    return {line for number, line in enumerate(lines, start=1) if after or number not in touched}


def fixing_examples() -> dict[str, tuple[Rule, dict[str, str]]]:
    return {
        f"{rule.code}-{number}": (rule, one.files)
        for rule in all_rules()
        if rule.fix != "none"
        for number, one in enumerate(examples(rule.doc))
        if one.kind == "Bad" and one.before is None
    }


EXAMPLES = fixing_examples()


def beside(rule: Rule) -> tuple[Rule, ...]:
    return all_rules() if rule.category == "suppressions" else (rule,)


def holds(files: Files, rules: tuple[Rule, ...]) -> int:
    """Asserts that all fixes offered hold, alone and together; how many there are."""
    report = checked(files, rules)
    assert report.crashes == ()
    fixed = [each for each in report.findings if each.fix]
    for path in {each.path for each in fixed}:
        here = [each for each in fixed if each.path == path]
        for chosen in [[each] for each in here[:5]] + [here]:
            new = {**files, path: patched(path, files[path], chosen)}
            assert new[path] != files[path]
            again = checked(new, rules)
            assert again.crashes == ()
            assert len(again.skipped) == len(report.skipped)
            left = {(each.path, each.fingerprint) for each in again.findings}
            assert left < {(each.path, each.fingerprint) for each in report.findings}
            assert len(again.findings) <= len(report.findings) - len(chosen)
        whole = patched(path, files[path], here)
        assert lines_outside(files[path], report, path) <= lines_outside(
            whole, report, path, after=True
        )
    return len(fixed)


@pytest.mark.parametrize("layout", BYTES)
@pytest.mark.parametrize("name", EXAMPLES)
def test_the_fixes_of_an_example_hold_whatever_its_bytes(name: str, layout: str) -> None:
    rule, texts = EXAMPLES[name]
    plain = {path: text.encode() for path, text in texts.items()}
    files = {p: BYTES[layout](t) if p.endswith(".py") else t.encode() for p, t in texts.items()}
    offered = holds(files, beside(rule))
    # Not one is lost to the layout, where the rule reads it the same.
    assert offered == holds(plain, beside(rule))


@cache
def library() -> dict[str, str]:
    paths = sorted(STDLIB.glob("*.py"))[::9]
    return {
        path.name: path.read_text("utf-8")
        for path in paths
        if 3_000 <= path.stat().st_size <= 20_000
    }


SEEDS = {
    "ERR101": "try:\n    first()\nexcept:\n    second()\n",
    "SEC124": "import requests\nrequests.get(\n    'https://a.example',\n    params={'a': 1},\n)\n",
    "QLT101": "def seeded(\n    a=[],\n):\n    return a\n",
    "CLN111": "breakpoint()\n",
}


def seeded(text: str, seed: str, random: Random, times: int = 3) -> str:
    """The text with a bad pattern put in at some of its blocks, at their indentation."""
    lines = text.split("\n")
    places = [
        number
        for number, line in enumerate(lines)
        if re.match(r"\s*(return|self\.\w+ = \w+$|pass$)", line)
    ]
    for at in sorted(random.sample(places, min(times, len(places))), reverse=True):
        indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
        lines[at:at] = [indent + line if line else "" for line in seed.rstrip("\n").split("\n")]
    return "\n".join(lines)


@pytest.mark.parametrize("layout", BYTES)
@pytest.mark.parametrize("code", SEEDS)
def test_the_fixes_in_real_code_hold_whatever_its_bytes(code: str, layout: str) -> None:
    rules = tuple(each for each in all_rules() if each.code == code)
    random = Random(f"{code}{layout}")
    names = random.sample(sorted(library()), 3)
    files: Files = {}
    for name in names:
        text = seeded(library()[name], SEEDS[code], random)
        try:
            files[f"app/{name}"] = BYTES[layout](text)
        except UnicodeEncodeError:
            continue
    assert holds(files, rules) >= len(files)


def test_a_form_feed_costs_the_fix_and_nothing_else() -> None:
    text = b"x = 1\n\x0cdef f(o):\n    try:\n        o()\n    except:\n        pass\n"
    report = checked({"app/a.py": text}, all_rules())
    assert [each.fix for each in report.findings if each.code == "ERR101"] == [None]


SECRET = "SECRET_KEY = 'b7d2fk3l9x0qpz84mvn1aeyt6rwu5hjc'\n"
HEADERS = {
    "": ("", ""),
    "docstring": ('"""Settings."""\n', ""),
    "shebang, cookie and licence": (
        "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\n# Copyright of somebody.\n\n",
        "",
    ),
    "comment of the line below": ("", "# The key.\n"),
    "future": ('"""Settings."""\n\nfrom __future__ import annotations\n', "\n"),
    "an import": ("import sys\n", "from pathlib import Path\n\n"),
    "an import in brackets": ("from pathlib import (\n    Path,\n    PurePath,\n)\n", "\n"),
    "for types": ("import typing\n", "if typing.TYPE_CHECKING:\n    import os\n\n"),
    "only for types": ("", "if TYPE_CHECKING:\n    import os\n\n"),
    "a byte order mark": ("\ufeff", "x = 1\n"),
    "Windows ends": ("import sys\r\n", "x = 1\r\n"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_an_import_goes_below_what_must_come_first(name: str) -> None:
    above, below = HEADERS[name]
    files = {"shop/settings.py": f"{above}{below}INSTALLED_APPS = []\n{SECRET}".encode()}
    rules = tuple(each for each in all_rules() if each.code == "SEC120" or "key" in each.name)
    report = checked(files, rules)
    findings = [each for each in report.findings if each.fix]
    assert findings
    end = "\r\n" if "\r\n" in above else "\n"
    text = patched("shop/settings.py", files["shop/settings.py"], findings).decode()
    assert text.startswith(f"{above}import os{end}{below}INSTALLED_APPS")


def test_two_fixes_that_need_one_import_bring_it_once() -> None:
    text = f"INSTALLED_APPS = []\n{SECRET}JWT_{SECRET}"
    files = {"shop/settings.py": text.encode()}
    report = checked(files, all_rules())
    findings = [each for each in report.findings if each.fix]
    assert len(findings) == 2
    new = patched("shop/settings.py", files["shop/settings.py"], findings)
    assert new.count(b"import os") == 1


BARE = "def f(o):\n    try:\n        o()\n    except:\n        pass\n\n\ndef g(o):\n    breakpoint()\n    return o\n"


def test_a_finding_that_yields_to_another_does_not_stand_in_the_way_of_its_fix() -> None:
    path = "shop/views.py"
    view = (
        b"from django.db import connection\n\n\ndef count(request):\n"
        b"    city = request.GET['city']\n    with connection.cursor() as cursor:\n"
        b"        cursor.execute(f\"SELECT o.id FROM shop_order o JOIN shop_cart c ON c.id = o.id WHERE city = '{city}'\")\n"
        b"        return cursor.fetchone()\n"
    )
    models = b"from django.db import models\n\n\nclass Order(models.Model):\n    total = models.IntegerField()\n"
    files = {path: view, "shop/models.py": models}
    rules = tuple(each for each in all_rules() if each.code in ("SEC101", "FWK105"))
    report = checked(files, rules)
    (injection,) = [each for each in report.findings if each.code == "SEC101"]
    after = {**files, path: patched(path, view, [injection])}

    assert {each.code for each in report.findings} == {"SEC101"}
    assert {each.code for each in checked(after, rules).findings} == {"FWK105"}


def test_a_fix_on_disk_keeps_every_other_byte(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'a'\n")
    written = {}
    for number, (name, layout) in enumerate(BYTES.items()):
        path = tmp_path / f"app_{number}.py"
        path.write_bytes(layout(BARE))
        path.chmod(0o755)
        written[path] = (name, layout)
    code = run("check", "--fix", "--isolated", "--select", "CLN111", str(tmp_path))
    assert code in (0, 1)
    for path, (name, layout) in written.items():
        assert path.read_bytes() == _ASIDE.sub(b"", layout(BARE)), name
        assert path.stat().st_mode & 0o777 == 0o755
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(
        ["pyproject.toml", *(each.name for each in written)]
    )


def run(*arguments: str) -> int:
    try:
        main(list(arguments))
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def reviewed(files: Files) -> Reviewed:
    return Reviewed(checked(files, all_rules()), files)


def on_disk(folder: Path, files: Files) -> dict[str, Path]:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return {path: folder / path for path in files}


def test_a_file_that_changed_since_is_left_alone(tmp_path: Path) -> None:
    files = {"app/a.py": BARE.encode()}
    places = on_disk(tmp_path, files)
    places["app/a.py"].write_bytes(b"# mine\n")
    done = repair(reviewed(files), places, lambda: reviewed(files))
    assert places["app/a.py"].read_bytes() == b"# mine\n"
    assert done.fixed == 0
    assert done.notes == ("app/a.py is left as it is: it changed meanwhile",)


def test_fixes_are_made_until_there_are_none(tmp_path: Path) -> None:
    text = "".join(f"def f{n}(o):\n    breakpoint()\n    return o\n\n\n" for n in range(90))
    places = on_disk(tmp_path, {"app/a.py": text.encode()})

    def now() -> Reviewed:
        return reviewed({path: place.read_bytes() for path, place in places.items()})

    done = repair(now(), places, now)
    assert done.fixed == 90
    assert b"breakpoint" not in places["app/a.py"].read_bytes()


def test_two_fixes_that_leave_an_empty_block_together_are_made_one_by_one(tmp_path: Path) -> None:
    text = "def f(o):\n    breakpoint()\n    breakpoint()\n"
    places = on_disk(tmp_path, {"app/a.py": text.encode()})

    def now() -> Reviewed:
        return reviewed({path: place.read_bytes() for path, place in places.items()})

    done = repair(now(), places, now)
    assert done.notes == ()
    assert places["app/a.py"].read_bytes() == b"def f(o):\n    pass\n"
    assert done.left.report.skipped == ()


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    files = {"app/a.py": BARE.encode()}
    done = repair(reviewed(files), {"app/a.py": tmp_path / "gone.py"}, lambda: reviewed(files))
    assert done.fixed == 0
    assert "left as it is" in done.notes[0]
