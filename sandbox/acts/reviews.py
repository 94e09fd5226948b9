"""Reviews and their comments: all or nothing, and only where GitHub shows the line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sandbox.acts.comments import MOST_BODY, check_body, mail
from sandbox.acts.pulls import is_part_of
from sandbox.diffs import FileDiff, Hunk, Line, Side
from sandbox.diffview import file_at, merge_base
from sandbox.entities import (
    Anchor,
    Json,
    PullRequest,
    Review,
    ReviewComment,
    ReviewState,
    Thread,
    User,
)
from sandbox.events import emit
from sandbox.refusal import Refused, invalid, not_found, unprocessable
from sandbox.shapes import comments, pulls
from sandbox.state import State

STATES: dict[str, ReviewState] = {
    "APPROVE": "APPROVED",
    "REQUEST_CHANGES": "CHANGES_REQUESTED",
    "COMMENT": "COMMENTED",
}


def create_review(
    state: State,
    pull: PullRequest,
    author: User,
    *,
    body: str = "",
    event: str | None = None,
    commit_id: str | None = None,
    given: Sequence[Json] = (),
) -> Review:
    """Post a review with its comments; one comment that cannot stand refuses the whole."""
    commit = commit_id or pull.head_sha
    if not is_part_of(pull, commit):
        raise unprocessable("commit_id is not part of the pull request")
    _check_review(state, pull, author, event, body=body, comments=bool(given))
    placed = [_place(pull, commit, one) for one in given]
    review = Review(state.new_id("review"), pull, author, body, "PENDING", commit, None)
    made = [
        _make_comment(state, review, author, one["body"], place)
        for one, place in zip(given, placed, strict=True)
    ]
    state.reviews[review.id] = review
    for one in made:
        _add(state, one)
    if event:
        submit(state, review, event, body)
    return review


def _check_review(
    state: State, pull: PullRequest, author: User, event: str | None, *, body: str, comments: bool
) -> None:
    if len(body) > MOST_BODY:
        raise unprocessable(f"Body is too long (maximum is {MOST_BODY} characters)")
    if event is None:
        own = (one for one in state.reviews_of(pull) if one.user is author)
        if any(one.state == "PENDING" for one in own):
            raise unprocessable("User can only have one pending review per pull request")
        return
    if event == "COMMENT" and not body.strip() and not comments:
        raise unprocessable("Body can't be blank")
    if event == "REQUEST_CHANGES" and not body.strip():
        raise unprocessable("Body can't be blank")
    if event in ("APPROVE", "REQUEST_CHANGES") and author is pull.user:
        verb = "approve" if event == "APPROVE" else "request changes on"
        raise unprocessable(f"Can not {verb} your own pull request")


def submit(state: State, review: Review, event: str, body: str | None = None) -> None:
    if review.state != "PENDING":
        raise unprocessable("Can not submit a review that is not pending")
    has_comments = bool(state.comments_of_review(review))
    text = review.body if body is None else body
    _check_review(state, review.pull_request, review.user, event, body=text, comments=has_comments)
    review.body, review.state, review.submitted_at = text, STATES[event], state.now()
    pull = review.pull_request
    pull.updated_at = state.now()
    if review.user in pull.reviewers:
        pull.reviewers.remove(review.user)
    mail(state, "review", review.user, pull, text)
    _tell_review(state, review, "submitted", review.user)
    for one in state.comments_of_review(review):
        _tell_comment(state, one, "created", review.user)


def add_thread(state: State, review: Review, given: Json) -> ReviewComment:
    """One more comment of a review that is not submitted yet: nobody hears of it."""
    if review.state != "PENDING":
        raise unprocessable("Can not add a thread to a review that is not pending")
    place = _place(review.pull_request, review.commit_id, given)
    one = _make_comment(state, review, review.user, given["body"], place)
    _add(state, one)
    return one


def edit_review(state: State, review: Review, sender: User, body: str) -> None:
    if len(body) > MOST_BODY:
        raise unprocessable(f"Body is too long (maximum is {MOST_BODY} characters)")
    before, review.body = review.body, body
    if review.state != "PENDING":
        _tell_review(state, review, "edited", sender, changes={"body": {"from": before}})


def delete_pending(state: State, review: Review) -> None:
    if review.state != "PENDING":
        raise unprocessable("Can not delete a non-pending pull request review")
    for one in state.comments_of_review(review):
        del state.review_comments[one.id]
        if one.in_reply_to is None:
            del state.threads[one.id]
    del state.reviews[review.id]


def dismiss(state: State, review: Review, sender: User) -> None:
    if review.state not in ("APPROVED", "CHANGES_REQUESTED"):
        raise unprocessable("Can not dismiss a commented pull request review")
    review.state = "DISMISSED"
    _tell_review(state, review, "dismissed", sender)


def create_comment(
    state: State, pull: PullRequest, author: User, commit_id: str, given: Json
) -> ReviewComment:
    """One comment by itself: GitHub wraps it into a review of its own."""
    check_body(given["body"], "PullRequestReviewComment")
    if not is_part_of(pull, commit_id):
        text = "commit_id is not part of the pull request"
        raise invalid("PullRequestReviewComment", "commit_id", text)
    try:
        place = _place(pull, commit_id, given)
    except Refused as refused:
        field = "pull_request_review_thread.line"
        raise invalid("PullRequestReviewComment", field, str(refused.errors[0])) from refused
    review = _own_review(state, pull, author, commit_id)
    one = _make_comment(state, review, author, given["body"], place)
    _add(state, one)
    mail(state, "review", author, pull, given["body"])
    _tell_comment(state, one, "created", author)
    return one


def reply(state: State, pull: PullRequest, author: User, thread: int, body: str) -> ReviewComment:
    """Answer in a thread, named by its first comment."""
    check_body(body, "PullRequestReviewComment")
    first = state.review_comments.get(thread)
    if first is None or first.pull_request is not pull:
        raise not_found()
    if first.in_reply_to is not None:
        raise invalid("PullRequestReviewComment", "in_reply_to", "is not a top-level comment")
    review = _own_review(state, pull, author, pull.head_sha)
    one = _make_comment(state, review, author, body, (first.original, first.diff_hunk))
    one.original_commit, one.original_merge_base = first.original_commit, first.original_merge_base
    one.in_reply_to = first.id
    _add(state, one)
    mail(state, "reply", author, pull, body)
    _tell_comment(state, one, "created", author)
    return one


def edit_comment(state: State, one: ReviewComment, sender: User, body: str) -> None:
    check_body(body, "PullRequestReviewComment")
    before, one.body, one.updated_at = one.body, body, state.now()
    if one.review.state != "PENDING":
        _tell_comment(state, one, "edited", sender, changes={"body": {"from": before}})


def delete_comment(state: State, one: ReviewComment, sender: User) -> None:
    del state.review_comments[one.id]
    if one.review.state != "PENDING":
        _tell_comment(state, one, "deleted", sender)


def set_resolved(state: State, thread: Thread, sender: User, *, resolved: bool) -> None:
    if (thread.resolved_by is not None) == resolved:
        return
    thread.resolved_by = sender if resolved else None
    pull = thread.pull_request
    members = next((m for t, m in state.threads_of(pull) if t is thread), [])
    emit(
        state,
        pull.repository,
        "pull_request_review_thread",
        "resolved" if resolved else "unresolved",
        sender,
        thread=comments.thread_event(state, thread.id, members),
        pull_request=pulls.simple(state, pull),
        updated_at=state.now(),
    )


# Placing


def _place(pull: PullRequest, commit: str, given: Json) -> tuple[Anchor, str]:
    """Where a comment stands and the hunk above it, or GitHub's refusal."""
    path = given["path"]
    side: Side = "LEFT" if given.get("side") == "LEFT" else "RIGHT"
    if not given["body"].strip():
        raise unprocessable("Body can't be blank")
    if len(given["body"]) > MOST_BODY:
        raise unprocessable(f"Body is too long (maximum is {MOST_BODY} characters)")
    file = file_at(pull, path, commit)
    if file is None:
        raise unprocessable("Path could not be resolved")
    if given.get("subject_type") == "file":
        return Anchor(path, None, side, None, None, None), ""
    if "line" not in given:
        return _place_by_position(file, given)
    hunk, line = file.find(given["line"], side) or _nowhere("Line could not be resolved")
    start = given.get("start_line")
    if start is None:
        return Anchor(path, given["line"], side, None, None, line.position), _hunk_text(hunk, line)
    start_side: Side = "LEFT" if given.get("start_side", side) == "LEFT" else "RIGHT"
    _check_start(hunk, line, start, start_side)
    anchor = Anchor(path, given["line"], side, start, start_side, line.position)
    return anchor, _hunk_text(hunk, line)


