"""When a change gives reason to ask a person what no rule can answer.

Each question of the checklist has its reason here; without one it is not asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rules.engine import checklist_evidence as evidence
from rules.engine.added_code import AddedCode
from rules.engine.checklist_evidence import Evidence
from rules.engine.finding import Finding
from rules.kit import FileChange

_GATES = re.compile(
    r"(^|/)(\.github/workflows/[^/]+\.ya?ml|\.gitlab-ci\.yml|\.circleci/config\.yml|Jenkinsfile"
    r"|azure-pipelines\.yml|bitbucket-pipelines\.yml|\.pre-commit-config\.yaml|tox\.ini|noxfile\.py"
    r"|\.?ruff\.toml|\.flake8|\.pylintrc|mypy\.ini|\.coveragerc|\.?codecov\.yml|\.stet\.toml"
    r"|\.importlinter|CODEOWNERS)$"
)
_TOOL_TABLE = re.compile(
    rb"\[+tool\.(?:ruff|mypy|coverage|pytest|pylint|bandit|black|isort|flake8|stet|importlinter)\b"
)


@dataclass(frozen=True)
class Reason:
    """`when` ends the sentence "Asked when the change ..."; `find` tells where it does that."""

    when: str
    find: Callable[
        [Sequence[AddedCode], Sequence[FileChange], Sequence[Finding]], Iterable[Evidence]
    ]


def evidence_for(
    files: Sequence[FileChange], findings: Sequence[Finding]
) -> Mapping[str, Evidence]:
    """The first place that gives reason to ask, by the id of the row."""
    code = [found for each in files if (found := AddedCode.of(each, evidence.may_tell)) is not None]
    first: dict[str, Evidence] = {}
    for row, reason in REASONS.items():
        why = next(iter(reason.find(code, files, findings)), None)
        if why is not None:
            first[row] = why
    return first


def _in_code(
    look: Callable[[AddedCode], Iterator[Evidence]],
) -> Callable[[Sequence[AddedCode], Sequence[FileChange], Sequence[Finding]], Iterator[Evidence]]:
    def find(
        code: Sequence[AddedCode], _files: Sequence[FileChange], _findings: Sequence[Finding]
    ) -> Iterator[Evidence]:
        for each in code:
            yield from look(each)

    return find


def _gates(
    _code: Sequence[AddedCode], files: Sequence[FileChange], _findings: Sequence[Finding]
) -> Iterator[Evidence]:
    for each in files:
        name = each.path.rpartition("/")[2]
        if _GATES.search(each.path):
            yield Evidence(each.path, 0, f"it changes `{name}`")
        elif name in ("pyproject.toml", "setup.cfg") and (line := _tool_line(each)):
            yield Evidence(each.path, line, f"it changes how `{name}` sets up a tool")


def _tool_line(change: FileChange) -> int:
    """The first changed line below the table of a tool that checks; 0 for none."""
    inside = False
    for number, line in enumerate((change.after or b"").split(b"\n"), start=1):
        if line.startswith(b"["):
            inside = _TOOL_TABLE.match(line) is not None
        if inside and number in change.added and line.strip():
            return number
    return 0


def _workflow(
    _code: Sequence[AddedCode], _files: Sequence[FileChange], findings: Sequence[Finding]
) -> Iterator[Evidence]:
    for each in findings:
        if each.category == "workflow":
            yield Evidence("", 0, f"`{each.code}` objects to how it was made")


REASONS: Mapping[str, Reason] = {
    "security.warnings-ignored": Reason(
        "silences a tool that looks for security problems", _in_code(evidence.silenced)
    ),
    "deploy.backup": Reason("stores data of a new kind", _in_code(evidence.tables)),
    "tests.integrations": Reason("calls another service", _in_code(evidence.services)),
    "logging.performance": Reason("calls another service", _in_code(evidence.services)),
    "tests.performance": Reason(
        "adds a query to code that answers requests", _in_code(evidence.queries)
    ),
    "tests.critical-paths": Reason(
        f"adds {evidence.MANY_BRANCHES} or more branches to one function",
        _in_code(evidence.branches),
    ),
    "cleanup.disk-space": Reason("writes files", _in_code(evidence.written_files)),
    "cleanup.log-retention": Reason("writes a log to a file", _in_code(evidence.log_files)),
    "logging.request-context": Reason(
        "logs in code that answers requests", _in_code(evidence.request_logs)
    ),
    "workflow.seven-steps": Reason("has a finding about how it was made", _workflow),
    "workflow.standards": Reason("changes what checks the project", _gates),
}


def asked_when(row: str) -> str:
    """When the question of a row is asked, as the end of a sentence; empty for one without."""
    return REASONS[row].when if row in REASONS else ""
