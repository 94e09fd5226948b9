"""GraphQL is executed on GitHub's own schema over the same state as REST."""

from __future__ import annotations

from typing import Any

import pytest
from githubkit import GitHub
from githubkit.exception import GraphQLFailed
from shop import REPOSITORY, VIEWS, Installed, Shop

from sandbox.auth import mint

THREADS = """
query($number: Int!, $after: String, $first: Int = 50) {
  repository(owner: "acme", name: "shop") {
    pullRequest(number: $number) {
      reviewThreads(first: $first, after: $after) {
        totalCount
        pageInfo { hasNextPage endCursor }
        nodes {
          id isResolved isOutdated path line originalLine
          resolvedBy { login }
          comments(first: 20) {
            nodes { databaseId body createdAt author { __typename login } }
          }
        }
      }
    }
  }
}
"""
RESOLVE = (
    "mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { thread { isResolved } } }"
)


def threads(bot: Installed, shop: Shop, **more: Any) -> dict[str, Any]:
    data = bot.graphql(THREADS, {"number": shop.number, **more})
    found: dict[str, Any] = data["repository"]["pullRequest"]["reviewThreads"]
    return found


def review(bot: Installed, shop: Shop, *lines: int) -> None:
    remarks = [{"path": "app/views.py", "line": line, "body": f"On {line}"} for line in lines]
    address = f"/repos/acme/shop/pulls/{shop.number}/reviews"
    given = {"event": "COMMENT", "body": "Words", "comments": remarks}
    bot.request("POST", address, json=given)


def kinds(failed: GraphQLFailed) -> list[Any]:
    return [one.type for one in failed.response.errors or []]


def test_threads_tell_their_place_and_their_words(bot: Installed, shop: Shop) -> None:
    review(bot, shop, 10, 40)
    first = shop.github.review_comments(REPOSITORY, shop.number)[0]["id"]
    shop.github.reply(REPOSITORY, shop.number, first, "Really?", by="alice")
    shop.github.resolve(REPOSITORY, shop.number, first, by="alice")
    shop.push("top\n" + VIEWS.replace("line 40\n", "line forty\n"))
    one, two = threads(bot, shop)["nodes"]
    assert (one["isResolved"], one["resolvedBy"], one["isOutdated"], one["line"]) == (
        True,
        {"login": "alice"},
        True,
        None,
    )
    assert [comment["body"] for comment in one["comments"]["nodes"]] == ["On 10", "Really?"]
    assert one["comments"]["nodes"][0]["author"] == {"__typename": "Bot", "login": "stet"}
    assert (two["isOutdated"], two["line"], two["originalLine"]) == (False, 41, 40)


def test_threads_are_paged(bot: Installed, shop: Shop) -> None:
    review(bot, shop, 8, 9, 10, 11, 12)
    page = threads(bot, shop, first=3)
    assert (len(page["nodes"]), page["totalCount"], page["pageInfo"]["hasNextPage"]) == (3, 5, True)
    rest = threads(bot, shop, first=3, after=page["pageInfo"]["endCursor"])
    assert [one["line"] for one in rest["nodes"]] == [11, 12]
    assert not rest["pageInfo"]["hasNextPage"]


def test_many_blobs_are_read_in_one_request(bot: Installed, shop: Shop) -> None:
    shop.github.commit(
        REPOSITORY, "feature", {"logo.png": b"\x89PNG\0\0", "latin.py": b"x = '\xe9'\n"}
    )
    tree = bot.rest.git.get_tree("acme", "shop", "feature", recursive="1").parsed_data.tree
    oids = {entry.path: entry.sha for entry in tree}
    fields = "... on Blob { oid byteSize isBinary isTruncated text }"
    body = "".join(
        f'b{i}: object(oid: "{oids[path]}") {{ {fields} }}\n'
        for i, path in enumerate(["app/old.py", "logo.png", "latin.py"])
    )
    data = bot.graphql(
        f'{{ repository(owner: "acme", name: "shop") {{ {body} '
        f'named: object(expression: "feature:app/old.py") {{ oid }} '
        'none: object(expression: "feature:nowhere.py") { oid } } }'
    )
    found = data["repository"]
    assert found["b0"]["text"] == "x = 1\ny = 2\n"
    assert (found["b1"]["isBinary"], found["b1"]["text"]) == (True, None)
    assert found["b2"]["isBinary"] is None
    assert found["named"]["oid"] == oids["app/old.py"]
    assert found["none"] is None


def test_an_app_needs_contents_write_to_resolve(bot: Installed, shop: Shop) -> None:
    review(bot, shop, 10)
    thread = threads(bot, shop)["nodes"][0]["id"]
    with pytest.raises(GraphQLFailed) as caught:
        bot.graphql(RESOLVE, {"id": thread})
    assert kinds(caught.value) == ["FORBIDDEN"]
    installation = shop.github.state.installations[shop.installation]
    installation.permissions["contents"] = "write"
    token = mint(shop.github.state, installation, {}).value
    with GitHub(token, base_url=shop.github.api_url, http_cache=False) as stronger:
        stronger.graphql(RESOLVE, {"id": thread})
    assert threads(bot, shop)["nodes"][0]["isResolved"]
    assert shop.github.deliveries[-1].name == "pull_request_review_thread.resolved"


def test_ids_are_the_same_in_rest_and_graphql(bot: Installed, shop: Shop) -> None:
    review(bot, shop, 10)
    (comment,) = shop.github.review_comments(REPOSITORY, shop.number)
    data = bot.graphql(
        "query($id: ID!) { node(id: $id) { ... on PullRequestReviewComment { databaseId } } }",
        {"id": comment["node_id"]},
    )
    assert data["node"]["databaseId"] == comment["id"]


def test_a_comment_is_folded_away(bot: Installed, shop: Shop) -> None:
    number = shop.github.comment(REPOSITORY, shop.number, "Old news", by="alice")
    (comment,) = shop.github.issue_comments(REPOSITORY, shop.number)
    data = bot.graphql(
        "mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: OUTDATED})"
        " { minimizedComment { isMinimized minimizedReason } } }",
        {"id": comment["node_id"]},
    )
    assert data["minimizeComment"]["minimizedComment"] == {
        "isMinimized": True,
        "minimizedReason": "outdated",
    }
    assert shop.github.state.issue_comments[number].minimized == "outdated"


def test_what_the_schema_does_not_know_is_an_error(bot: Installed) -> None:
    with pytest.raises(GraphQLFailed) as caught:
        bot.graphql('{ repository(owner: "acme", name: "shop") { colour } }')
    assert "Cannot query field 'colour'" in str(caught.value.response.errors)


def test_a_repository_out_of_reach_is_not_found(bot: Installed, shop: Shop) -> None:
    shop.github.create_repository("acme/vault")
    with pytest.raises(GraphQLFailed) as caught:
        bot.graphql('{ repository(owner: "acme", name: "vault") { id } }')
    assert kinds(caught.value) == ["NOT_FOUND"]


def test_a_list_needs_a_length_of_at_most_a_hundred(bot: Installed, shop: Shop) -> None:
    with pytest.raises(GraphQLFailed) as caught:
        threads(bot, shop, first=101)
    assert kinds(caught.value) == ["EXCESSIVE_PAGINATION"]


def test_the_viewer_and_the_rate_are_told(bot: Installed) -> None:
    data = bot.graphql("{ viewer { login } rateLimit { limit remaining cost } }")
    assert data["viewer"]["login"] == "stet"
    assert data["rateLimit"]["limit"] == 5000
