"""Comments in the conversation, and reactions."""

from __future__ import annotations

from typing import Any

from sandbox.entities import (
    App,
    IssueComment,
    Json,
    Mail,
    PullRequest,
    Reaction,
    ReviewComment,
    User,
)
from sandbox.events import emit
from sandbox.refusal import Refused, invalid, unprocessable
from sandbox.shapes import comments, pulls
from sandbox.state import State

MOST_BODY = 65_536


def check_body(body: str, resource: str) -> None:
    if not body.strip():
        raise invalid(resource, "body", "body cannot be blank")
    if len(body) > MOST_BODY:
        text = f"body is too long (maximum is {MOST_BODY} characters)"
        raise invalid(resource, "body", text)


def mail(state: State, kind: str, author: User, pull: PullRequest, text: str) -> None:
    if kind not in ("review", "comment", "reply"):
        raise ValueError(f"nobody is mailed for {kind}")
    repository = pull.repository.full_name
    state.mails.append(Mail(kind, author.login, repository, pull.number, text))  # type: ignore[arg-type] # checked above


def comment(
    state: State, pull: PullRequest, author: User, body: str, app: App | None = None
) -> IssueComment:
    check_body(body, "IssueComment")
    now = state.now()
    one = IssueComment(state.new_id("comment"), pull, author, body, now, now, app)
    state.issue_comments[one.id] = one
    pull.updated_at = now
    mail(state, "comment", author, pull, body)
    _tell(state, one, "created", author)
    return one


def edit(state: State, one: IssueComment, sender: User, body: str) -> None:
    check_body(body, "IssueComment")
    before, one.body, one.updated_at = one.body, body, state.now()
    _tell(state, one, "edited", sender, changes={"body": {"from": before}})


def delete(state: State, one: IssueComment, sender: User) -> None:
    del state.issue_comments[one.id]
    _tell(state, one, "deleted", sender)


def _tell(state: State, one: IssueComment, action: str, sender: User, **fields: Any) -> None:
    emit(
        state,
        one.pull_request.repository,
        "issue_comment",
        action,
        sender,
        issue=pulls.issue(state, one.pull_request),
        comment=comments.issue_comment(state, one),
        **fields,
    )


Reactable = IssueComment | ReviewComment | PullRequest


def react(state: State, on: Reactable, who: User, content: str) -> tuple[Reaction, bool]:
    """The reaction, and whether it is new: the same one again changes nothing."""
    for known in on.reactions:
        if known.user is who and known.content == content:
            return known, False
    one = Reaction(state.new_id("reaction"), who, content, state.now())
    on.reactions.append(one)
    return one, True


def unreact(on: Reactable, who: User, number: int) -> None:
    found = next((one for one in on.reactions if one.id == number), None)
    if found is None:
        raise Refused(404, "Not Found")
    if found.user is not who:
        raise Refused(403, "Must be the reaction's author")
    on.reactions.remove(found)


def minimize(one: IssueComment | ReviewComment, classifier: str | None) -> Json:
    """Fold a comment away under a reason; None unfolds it."""
    if classifier == "":
        raise unprocessable("classifier cannot be blank")
    one.minimized = classifier.lower() if classifier else None
    return {"isMinimized": one.minimized is not None, "minimizedReason": one.minimized}
