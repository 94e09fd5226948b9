"""The conversation of a pull request as an issue: comments, reactions, labels."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.acts import comments as acts
from sandbox.acts.pulls import add_label, make_label, remove_label
from sandbox.call import Answer, Call, Handler
from sandbox.entities import IssueComment
from sandbox.refusal import invalid, not_found
from sandbox.shapes import comments, pulls, repositories


def get_issue(call: Call) -> Answer:
    return Answer(body=pulls.issue(call.state, call.pull()))


def _comment(call: Call) -> IssueComment:
    repository = call.repository()
    found = call.state.issue_comments.get(call.number("comment_id"))
    if found is None or found.pull_request.repository is not repository:
        raise not_found()
    return found


def _recent(call: Call, found: list[IssueComment]) -> list[IssueComment]:
    since = call.query.get("since")
    return [one for one in found if not since or one.updated_at >= since]


def list_comments(call: Call) -> Answer:
    found = _recent(call, call.state.issue_comments_of(call.pull()))
    return call.page(found, lambda one: comments.issue_comment(call.state, one))


def list_repository_comments(call: Call) -> Answer:
    repository = call.repository()
    every = call.state.issue_comments.values()
    found = [one for one in every if one.pull_request.repository is repository]
    return call.page(_recent(call, found), lambda one: comments.issue_comment(call.state, one))


def create_comment(call: Call) -> Answer:
    pull, identity = call.pull(), call.identity
    one = acts.comment(call.state, pull, call.actor(), call.body["body"], identity.app)
    shape = comments.issue_comment(call.state, one)
    return Answer(201, shape, {"Location": shape["url"]})


def get_comment(call: Call) -> Answer:
    return Answer(body=comments.issue_comment(call.state, _comment(call)))


def update_comment(call: Call) -> Answer:
    one = _comment(call)
    call.require_author(one.user, one.pull_request.repository)
    acts.edit(call.state, one, call.actor(), call.body["body"])
    return Answer(body=comments.issue_comment(call.state, one))


def delete_comment(call: Call) -> Answer:
    one = _comment(call)
    call.require_author(one.user, one.pull_request.repository)
    acts.delete(call.state, one, call.actor())
    return Answer(204)


def _list_reactions(call: Call, on: acts.Reactable) -> Answer:
    found = on.reactions
    if content := call.query.get("content"):
        found = [one for one in found if one.content == content]
    return call.page(found, lambda one: pulls.reaction(call.state, one))


def _react(call: Call, on: acts.Reactable) -> Answer:
    one, new = acts.react(call.state, on, call.actor(), call.body["content"])
    return Answer(201 if new else 200, pulls.reaction(call.state, one))


def list_comment_reactions(call: Call) -> Answer:
    return _list_reactions(call, _comment(call))


def react_to_comment(call: Call) -> Answer:
    return _react(call, _comment(call))


def delete_comment_reaction(call: Call) -> Answer:
    acts.unreact(_comment(call), call.actor(), call.number("reaction_id"))
    return Answer(204)


def list_issue_reactions(call: Call) -> Answer:
    return _list_reactions(call, call.pull())


def react_to_issue(call: Call) -> Answer:
    return _react(call, call.pull())


def list_labels(call: Call) -> Answer:
    pull = call.pull()
    names = [pull.repository.labels[name] for name in pull.labels]
    return call.page(names, lambda one: repositories.label(call.state, pull.repository, one))


def add_labels(call: Call) -> Answer:
    pull = call.pull()
    body: object = call.body
    given = body.get("labels", []) if isinstance(body, dict) else call.body
    for one in given:
        name = one["name"] if isinstance(one, dict) else one
        add_label(call.state, pull, call.actor(), name)
    return list_labels(call)


def remove_one_label(call: Call) -> Answer:
    remove_label(call.state, call.pull(), call.actor(), call.parameters["name"])
    return list_labels(call)


def create_label(call: Call) -> Answer:
    repository, given = call.repository(), call.body
    if any(name.lower() == given["name"].lower() for name in repository.labels):
        raise invalid("Label", "name", code="already_exists")
    color = given.get("color", "ededed")
    label = make_label(call.state, repository, given["name"], color, given.get("description"))
    return Answer(201, repositories.label(call.state, repository, label))


def get_label(call: Call) -> Answer:
    repository = call.repository()
    label = repository.labels.get(call.parameters["name"])
    if label is None:
        raise not_found()
    return Answer(body=repositories.label(call.state, repository, label))


HANDLERS: Mapping[str, Handler] = {
    "issues/get": get_issue,
    "issues/list-comments": list_comments,
    "issues/list-comments-for-repo": list_repository_comments,
    "issues/create-comment": create_comment,
    "issues/get-comment": get_comment,
    "issues/update-comment": update_comment,
    "issues/delete-comment": delete_comment,
    "reactions/list-for-issue-comment": list_comment_reactions,
    "reactions/create-for-issue-comment": react_to_comment,
    "reactions/delete-for-issue-comment": delete_comment_reaction,
    "reactions/list-for-issue": list_issue_reactions,
    "reactions/create-for-issue": react_to_issue,
    "issues/list-labels-on-issue": list_labels,
    "issues/add-labels": add_labels,
    "issues/remove-label": remove_one_label,
    "issues/create-label": create_label,
    "issues/get-label": get_label,
}
