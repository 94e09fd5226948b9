"""Threads and comments as the pages show them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from markupsafe import Markup

from sandbox.diffs import HUNK, Line, parse_hunks
from sandbox.diffview import anchor_now
from sandbox.entities import (
    Anchor,
    IssueComment,
    PullRequest,
    Reaction,
    ReviewComment,
    Thread,
    User,
)
from sandbox.pages.highlight import highlighted, highlighted_pair
from sandbox.pages.suggestions import Change, changes_of
from sandbox.state import State

SIGNS = MappingProxyType(
    {
        "+1": "👍",
        "-1": "👎",
        "laugh": "😄",
        "confused": "😕",
        "heart": "❤️",
        "hooray": "🎉",
        "rocket": "🚀",
        "eyes": "👀",
    }
)
FEWEST_LINES = 4  # shown above a comment
MOST_LINES = 30


@dataclass(frozen=True)
class ReactionView:
    sign: str
    name: str
    count: int
    people: str


@dataclass(frozen=True)
class Row:
    """A line of a diff, ready to be shown."""

    kind: str
    old: int | None
    new: int | None
    html: Markup
    newline: bool = True

    @property
    def word(self) -> str:
        return {"+": "added", "-": "removed"}.get(self.kind, "")


@dataclass(frozen=True)
class SuggestionView:
    number: int
    rows: tuple[Row, ...]
    change: Change
    can_be_applied: bool
    why_not: str


@dataclass(frozen=True)
class CommentView:
    id: int
    user: User
    body: str
    created_at: str
    edited: bool
    minimized: str | None
    reactions: tuple[ReactionView, ...]
    suggestions: tuple[SuggestionView, ...] = ()


@dataclass(frozen=True)
class ThreadView:
    id: int
    path: str
    anchor: Anchor | None  # in today's diff
    original: Anchor
    original_commit: str
    resolved_by: User | None
    comments: tuple[CommentView, ...]
    hunk: tuple[Row, ...]

    @property
    def outdated(self) -> bool:
        return self.anchor is None

    @property
    def folded(self) -> bool:
        return self.outdated or self.resolved_by is not None

    @property
    def place(self) -> str:
        """Where it stands, in words."""
        at = self.anchor or self.original
        if at.line is None:
            return "the whole file"
        side = "old " if at.side == "LEFT" else ""
        if at.start_line is not None:
            return f"{side}lines {at.start_line} to {at.line}"
        return f"{side}line {at.line}"


def threads_of(state: State, pull: PullRequest) -> list[ThreadView]:
    """All threads of the pull request; called with the lock held."""
    return [_thread(thread, members) for thread, members in state.threads_of(pull)]


def _thread(thread: Thread, members: Sequence[ReviewComment]) -> ThreadView:
    first = members[0]
    anchor = anchor_now(first)
    return ThreadView(
        id=thread.id,
        path=first.original.path,
        anchor=anchor,
        original=first.original,
        original_commit=first.original_commit,
        resolved_by=thread.resolved_by,
        comments=tuple(_review_comment(one, anchor) for one in members),
        hunk=_excerpt(first),
    )


def issue_comment(one: IssueComment) -> CommentView:
    return CommentView(
        one.id, one.user, one.body, one.created_at, one.created_at != one.updated_at,
        one.minimized, reactions(one.reactions),
    )  # fmt: skip


def _review_comment(one: ReviewComment, anchor: Anchor | None) -> CommentView:
    return CommentView(
        one.id, one.user, one.body, one.created_at, one.created_at != one.updated_at,
        one.minimized, reactions(one.reactions), _suggestions(one, anchor),
    )  # fmt: skip


def reactions(given: Iterable[Reaction]) -> tuple[ReactionView, ...]:
    every = list(given)
    counts = Counter(one.content for one in every)
    return tuple(
        ReactionView(
            SIGNS.get(content, content),
            content,
            count,
            ", ".join(one.user.login for one in every if one.content == content),
        )
        for content, count in counts.items()
    )


def _suggestions(one: ReviewComment, anchor: Anchor | None) -> tuple[SuggestionView, ...]:
    shift = 0
    if anchor and anchor.line and one.original.line:
        shift = anchor.line - one.original.line
    return tuple(
        _suggestion(number, change, one, anchor, shift)
        for number, change in enumerate(changes_of(one))
    )


def _suggestion(
    number: int, change: Change, one: ReviewComment, anchor: Anchor | None, shift: int
) -> SuggestionView:
    first, path = change.first + shift, one.original.path
    old, new = highlighted_pair(change.old, change.new, path)
    removed = (Row("-", first + at, None, html) for at, html in enumerate(old))
    added = (Row("+", None, first + at, html) for at, html in enumerate(new))
    why_not = _why_not(one, change, anchor)
    return SuggestionView(number, (*removed, *added), change, not why_not, why_not)


def _why_not(one: ReviewComment, change: Change, anchor: Anchor | None) -> str:
    pull = one.pull_request
    if anchor is None:
        return "Outdated: these lines were changed."
    if pull.state != "open":
        return "The pull request is closed."
    if pull.head_repository is None:
        return "The head repository is gone."
    return "The suggestion changes nothing." if change.changes_nothing else ""


def _excerpt(one: ReviewComment) -> tuple[Row, ...]:
    """The last lines of the hunk that the comment was written below."""
    if not HUNK.match(one.diff_hunk):
        return ()
    lines = next(parse_hunks(one.diff_hunk)).lines
    count = FEWEST_LINES
    if one.original.start_line is not None:
        side = one.original.start_side or one.original.side
        count = _lines_from(lines, one.original.start_line, side == "LEFT") or count
    shown = lines[-min(max(count, FEWEST_LINES), MOST_LINES) :]
    return rows_of(shown, one.original.path)


def _lines_from(lines: Sequence[Line], start: int, left: bool) -> int:  # noqa: FBT001 - a side
    for number, line in enumerate(lines):
        if (line.old if left else line.new) == start:
            return len(lines) - number
    return 0


def rows_of(lines: Sequence[Line], path: str) -> tuple[Row, ...]:
    """Lines of one hunk, coloured each in the version of the file that it belongs to."""
    new = iter(highlighted(tuple(one.text for one in lines if one.kind != "-"), path))
    old = iter(highlighted(tuple(one.text for one in lines if one.kind != "+"), path))
    rows = []
    for one in lines:
        before = next(old) if one.kind != "+" else None
        html = before if one.kind == "-" and before is not None else next(new)
        rows.append(Row(one.kind, one.old, one.new, html, one.newline))
    return tuple(rows)
