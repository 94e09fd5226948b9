"""What a replacement looks like in the middle of indented code."""

from __future__ import annotations

from trees import project_of

from rules.engine.config import Config
from rules.engine.discover import all_rules
from rules.engine.fix import apply
from rules.engine.run import check


def cured(text: str, code: str) -> str | None:
    rules = [each for each in all_rules() if each.code == code]
    report = check([("app/a.py", text.encode())], project_of({"app/a.py": text}), Config(), rules)
    edits = [edit for each in report.findings if each.fix for edit in each.fix.edits]
    assert edits
    return apply(text, edits)


def test_a_call_over_several_lines_keeps_the_indentation_of_its_block() -> None:
    text = (
        "import requests\n\nclass A:\n\tdef f(self):\n\t\tif self:\n"
        "\t\t\treturn requests.get(\n\t\t\t\t'https://a.example',\n\t\t\t)\n"
    )
    wanted = text.replace(".example',\n", ".example',\n\t\t\t\ttimeout=10,\n")
    assert cured(text, "SEC124") == wanted


def test_a_call_on_one_line_gets_one_more_argument() -> None:
    text = "import requests\n\ndef f(url):\n    return requests.get(url, json={'a': 1})\n"
    assert cured(text, "SEC124") == text.replace("1})", "1}, timeout=10)")
