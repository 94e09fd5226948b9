"""What is generated from the code: complete, stable, and found where the links point."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from msgspec import Meta

from rules.engine import pages
from rules.engine.catalogue import checklist
from rules.engine.config import Config, ConfigError, Section, parse
from rules.engine.discover import DOCS_URL, all_rules, url_of
from rules.engine.docs import site
from rules.engine.docs.editor_schema import SCHEMA_URL, editor_schema
from rules.engine.docs.settings_reference import option_rows
from rules.engine.docs.words import meaning, split
from rules.kit import Rule, Severity

ROOT = Path(__file__).resolve().parents[2]
HAND_WRITTEN = (
    "# Title\n\n<!-- generated: make docs -->\nold\n<!-- end of generated -->\n\nAfter.\n"
)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    for name in site.PARTS:
        (tmp_path / name).write_text(HAND_WRITTEN)
    site.write(tmp_path)
    return tmp_path


def run(*args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rules.engine.docs", *args]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )


def test_writing_twice_changes_nothing(docs: Path) -> None:
    assert site.write(docs) == 0
    assert run("--check", str(docs)).returncode == 0


def test_a_stale_page_is_named_and_the_page_of_a_rule_that_is_gone_goes(docs: Path) -> None:
    gone = docs / "rules" / "security" / "no-such-rule.md"
    gone.write_text("# no-such-rule\n")
    (docs / "stet.schema.json").write_text("{}")

    done = run("--check", str(docs))

    assert done.returncode == 1
    assert "no-such-rule.md is not what the code says" in done.stderr
    assert "stet.schema.json is not what the code says" in done.stderr
    assert gone.exists(), "looking changes nothing"
    assert site.write(docs) == 2
    assert not gone.exists()


def test_what_people_wrote_around_the_generated_part_stays(docs: Path) -> None:
    for name in site.PARTS:
        text = (docs / name).read_text()
        assert text.startswith("# Title\n\n<!-- generated")
        assert text.endswith("<!-- end of generated -->\n\nAfter.\n")
        assert "\nold\n" not in text


@pytest.mark.parametrize("text", ["# No marks\n", HAND_WRITTEN.replace("<!-- end", "<!--")])
def test_a_page_without_its_marks_is_refused(docs: Path, text: str) -> None:
    (docs / "commands.md").write_text(text)

    done = run(str(docs))

    assert done.returncode == 1
    assert "commands.md: needs one generated stretch" in done.stderr


def test_the_link_to_a_rule_is_where_its_page_is(docs: Path) -> None:
    for rule in all_rules():
        place = url_of(rule).removeprefix(f"{DOCS_URL}/").rstrip("/")
        assert (docs / "rules" / f"{place}.md").is_file()
    assert f"{DOCS_URL.removesuffix('rules')}stet.schema.json" == SCHEMA_URL


def test_every_rule_is_on_the_index_and_every_row_on_the_page_of_the_checklist(docs: Path) -> None:
    index = (docs / "rules" / "index.md").read_text()
    rows = (docs / "checklist.md").read_text()

    assert [each.code for each in all_rules() if f"| [{each.code}](" not in index] == []
    assert [each.id for each in checklist() if f"\n| {each.item}" not in rows] == []


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.code)
def test_the_page_of_a_rule_says_all_there_is_to_say(rule: Rule) -> None:
    page = pages.page(rule)

    assert page.startswith(f"# {rule.name} ({rule.code})\n")
    for words in (rule.summary, rule.severity.value, "default", f"stet: ignore[{rule.code}]"):
        assert words in page
    for each in (*rule.checklist, *(peer.replace(":", " ") for peer in rule.peers)):
        assert each in page
    assert page.count("\n```") == (rule.doc or "").count("\n```"), "no block is lost"


def sections(section: type[Section]) -> Iterator[tuple[str, Any]]:
    for field in msgspec.structs.fields(section):
        kind, _ = split(field.type)
        if isinstance(kind, type) and issubclass(kind, Section):
            assert kind.__doc__
            yield from sections(kind)
        else:
            yield f"{section.__name__}.{field.name}", field.type


def test_every_key_says_what_it_means() -> None:
    assert [name for name, hint in sections(Config) if not meaning(hint).endswith(".")] == []


def test_a_key_has_an_effect_or_says_that_it_has_none() -> None:
    sources = [*(ROOT / "rules").rglob("*.py"), *(ROOT / "worker").rglob("*.py")]
    code = "\n".join(each.read_text("utf-8") for each in sources)
    everyday = {"RulesConfig.options", "ReviewConfig.on", "Config.python", "Config.version"}

    for name, hint in sections(Config):
        key = name.rpartition(".")[2]
        if name not in everyday:
            used = re.search(rf"\.{key}\b", code) is not None
            assert used != ("No effect yet." in meaning(hint)), name


def test_every_key_is_on_the_page_of_the_configuration(docs: Path) -> None:
    page = (docs / "configuration.md").read_text()
    keys = {name.rpartition(".")[2] for name, _ in sections(Config)} - {"options"}

    assert [key for key in sorted(keys) if f"{key}` |" not in page] == []


VALID = [
    "",
    "version = 1\nprofile = 'strict'\n",
    "[review]\nmax_inline = 3\nexclude = ['a/**']\n[check]\nfail_on = 'never'\n",
    "[rules]\nselect = ['SEC', 'n-plus-one-attribute', 'ALL']\nseverity = { SEC101 = 'notice' }\n",
    "[rules.QLT110]\nmax_complexity = 12\n",
    "[per_file.'tests/**']\nignore = ['SEC']\n",
]
INVALID = [
    "verson = 1\n",
    "version = 2\n",
    "[review]\nmax_inlne = 3\n",
    "[review]\nmax_inline = -1\n",
    "[review]\nexclude = 'a'\n",
    "[check]\nfail_on = 'always'\n",
    "[rules]\nselect = [1]\n",
    "[rules]\nqlt110 = 3\n",
    "[rules.options.QLT110]\nmax_complexity = 12\n",
    "[per_file]\n'tests/**' = ['SEC']\n",
]


@pytest.mark.parametrize("text", [*VALID, *INVALID])
def test_the_editor_and_stet_agree_on_what_is_right(text: str) -> None:
    schema = json.loads(editor_schema())
    Draft202012Validator.check_schema(schema)
    told = Draft202012Validator(schema).is_valid(tomllib.loads(text))
    try:
        parse(text, ".stet.toml")
        accepted = True
    except ConfigError:
        accepted = False

    assert (told, accepted) == (text in VALID, text in VALID)


def test_the_schema_lets_an_editor_explain_each_key() -> None:
    parts = json.loads(editor_schema())["$defs"]

    for part in parts.values():
        for name, each in part["properties"].items():
            assert each.get("description") or "$ref" in each, name


@dataclass(frozen=True)
class Depth:
    most: Annotated[int, Meta(ge=1, description="The deepest nesting that is allowed.")] = 4
    names: tuple[str, ...] = ("a", "b|c")


def test_the_options_of_a_rule_are_on_its_page() -> None:
    rule = Rule(
        "rules.checklist.quality.too_deep", "Too deep.", code="QLT199", severity=Severity.NOTICE,
        checklist=(), options=Depth(),
    )  # fmt: skip

    assert option_rows(rule) == [
        ("`most`", "whole number, 1 or more", "`4`", "The deepest nesting that is allowed."),
        ("`names`", "list of texts", '`["a", "b|c"]`', ""),
    ]
    page = pages.page(rule)
    assert "In `[rules.QLT199]`:" in page
    assert '| `["a", "b\\|c"]` |' in page
