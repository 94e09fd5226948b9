"""Findings matched with what Stet said before on the same pull request."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rules.engine.finding import Finding, Report
from worker.hunks import Diff
from worker.pull_request import OwnComment


@dataclass(frozen=True, slots=True)
class Said:
    """A finding that a comment of ours already speaks about."""

    finding: Finding
    comment: OwnComment


class Talk:
    """Findings matched with the comments that we made before."""

    def __init__(
        self,
        said: Iterable[OwnComment],
        findings: Sequence[Finding],
        diff: Diff,
        *,
        may_resolve: bool = False,
    ) -> None:
        self._may_resolve = may_resolve
        self.open: dict[Finding, OwnComment] = {}
        self.dismissed: dict[Finding, OwnComment] = {}
        self.silent: list[OwnComment] = []
        comments = tuple(said)
        renamed = {f.before_path: f.path for f in diff.values() if f.before_path}
        by_place = {(f.fingerprint, f.path): f for f in findings}
        by_print: defaultdict[str, list[Finding]] = defaultdict(list)
        for finding in findings:
            by_print[finding.fingerprint].append(finding)
        for comment in sorted(comments, key=lambda each: each.id):
            matched = []
            for fingerprint, path in comment.places():
                found = by_place.get((fingerprint, renamed.get(path, path)))
                if found is None and path not in diff:
                    # The file was renamed since we spoke, by a commit of this pull request.
                    found = next(iter(by_print[fingerprint]), None)
                if found is not None:
                    matched.append(found)
            self._note(comment, matched)

    def _note(self, comment: OwnComment, matched: list[Finding]) -> None:
        if comment.is_resolved and comment.resolved_by:
            self.dismissed.update(dict.fromkeys(matched, comment))
        elif comment.is_resolved and not self._may_resolve:
            return  # resolved by us when it was fixed: if it is back, it is news
        elif comment.is_resolved or matched:
            for finding in matched:
                self.open.setdefault(finding, comment)
        elif not comment.is_struck:
            self.silent.append(comment)

    @property
    def answered(self) -> frozenset[Finding]:
        return frozenset((*self.open, *self.dismissed))

    @property
    def open_inline(self) -> int:
        return len({each.id for each in self.open.values() if not each.is_struck})

    def reopened(self) -> tuple[Said, ...]:
        """Comments whose threads we resolved and whose findings are back, by the first of them."""
        first: dict[int, Said] = {}
        for finding, comment in self.open.items():
            if comment.is_resolved:
                first.setdefault(comment.id, Said(finding, comment))
        return tuple(first.values())

    def stray(self) -> tuple[Said, ...]:
        """Open comments on lines that the diff does not show any more, by their first finding."""
        first: dict[int, Said] = {}
        for finding, comment in self.open.items():
            if comment.is_outdated and not (comment.is_struck or comment.is_resolved):
                first.setdefault(comment.id, Said(finding, comment))
        return tuple(first.values())

    def by_author(self, finding: Finding, author: str) -> bool:
        """Whether the one who dismissed it wrote the code: that hides it and clears nothing."""
        return self.dismissed[finding].resolved_by.lower() == author.lower()


def is_gone(comment: OwnComment, report: Report, diff: Diff) -> bool:
    """Whether the absence of its findings proves anything.

    A file that was not read this time, or a rule that broke on it, proves nothing.
    """
    unread = {skip.path for skip in report.skipped}
    broken = {(crash.path, crash.rule) for crash in report.crashes}
    renamed = {f.before_path: f.path for f in diff.values() if f.before_path}
    for marker in comment.markers:
        path = marker.path or comment.path
        path = renamed.get(path, path)
        if path in unread or {(path, marker.code), ("", marker.code)} & broken:
            return False
    return True