def _check_start(hunk: Hunk, line: Line, start: int, side: Side) -> None:
    first = hunk.line(start, side)
    if first is None:
        _nowhere("Start line must be part of the same hunk as the line")
    elif first.position >= line.position:
        _nowhere("Start line must precede the end line")


def _place_by_position(file: FileDiff, given: Json) -> tuple[Anchor, str]:
    if "position" not in given:
        _nowhere("Line could not be resolved")
    hunk, line = file.at_position(given["position"]) or _nowhere("Position is invalid")
    side: Side = "LEFT" if line.kind == "-" else "RIGHT"
    anchor = Anchor(file.path, line.number(side), side, None, None, line.position)
    return anchor, _hunk_text(hunk, line)


def _nowhere(text: str) -> tuple[Hunk, Line]:
    raise unprocessable(text)


def _hunk_text(hunk: Hunk, last: Line) -> str:
    """The hunk down to the commented line."""
    shown = [line for line in hunk.lines if line.position <= last.position]
    return "\n".join([hunk.header, *(line.kind + line.text for line in shown)])


# Keeping


def _own_review(state: State, pull: PullRequest, author: User, commit: str) -> Review:
    now = state.now()
    review = Review(state.new_id("review"), pull, author, "", "COMMENTED", commit, now)
    state.reviews[review.id] = review
    return review


def _make_comment(
    state: State, review: Review, author: User, body: str, place: tuple[Anchor, str]
) -> ReviewComment:
    now = state.now()
    return ReviewComment(
        id=state.new_id("review comment"),
        review=review,
        user=author,
        body=body,
        original=place[0],
        original_commit=review.commit_id,
        original_merge_base=merge_base(review.pull_request, review.commit_id),
        diff_hunk=place[1],
        created_at=now,
        updated_at=now,
    )


def _add(state: State, one: ReviewComment) -> None:
    state.review_comments[one.id] = one
    if one.in_reply_to is None:
        state.threads[one.id] = Thread(one.id, one.pull_request)


def _tell_review(state: State, one: Review, action: str, sender: User, **fields: Any) -> None:
    emit(
        state,
        one.pull_request.repository,
        "pull_request_review",
        action,
        sender,
        review=comments.review_event(state, one),
        pull_request=pulls.simple(state, one.pull_request),
        **fields,
    )


def _tell_comment(
    state: State, one: ReviewComment, action: str, sender: User, **fields: Any
) -> None:
    emit(
        state,
        one.pull_request.repository,
        "pull_request_review_comment",
        action,
        sender,
        comment=comments.review_comment(state, one),
        pull_request=pulls.simple(state, one.pull_request),
        **fields,
    )
