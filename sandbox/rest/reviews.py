"""Reviews and review comments."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.acts import reviews as acts
from sandbox.acts.comments import react, unreact
from sandbox.call import Answer, Call, Handler
from sandbox.entities import Review, ReviewComment
from sandbox.refusal import invalid, not_found, unprocessable
from sandbox.shapes import comments, pulls


def _review(call: Call) -> Review:
    pull = call.pull()
    found = call.state.reviews.get(call.number("review_id"))
    if found is None or found.pull_request is not pull:
        raise not_found()
    if found.state == "PENDING" and found.user is not call.identity.user:
        raise not_found()
    return found


def _answer(call: Call, review: Review) -> Answer:
    return Answer(body=comments.review(call.state, review))


def create_review(call: Call) -> Answer:
    given = call.body
    for one in given.get("comments", ()):
        if one.get("side") not in (None, "LEFT", "RIGHT"):
            raise unprocessable("side must be LEFT or RIGHT")
    review = acts.create_review(
        call.state,
        call.pull(),
        call.actor(),
        body=given.get("body") or "",
        event=given.get("event"),
        commit_id=given.get("commit_id"),
        given=given.get("comments") or [],
    )
    return _answer(call, review)


def list_reviews(call: Call) -> Answer:
    pull = call.pull()
    seen = [
        one
        for one in call.state.reviews_of(pull)
        if one.state != "PENDING" or one.user is call.identity.user
    ]
    return call.page(seen, lambda one: comments.review(call.state, one))


def get_review(call: Call) -> Answer:
    return _answer(call, _review(call))


def update_review(call: Call) -> Answer:
    review = _review(call)
    call.require_author(review.user, review.pull_request.repository)
    acts.edit_review(call.state, review, call.actor(), call.body["body"])
    return _answer(call, review)


def delete_review(call: Call) -> Answer:
    review = _review(call)
    acts.delete_pending(call.state, review)
    return Answer(body=comments.review(call.state, review))


def submit_review(call: Call) -> Answer:
    review = _review(call)
    acts.submit(call.state, review, call.body["event"], call.body.get("body"))
    return _answer(call, review)


def dismiss_review(call: Call) -> Answer:
    review = _review(call)
    if call.identity.app is None:
        call.require_role(review.pull_request.repository, "write")
    acts.dismiss(call.state, review, call.actor())
    return _answer(call, review)


def comments_of_review(call: Call) -> Answer:
    review = _review(call)
    found = call.state.comments_of_review(review)
    return call.page(found, lambda one: comments.review_comment(call.state, one))


# Comments


def _comment(call: Call) -> ReviewComment:
    repository = call.repository()
    found = call.state.review_comments.get(call.number("comment_id"))
    if found is None or found.pull_request.repository is not repository:
        raise not_found()
    if found.review.state == "PENDING" and found.user is not call.identity.user:
        raise not_found()
    return found


def _comment_answer(call: Call, one: ReviewComment, status: int = 200) -> Answer:
    shape = comments.review_comment(call.state, one)
    return Answer(status, shape, {"Location": shape["url"]} if status == 201 else {})


def _sorted(call: Call, found: list[ReviewComment]) -> list[ReviewComment]:
    if since := call.query.get("since"):
        found = [one for one in found if one.updated_at >= since]
    key = call.query.get("sort", "created")
    return sorted(
        found,
        key=lambda one: (one.updated_at if key == "updated" else one.created_at, one.id),
        reverse=call.query.get("direction") == "desc",
    )


def list_comments(call: Call) -> Answer:
    found = _sorted(call, call.state.review_comments_of(call.pull()))
    return call.page(found, lambda one: comments.review_comment(call.state, one))


def list_repository_comments(call: Call) -> Answer:
    repository = call.repository()
    every = call.state.pull_requests_of(repository)
    found = [one for pull in every for one in call.state.review_comments_of(pull)]
    return call.page(_sorted(call, found), lambda one: comments.review_comment(call.state, one))


def create_comment(call: Call) -> Answer:
    pull, given = call.pull(), call.body
    if "in_reply_to" in given:
        one = acts.reply(call.state, pull, call.actor(), given["in_reply_to"], given["body"])
        return _comment_answer(call, one, 201)
    if not {"line", "position"} & given.keys() and given.get("subject_type") != "file":
        field = "pull_request_review_thread.line"
        raise invalid("PullRequestReviewComment", field, f"{field} is missing")
    one = acts.create_comment(call.state, pull, call.actor(), given["commit_id"], given)
    return _comment_answer(call, one, 201)


def reply(call: Call) -> Answer:
    thread = call.number("comment_id")
    one = acts.reply(call.state, call.pull(), call.actor(), thread, call.body["body"])
    return _comment_answer(call, one, 201)


def get_comment(call: Call) -> Answer:
    return _comment_answer(call, _comment(call))


def update_comment(call: Call) -> Answer:
    one = _comment(call)
    call.require_author(one.user, one.pull_request.repository)
    acts.edit_comment(call.state, one, call.actor(), call.body["body"])
    return _comment_answer(call, one)


def delete_comment(call: Call) -> Answer:
    one = _comment(call)
    call.require_author(one.user, one.pull_request.repository)
    acts.delete_comment(call.state, one, call.actor())
    return Answer(204)


def list_reactions(call: Call) -> Answer:
    found = _comment(call).reactions
    if content := call.query.get("content"):
        found = [one for one in found if one.content == content]
    return call.page(found, lambda one: pulls.reaction(call.state, one))


def create_reaction(call: Call) -> Answer:
    one, new = react(call.state, _comment(call), call.actor(), call.body["content"])
    return Answer(201 if new else 200, pulls.reaction(call.state, one))


def delete_reaction(call: Call) -> Answer:
    unreact(_comment(call), call.actor(), call.number("reaction_id"))
    return Answer(204)


HANDLERS: Mapping[str, Handler] = {
    "pulls/create-review": create_review,
    "pulls/list-reviews": list_reviews,
    "pulls/get-review": get_review,
    "pulls/update-review": update_review,
    "pulls/delete-pending-review": delete_review,
    "pulls/submit-review": submit_review,
    "pulls/dismiss-review": dismiss_review,
    "pulls/list-comments-for-review": comments_of_review,
    "pulls/list-review-comments": list_comments,
    "pulls/list-review-comments-for-repo": list_repository_comments,
    "pulls/create-review-comment": create_comment,
    "pulls/create-reply-for-review-comment": reply,
    "pulls/get-review-comment": get_comment,
    "pulls/update-review-comment": update_comment,
    "pulls/delete-review-comment": delete_comment,
    "reactions/list-for-pull-request-review-comment": list_reactions,
    "reactions/create-for-pull-request-review-comment": create_reaction,
    "reactions/delete-for-pull-request-comment": delete_reaction,
}
