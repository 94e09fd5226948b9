"""What is asked of GitHub in GraphQL, and the form of the answers."""

from __future__ import annotations

import msgspec

_THREADS = """
reviewThreads(first: 100, after: $after) {
  pageInfo { hasNextPage endCursor }
  nodes {
    id path line isOutdated isResolved
    resolvedBy { __typename login }
    comments(first: 30) {
      totalCount
      nodes {
        fullDatabaseId viewerDidAuthor body createdAt state
        author { __typename login }
        pullRequestReview { fullDatabaseId }
        reactionGroups @include(if: $recall) { content viewerHasReacted }
      }
    }
  }
}
"""

_CONFIGURATION = """
baseRef {
  target {
    oid
    ... on Commit {
      stet: file(path: ".stet.toml") { object { ... on Blob { text } } }
      pyproject: file(path: "pyproject.toml") { object { ... on Blob { text } } }
    }
  }
}
"""

_REMARKS = """
comments(last: 100) @include(if: $recall) {
  nodes {
    fullDatabaseId viewerDidAuthor body createdAt
    author { __typename login }
    reactionGroups { content viewerHasReacted }
  }
}
"""

_REVIEWS = "reviews(last: 100) { nodes { fullDatabaseId body viewerDidAuthor } }"

PULL_REQUEST = f"""
query ($owner: String!, $name: String!, $number: Int!, $after: String, $recall: Boolean!) {{
  repository(owner: $owner, name: $name) {{
    url
    pullRequest(number: $number) {{
      title body state isDraft isCrossRepository
      headRefName headRefOid baseRefOid baseRefName
      author {{ __typename login }}
      labels(first: 50) {{ nodes {{ name }} }}
      {_CONFIGURATION}
      {_THREADS}
      {_REMARKS}
      ... on PullRequest @include(if: $recall) {{ {_REVIEWS} }}
    }}
  }}
}}
"""

THREADS = f"""
query ($owner: String!, $name: String!, $number: Int!, $after: String, $recall: Boolean!) {{
  repository(owner: $owner, name: $name) {{
    pullRequest(number: $number) {{ {_THREADS} }}
  }}
}}
"""

REVIEWS = f"""
query ($owner: String!, $name: String!, $number: Int!) {{
  repository(owner: $owner, name: $name) {{
    pullRequest(number: $number) {{ {_REVIEWS} }}
  }}
}}
"""

STATE = """
query ($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) { headRefOid state isDraft baseRefName }
  }
}
"""

RESOLVE = """
mutation ($thread: ID!) {
  resolveReviewThread(input: {threadId: $thread}) { thread { id } }
}
"""

UNRESOLVE = """
mutation ($thread: ID!) {
  unresolveReviewThread(input: {threadId: $thread}) { thread { id } }
}
"""

ADD_FILE_THREAD = """
mutation ($review: ID!, $path: String!, $body: String!) {
  addPullRequestReviewThread(
    input: {pullRequestReviewId: $review, path: $path, body: $body, subjectType: FILE}
  ) { thread { id } }
}
"""


def blobs(oids: list[str]) -> str:
    """A query for many blobs at once. `oids` are hexadecimal, checked by the caller."""
    rows = "\n".join(
        f'b{number}: object(oid: "{oid}") {{ ... on Blob {{ byteSize isBinary isTruncated text }} }}'
        for number, oid in enumerate(oids)
    )
    return (
        "query ($owner: String!, $name: String!) {\n"
        f"repository(owner: $owner, name: $name) {{\n{rows}\n}}\n}}"
    )


class Form(msgspec.Struct, rename="camel"):
    """An object as GraphQL gives it."""


class Actor(Form):
    login: str
    typename: str = msgspec.field(name="__typename", default="User")

    @property
    def rest_login(self) -> str:
        """With the `[bot]` that REST, mails and people put behind a bot's name."""
        return f"{self.login}[bot]" if self.typename == "Bot" else self.login


class ReviewId(Form):
    full_database_id: str | None = None


class ReactionGroup(Form):
    content: str
    viewer_has_reacted: bool


def acknowledged(groups: list[ReactionGroup] | None) -> bool:
    """Whether a rocket of ours is among the reactions."""
    return any(each.content == "ROCKET" and each.viewer_has_reacted for each in groups or ())


class CommentNode(Form):
    full_database_id: str
    viewer_did_author: bool
    body: str
    created_at: str
    state: str = "SUBMITTED"
    author: Actor | None = None
    pull_request_review: ReviewId | None = None
    reaction_groups: list[ReactionGroup] | None = None


class RemarkNode(Form):
    body: str
    created_at: str
    full_database_id: str | None = None
    viewer_did_author: bool = False
    author: Actor | None = None
    reaction_groups: list[ReactionGroup] | None = None


class Remarks(Form):
    nodes: list[RemarkNode]


class ReviewNode(Form):
    full_database_id: str | None
    body: str
    viewer_did_author: bool


class Reviews(Form):
    nodes: list[ReviewNode]


class WithReviews(Form):
    reviews: Reviews


class OfReviews(Form):
    pull_request: WithReviews | None = None


class ReviewsData(Form):
    repository: OfReviews | None = None


class AddedThread(Form):
    add_pull_request_review_thread: dict[str, msgspec.Raw] | None = None


class Comments(Form):
    total_count: int
    nodes: list[CommentNode]


class ThreadNode(Form):
    id: str
    path: str
    is_outdated: bool
    is_resolved: bool
    comments: Comments
    line: int | None = None
    resolved_by: Actor | None = None


class PageInfo(Form):
    has_next_page: bool
    end_cursor: str | None = None


class Threads(Form):
    page_info: PageInfo
    nodes: list[ThreadNode]


class Text(Form):
    text: str | None = None


class File(Form):
    object: Text | None = None


class Commit(Form):
    oid: str
    stet: File | None = None
    pyproject: File | None = None


class Branch(Form):
    target: Commit | None = None


class Label(Form):
    name: str


class Labels(Form):
    nodes: list[Label]


class PullRequestNode(Form):
    title: str
    body: str
    state: str
    is_draft: bool
    is_cross_repository: bool
    head_ref_name: str
    head_ref_oid: str
    base_ref_oid: str
    base_ref_name: str
    review_threads: Threads
    author: Actor | None = None
    labels: Labels | None = None
    base_ref: Branch | None = None
    comments: Remarks | None = None
    reviews: Reviews | None = None


class WithPullRequest(Form):
    url: str
    pull_request: PullRequestNode | None = None


class PullRequestData(Form):
    repository: WithPullRequest | None = None


class OnlyThreads(Form):
    review_threads: Threads


class WithThreads(Form):
    pull_request: OnlyThreads | None = None


class ThreadsData(Form):
    repository: WithThreads | None = None


class State(Form):
    head_ref_oid: str
    state: str
    is_draft: bool
    base_ref_name: str


class WithState(Form):
    pull_request: State | None = None


class StateData(Form):
    repository: WithState | None = None


class BlobNode(Form):
    byte_size: int
    is_truncated: bool
    is_binary: bool | None = None
    text: str | None = None


class BlobsData(Form):
    repository: dict[str, BlobNode | None] | None = None
