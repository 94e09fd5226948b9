"""Which findings went away because somebody committed our suggestion with a click. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from worker.github.change import Commit
from worker.pull_request import OwnComment

_TRAILER = "co-authored-by:"
_SINGLE = "Update "  # and the file: GitHub's words for one suggestion by itself


def accepted(
    comments: Sequence[OwnComment], commits: Sequence[Commit], heads: Mapping[str, bytes]
) -> tuple[OwnComment, ...]:
    """Those of the comments whose suggestion stands in the code now, by a commit that names us.

    GitHub names whoever made a suggestion as a co-author of its commit. `heads` are the changed
    files at the head; a file that is as on the base branch again is not among them.
    """
    return tuple(each for each in comments if _is_accepted(each, commits, heads))


def _is_accepted(
    comment: OwnComment, commits: Sequence[Commit], heads: Mapping[str, bytes]
) -> bool:
    blocks = list(_blocks(comment.body))
    since = _since(comment, commits)
    if not blocks or not any(_took(each, comment) for each in since):
        return False
    content = heads.get(comment.path)
    if content is None:
        return True
    text = content.decode("utf-8", "replace").replace("\r\n", "\n")
    return any(block in text for block in blocks)


def _since(comment: OwnComment, commits: Sequence[Commit]) -> Sequence[Commit]:
    """The commits behind the one on which the comment was made."""
    made_on = {marker.sha for marker in comment.markers}
    last = max((at for at, each in enumerate(commits) if each.sha in made_on), default=-1)
    return commits[last + 1 :]


def _took(commit: Commit, comment: OwnComment) -> bool:
    """Whether it took a suggestion of ours, and not one that its title names another file for."""
    title, *lines = commit.message.splitlines() or [""]
    author = f"{comment.author.lower()} "
    named = any(e.lower().startswith(_TRAILER) and author in e.lower() for e in lines)
    other = title.startswith(_SINGLE) and not comment.path.endswith(title.removeprefix(_SINGLE))
    return bool(comment.author) and named and not other


def _blocks(body: str) -> Iterator[str]:
    """The suggestions of a comment, as they would stand in the file."""
    fence, kept = "", list[str]()
    for line in body.splitlines():
        if not fence and line.startswith("```") and line.lstrip("`") == "suggestion":
            fence, kept = line.removesuffix("suggestion"), []
        elif fence and line == fence:
            yield "\n".join(kept)
            fence = ""
        elif fence:
            kept.append(line)
