"""Findings, pull requests and threads, made short for tests."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from rules.engine.finding import Finding, Report, TextEdit, VerifiedFix
from rules.kit import Confidence, Severity, Span
from worker.hunks import DiffFile
from worker.pull_request import Comment, Marker, PullRequest, Thread
from worker.request import PullRequestKey

HEAD = "abc1234def5678900000abc1234def5678900000"
EARLIER = "1111111def5678900000abc1234def5678900000"


def finding(
    code: str = "FWK114", path: str = "orders/api.py", line: int = 88, **more: Any
) -> Finding:
    given: dict[str, Any] = {
        "code": code,
        "name": "blocking-call-in-async",
        "category": "framework",
        "severity": Severity.ERROR,
        "confidence": Confidence.PROVEN,
        "path": path,
        "span": Span(line, 5, line, 30),
        "message": "`requests.get` blocks the event loop: every request on this worker waits.",
        "fingerprint": blake2b(f"{code} {path} {line}".encode(), digest_size=12).hexdigest(),
        "url": "https://example.org/rules/framework/blocking-call-in-async/",
        "summary": "A blocking call stands in an async function.",
        "scope": "create_order",
    }
    return Finding(**{**given, **more})


def replacing(path: str, span: Span, text: str, *, safe: bool = False) -> VerifiedFix:
    return VerifiedFix(safe=safe, edits=(TextEdit(path, span, text),))


def diff_file(path: str = "orders/api.py", lines: int = 200, **more: Any) -> DiffFile:
    """A file of numbered lines that the diff shows whole."""
    text = "".join(f"line {number}\n" for number in range(1, lines + 1))
    given: dict[str, Any] = {
        "path": path,
        "status": "modified",
        "patch": f"@@ -1,{lines} +1,{lines} @@\n",
        "after": text.encode(),
    }
    return DiffFile(**{**given, **more})


def pull_request(*threads: Thread, **more: Any) -> PullRequest:
    given: dict[str, Any] = {
        "key": PullRequestKey(1, 2, "acme", "shop", 7),
        "title": "Add orders",
        "body": "",
        "author": "alice",
        "state": "open",
        "is_draft": False,
        "head": HEAD,
        "base": "b" * 40,
        "merge_base": "c" * 40,
        "base_branch": "main",
        "web_url": "https://github.com/acme/shop",
        "threads": threads,
    }
    return PullRequest(**{**given, **more})


def marker(each: Finding, **more: Any) -> Marker:
    return Marker(each.fingerprint, each.code, each.rule_version, EARLIER, **more)


def thread(*about: Finding, id: int = 1, **more: Any) -> Thread:  # noqa: A002
    """A thread that Stet opened about these findings."""
    body = "\n".join(
        [
            f"**{about[0].summary}** · `{about[0].code}` · {about[0].severity.value}",
            *(str(marker(f, path="" if f.path == about[0].path else f.path)) for f in about),
        ]
    )
    given: dict[str, Any] = {
        "id": f"T{id}",
        "path": about[0].path,
        "line": about[0].span.line,
        "is_outdated": False,
        "is_resolved": False,
        "resolved_by": "",
        "comments": (Comment(id, "stet[bot]", by_us=True, body=body, review_id=900),),
    }
    return Thread(**{**given, **more})


def report(*findings: Finding, **more: Any) -> Report:
    return Report(findings=findings, **{"files": 3, "rules": 18, **more})
