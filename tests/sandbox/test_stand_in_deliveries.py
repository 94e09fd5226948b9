"""Deliveries: signed, described, accepted by githubkit's parser, logged and repeated."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from github.PullRequest import PullRequest
from githubkit import webhooks
from shop import REPOSITORY, Installed, Shop


@dataclass
class Receiver:
    """A door that answers as it is told and remembers what came."""

    url: str = ""
    status: int = 202
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        return [
            f"{headers['x-github-event']}.{json.loads(body).get('action')}"
            for headers, body in self.got
        ]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            one.got.append(({key.lower(): text for key, text in self.headers.items()}, body))
            self.send_response(one.status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_given: object) -> None:
            """Nothing on the terminal."""

    with HTTPServer(("127.0.0.1", 0), Door) as server:
        one.url = f"http://127.0.0.1:{server.server_port}/webhooks"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield one
        server.shutdown()
        thread.join()


@pytest.fixture
def listening(shop: Shop, receiver: Receiver) -> Shop:
    assert shop.github.wait_until_delivered()
    shop.github.set_webhook(receiver.url, ping=False)
    return shop


def test_the_signature_is_over_the_bytes_that_were_sent(
    listening: Shop, receiver: Receiver
) -> None:
    listening.github.comment(REPOSITORY, listening.number, "Grüße 👋", by="alice")
    assert listening.github.wait_until_delivered()
    ((headers, body),) = receiver.got
    secret = listening.github.webhook_secret.encode()
    expected = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
    assert headers["x-hub-signature-256"] == expected
    assert headers["x-github-event"] == "issue_comment"
    assert headers["user-agent"].startswith("GitHub-Hookshot/")
    assert headers["x-github-hook-installation-target-id"] == str(listening.github.app_id)
    assert json.loads(body)["comment"]["body"] == "Grüße 👋"


def test_a_redelivery_is_a_new_attempt_of_the_same_event(
    listening: Shop, receiver: Receiver
) -> None:
    receiver.status = 503
    listening.push("changed\n")
    assert listening.github.wait_until_delivered()
    with listening.app as app:
        failed = app.rest.apps.list_webhook_deliveries(status="failure").parsed_data
        assert {one.status_code for one in failed} == {503}
        receiver.status = 202
        app.rest.apps.redeliver_webhook_delivery(failed[0].id)
        assert listening.github.wait_until_delivered()
        newest = app.rest.apps.list_webhook_deliveries(per_page=1).parsed_data[0]
        told = app.rest.apps.get_webhook_delivery(newest.id).parsed_data
    assert (newest.guid, newest.redelivery, newest.status) == (failed[0].guid, True, "OK")
    assert told.response.payload == "ok"
    assert receiver.got[-1][0]["x-github-delivery"] == failed[0].guid


def test_deliveries_are_paged_by_a_cursor(listening: Shop) -> None:
    for number in range(5):
        listening.github.comment(REPOSITORY, listening.number, f"{number}", by="alice")
    assert listening.github.wait_until_delivered()
    with listening.app as app:
        first = app.rest.apps.list_webhook_deliveries(per_page=3)
        cursor = first.headers["link"].partition("cursor=")[2].partition(">")[0]
        second = app.rest.apps.list_webhook_deliveries(per_page=3, cursor=cursor)
    ids = [one.id for one in (*first.parsed_data, *second.parsed_data)]
    assert len(ids) == 5
    assert ids == sorted(ids, reverse=True)


def test_a_ping_comes_when_the_address_is_set(shop: Shop, receiver: Receiver) -> None:
    shop.github.set_webhook(receiver.url)
    assert shop.github.wait_until_delivered()
    assert receiver.names == ["ping.None"]


def test_deliveries_are_lost_doubled_and_reordered_on_demand(
    listening: Shop, receiver: Receiver
) -> None:
    github, number = listening.github, listening.number
    github.faults.add_delivery("lost", event=r"issue_comment\.created")
    github.comment(REPOSITORY, number, "never seen", by="alice")
    github.faults.add_delivery("doubled", event=r"issue_comment\.created")
    github.comment(REPOSITORY, number, "seen twice", by="alice")
    github.faults.add_delivery("held", event=r"pull_request\.closed")
    github.close(REPOSITORY, number)
    github.reopen(REPOSITORY, number)
    assert github.wait_until_delivered()
    assert receiver.names == [
        "issue_comment.created",
        "issue_comment.created",
        "pull_request.reopened",
        "pull_request.closed",
    ]
    assert receiver.got[0][0]["x-github-delivery"] == receiver.got[1][0]["x-github-delivery"]


def test_an_app_hears_only_of_what_it_was_installed_on(shop: Shop) -> None:
    shop.github.create_repository("acme/other")
    before = len(shop.github.deliveries)
    shop.github.commit("acme/other", "topic", {"a.py": "1\n"})
    shop.github.open_pull_request("acme/other", head="topic")
    shop.github.suspend(shop.installation)
    shop.push("changed\n")
    assert [one.name for one in shop.github.deliveries[before:]] == ["installation.suspend"]


def test_every_event_is_described_and_parsed_by_githubkit(
    shop: Shop, bot: Installed, human: PullRequest
) -> None:
    github, number = shop.github, shop.number
    tell_everything(shop, bot, human)
    github.fork(REPOSITORY, "mallory")
    github.commit("mallory/shop", "patch", {"c.py": "1\n"}, base="main", by="mallory")
    github.open_pull_request(REPOSITORY, head="mallory:patch", by="mallory")
    github.delete_repository("mallory/shop")
    github.add_label(REPOSITORY, number + 1, "late")
    names = {one.name for one in github.deliveries}
    assert names >= EXPECTED
    for one in github.deliveries:
        if one.name == "pull_request.labeled" and one.payload["number"] == number + 1:
            continue  # githubkit does not know that a deleted fork is null
        webhooks.parse(one.event, json.dumps(one.payload))


EXPECTED = {
    "ping",
    "push",
    "installation.created",
    "installation.suspend",
    "installation.unsuspend",
    "installation_repositories.added",
    "installation_repositories.removed",
    "installation.deleted",
    "issue_comment.created",
    "issue_comment.edited",
    "issue_comment.deleted",
    "pull_request.opened",
    "pull_request.synchronize",
    "pull_request.converted_to_draft",
    "pull_request.ready_for_review",
    "pull_request.edited",
    "pull_request.labeled",
    "pull_request.unlabeled",
    "pull_request.review_requested",
    "pull_request.closed",
    "pull_request.reopened",
    "pull_request_review.submitted",
    "pull_request_review.edited",
    "pull_request_review.dismissed",
    "pull_request_review_comment.created",
    "pull_request_review_comment.edited",
    "pull_request_review_comment.deleted",
    "pull_request_review_thread.resolved",
    "pull_request_review_thread.unresolved",
    "check_run.created",
    "check_run.completed",
    "check_run.rerequested",
    "check_run.requested_action",
    "check_suite.requested",
    "check_suite.rerequested",
}


def tell_everything(shop: Shop, bot: Installed, human: PullRequest) -> None:
    """Do everything once that an App may be told of."""
    github, number = shop.github, shop.number
    github.app.events = (*github.app.events, "push")
    comment = human.create_issue_comment("One")
    comment.edit("Two")
    comment.delete()
    address = f"/repos/acme/shop/pulls/{number}"
    remark = {"path": "app/views.py", "line": 10, "body": "Look"}
    given = {"event": "COMMENT", "body": "Words", "comments": [remark]}
    review = bot.request("POST", f"{address}/reviews", json=given).json()
    bot.request("PUT", f"{address}/reviews/{review['id']}", json={"body": "Other words"})
    (first,) = github.review_comments(REPOSITORY, number)
    bot.rest.pulls.update_review_comment("acme", "shop", first["id"], body="Reworded")
    github.reply(REPOSITORY, number, first["id"], "Why?", by="alice")
    github.resolve(REPOSITORY, number, first["id"], by="alice")
    github.unresolve(REPOSITORY, number, first["id"], by="alice")
    approval = bot.request("POST", f"{address}/reviews", json={"event": "APPROVE"}).json()
    dismissal = {"message": "No", "event": "DISMISS"}
    bot.request("PUT", f"{address}/reviews/{approval['id']}/dismissals", json=dismissal)
    shop.push("changed\n")
    bot.rest.pulls.delete_review_comment("acme", "shop", first["id"])
    button = {"label": "Again", "description": "Look again", "identifier": "again"}
    body = {"name": "Stet", "head_sha": shop.head, "conclusion": "failure", "actions": [button]}
    run = bot.request("POST", "/repos/acme/shop/check-runs", json=body).json()
    github.request_action(REPOSITORY, run["id"], "again")
    github.rerequest_check(REPOSITORY, run["id"])
    github.rerequest_suite(REPOSITORY, "feature")
    github.convert_to_draft(REPOSITORY, number)
    github.ready_for_review(REPOSITORY, number)
    github.commit(REPOSITORY, "release", {"d.py": "1\n"}, base="main")
    github.retarget(REPOSITORY, number, base="release")
    github.add_label(REPOSITORY, number, "stet:skip")
    github.remove_label(REPOSITORY, number, "stet:skip")
    github.set_permission(REPOSITORY, "bob", "write")
    human.create_review_request(reviewers=["bob"])
    github.close(REPOSITORY, number)
    github.reopen(REPOSITORY, number)
    github.set_webhook("http://127.0.0.1:9/nowhere")
    github.set_webhook(None)
    github.create_repository("acme/second")
    github.change_repositories(shop.installation, add=["acme/second"])
    github.change_repositories(shop.installation, remove=["acme/second"])
    github.suspend(shop.installation)
    github.unsuspend(shop.installation)
    other = github.install([REPOSITORY], permissions={"contents": "read"})
    github.uninstall(other)


def test_an_unanswering_door_is_logged_as_a_failure(shop: Shop) -> None:
    shop.github.set_webhook("http://127.0.0.1:9/nowhere")
    assert shop.github.wait_until_delivered()
    last = shop.github.deliveries[-1]
    assert (last.status, last.status_code) == ("failed to connect to host", 0)
