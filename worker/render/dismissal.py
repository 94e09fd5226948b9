"""Why a finding is not said any more, in the words that comments and check runs share."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from worker.ledger import Dismissal, Kind
from worker.pull_request import DISMISSED, OwnComment
from worker.render.text import prose

_WORDS: Mapping[Kind, str] = MappingProxyType(
    {
        "ignore": "ignored by {by}",
        "fp": "a mistake of the rule, says {by}",
        "deleted": "{by} deleted the comment",
        "gone": "its comment was deleted",
    }
)


def reason_of(dismissal: Dismissal) -> str:
    words = _WORDS[dismissal.kind].format(by=prose(dismissal.by))
    return f"{words}: {prose(dismissal.reason)}" if dismissal.reason else words


def noted_comment(comment: OwnComment, why: Dismissal | None) -> str:
    """The same words, with the dismissal below the title; None takes it back."""
    title, *rest = comment.body.split("\n")
    rest = [each for each in rest if not each.startswith(DISMISSED)]
    note = [f"{DISMISSED}{reason_of(why)}"] if why else []
    return "\n".join([title, *note, *rest])
