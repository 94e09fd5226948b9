"""What git holds arrives as GitHub would tell it: renames, binaries, limits, forks, archives."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from shop import REPOSITORY, VIEWS, Shop

from sandbox.diffs import files_between, parse_hunks
from sandbox.server import StandIn


@pytest.fixture
def client(shop: Shop) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {shop.token}"}
    with httpx.Client(
        base_url=shop.github.api_url, headers=headers, trust_env=False, timeout=20
    ) as one:
        yield one


def files(client: httpx.Client, number: int) -> dict[str, Any]:
    found: list[dict[str, Any]] = client.get(
        f"/repos/acme/shop/pulls/{number}/files", params={"per_page": 100}
    ).json()
    return {one["filename"]: one for one in found}


def test_every_kind_of_change_has_its_status(client: httpx.Client, shop: Shop) -> None:
    shop.github.commit(
        REPOSITORY, "main", {"moved.py": "".join(f"a{i}\n" for i in range(20)), "gone.py": "1\n"}
    )
    shop.github.commit(
        REPOSITORY,
        "kinds",
        {
            "gone.py": None,
            "moved.py": None,
            "pkg/moved.py": "".join(f"a{i}\n" for i in range(19)),
            "logo.png": b"\x89PNG\0\0",
            "empty.py": "",
            "new \u00fcber.py": "x = 1",
        },
        base="main",
    )
    number = shop.github.open_pull_request(REPOSITORY, head="kinds")
    found = files(client, number)
    assert {name: one["status"] for name, one in found.items()} == {
        "gone.py": "removed",
        "pkg/moved.py": "renamed",
        "logo.png": "added",
        "empty.py": "added",
        "new \u00fcber.py": "added",
    }
    assert found["pkg/moved.py"]["previous_filename"] == "moved.py"
    assert "patch" not in found["logo.png"]
    assert "patch" not in found["empty.py"]
    assert found["new \u00fcber.py"]["patch"].endswith("+x = 1\n\\ No newline at end of file")


def test_a_huge_file_is_named_without_its_patch(client: httpx.Client, shop: Shop) -> None:
    shop.github.commit(REPOSITORY, "huge", {"data.py": "x = 1\n" * 20_001}, base="main")
    number = shop.github.open_pull_request(REPOSITORY, head="huge")
    one = files(client, number)["data.py"]
    assert "patch" not in one
    assert one["changes"] == 0
    as_text = {"Accept": "application/vnd.github.diff"}
    refused = client.get(f"/repos/acme/shop/pulls/{number}", headers=as_text)
    assert refused.status_code == 406


def test_many_files_come_by_the_hundred(client: httpx.Client, shop: Shop) -> None:
    many = {f"m{number:03}.py": "x = 1\n" for number in range(120)}
    shop.github.commit(REPOSITORY, "many", many, base="main")
    number = shop.github.open_pull_request(REPOSITORY, head="many")
    first = client.get(f"/repos/acme/shop/pulls/{number}/files", params={"per_page": 100})
    assert len(first.json()) == 100
    second = client.get(first.links["next"]["url"])
    assert len(second.json()) == 20
    assert first.links["last"]["url"] == first.links["next"]["url"]
    assert "next" not in second.links


def test_the_diff_is_git_s_own(client: httpx.Client, shop: Shop) -> None:
    as_text = {"Accept": "application/vnd.github.diff"}
    text = client.get(f"/repos/acme/shop/pulls/{shop.number}", headers=as_text).text
    assert text.startswith("diff --git a/app/views.py b/app/views.py")


def test_a_tarball_comes_from_another_address_with_a_ticket(
    client: httpx.Client, shop: Shop
) -> None:
    sent = client.get("/repos/acme/shop/tarball/feature")
    assert sent.status_code == 302
    with tarfile.open(
        fileobj=io.BytesIO(httpx.get(sent.headers["location"], trust_env=False).content)
    ) as tar:
        names = tar.getnames()
    assert f"acme-shop-{shop.head[:7]}/app/views.py" in names
    bare = sent.headers["location"].partition("?")[0]
    assert httpx.get(bare, trust_env=False).status_code == 404


def test_the_head_of_a_pull_request_is_a_ref_of_the_base(client: httpx.Client, shop: Shop) -> None:
    ref = client.get(f"/repos/acme/shop/git/ref/pull/{shop.number}/head").json()
    assert ref["object"]["sha"] == shop.head
    merge = client.get(f"/repos/acme/shop/git/ref/pull/{shop.number}/merge").json()
    commit = client.get(f"/repos/acme/shop/git/commits/{merge['object']['sha']}").json()
    assert [parent["sha"] for parent in commit["parents"]][1] == shop.head


def test_a_deleted_fork_is_still_read_through_the_base(client: httpx.Client, shop: Shop) -> None:
    github = shop.github
    fork = github.fork(REPOSITORY, "mallory")
    sha = github.commit(fork, "patch", {"c.py": "c = 1\n"}, by="mallory")
    number = github.open_pull_request(REPOSITORY, head="mallory:patch", by="mallory")
    before = client.get(f"/repos/acme/shop/pulls/{number}").json()
    assert before["head"]["repo"]["full_name"] == "mallory/shop"
    newer = github.commit(fork, "patch", {"c.py": "c = 2\n"}, by="mallory")
    github.delete_repository(fork)
    pull = client.get(f"/repos/acme/shop/pulls/{number}").json()
    assert (pull["head"]["repo"], pull["head"]["sha"]) == (None, newer)
    assert sha != newer
    content = client.get(
        "/repos/acme/shop/contents/c.py", params={"ref": f"refs/pull/{number}/head"}
    )
    assert content.json()["encoding"] == "base64"
    assert files(client, number)["c.py"]["additions"] == 1
    assert client.get("/repos/mallory/shop").status_code == 404


def test_check_runs_of_a_fork_name_no_pull_request(shop: Shop) -> None:
    fork = shop.github.fork(REPOSITORY, "mallory")
    shop.github.commit(fork, "patch", {"c.py": "c = 1\n"}, by="mallory")
    shop.github.open_pull_request(REPOSITORY, head="mallory:patch", by="mallory")
    asked = [one for one in shop.github.deliveries if one.name == "check_suite.requested"]
    assert asked[-1].payload["check_suite"]["pull_requests"] == []


def test_a_force_push_and_a_deleted_branch_are_told(shop: Shop) -> None:
    github = shop.github
    before = shop.head
    after = github.push(REPOSITORY, "feature", revision=github.commit(
        REPOSITORY, "rewritten", {"z.py": "z = 1\n"}, base="main"
    ))  # fmt: skip
    moved = next(one for one in reversed(github.deliveries) if one.name.endswith("synchronize"))
    assert (moved.payload["before"], moved.payload["after"]) == (before, after)
    github.delete_branch(REPOSITORY, "feature")
    assert github.deliveries[-1].name == "pull_request.closed"


def test_a_merge_by_hand_closes_the_pull_request(client: httpx.Client, shop: Shop) -> None:
    shop.github.push(REPOSITORY, "main", revision="feature")
    pull = client.get(f"/repos/acme/shop/pulls/{shop.number}").json()
    assert (pull["state"], pull["merged"]) == ("closed", True)


@pytest.mark.parametrize(
    ("head", "base", "says"),
    [
        ("main", "main", "No commits between main and main"),
        ("nowhere", "main", "head"),
        ("feature", "nowhere", "base"),
        ("feature", "main", "A pull request already exists for acme:feature."),
    ],
)
def test_a_pull_request_that_makes_no_sense_is_refused(
    client: httpx.Client, head: str, base: str, says: str
) -> None:
    given = {"title": "t", "head": head, "base": base}
    answer = client.post("/repos/acme/shop/pulls", json=given)
    assert answer.status_code == 422
    assert says in answer.text


def test_positions_count_through_all_hunks_of_a_file(github: StandIn) -> None:
    number = github.create_repository(REPOSITORY)
    git = github.state.repositories[number].git
    one = git.write_tree(None, [("100644", "a.py", git.write_blob(VIEWS.encode()))])
    text = VIEWS.replace("line 10\n", "line ten\n").replace("line 40\n", "")
    two = git.write_tree(None, [("100644", "a.py", git.write_blob(text.encode()))])
    (file,) = files_between(git, one, two)
    first, second = file.hunks
    assert [line.position for line in first.lines] == list(range(1, 9))
    assert second.lines[0].position == 10
    assert file.find(10, "RIGHT") == (first, first.lines[4])
    assert file.find(40, "LEFT") == (second, second.lines[3])
    assert file.find(40, "RIGHT") == (second, second.lines[4])
    assert file.find(25, "RIGHT") is None


def test_lines_that_look_like_headers_stay_lines() -> None:
    (hunk,) = parse_hunks("@@ -1,2 +1,2 @@\n--- a\n+++ b\n diff --git a b")
    assert [(line.kind, line.text) for line in hunk.lines] == [
        ("-", "-- a"),
        ("+", "++ b"),
        (" ", "diff --git a b"),
    ]


def test_a_local_repository_is_read_and_never_written(github: StandIn, tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        who = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
        done = subprocess.run(
            ["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        return done.stdout

    git("init", "--quiet", "-b", "trunk")
    (tmp_path / "a.py").write_text("a = 1\n")
    git("add", ".")
    git("commit", "-q", "-m", "First")
    git("branch", "topic")
    before = sorted(path for path in tmp_path.rglob("*"))
    github.create_repository("acme/local", tmp_path)
    assert sorted(path for path in tmp_path.rglob("*")) == before
    one = github.state.repository("acme", "local")
    assert one is not None
    assert one.default_branch == "trunk"
    assert set(one.git.branches()) == {"trunk", "topic"}


def test_names_and_types_that_only_git_allows_survive(client: httpx.Client, shop: Shop) -> None:
    strange = ["tab\there.py", "line\nbreak.py", 'quote".py', "-dash.py", "a/@@ -1 +1 @@.py"]
    shop.github.commit(REPOSITORY, "strange", dict.fromkeys(strange, "x = 1\n"), base="main")
    one = shop.github.state.repository("acme", "shop")
    assert one is not None
    git = one.git
    tip = git.branches()["strange"]
    link = git.write_blob(b"/etc/passwd")
    changes = [("120000", "app/old.py", link), ("160000", "vendored", "1" * 40)]
    tree = git.write_tree(git.commit(tip).tree, changes)
    author = git.commit(tip).author
    shop.github.push(
        REPOSITORY, "strange", revision=git.write_commit(tree, [tip], "More", author, author)
    )
    number = shop.github.open_pull_request(REPOSITORY, head="strange")
    found = files(client, number)
    assert set(found) == {*strange, "app/old.py", "vendored"}
    assert {found[name]["patch"] for name in strange} == {"@@ -0,0 +1 @@\n+x = 1"}
    assert found["app/old.py"]["status"] == "changed"
    assert "Subproject commit" in found["vendored"]["patch"]
    folder = client.get("/repos/acme/shop/contents", params={"ref": "strange"}).json()
    assert {one["name"]: one["type"] for one in folder}["vendored"] == "submodule"


def test_a_shallow_clone_can_be_served(github: StandIn, tmp_path: Path) -> None:
    github.create_repository("acme/deep")
    github.commit("acme/deep", "main", {"a.py": "1\n"})
    origin = f"file://{github.git_path('acme/deep')}"
    command = ["git", "clone", "--quiet", "--depth=1", origin, str(tmp_path / "shallow")]
    subprocess.run(command, check=True)
    github.create_repository("acme/shallow", tmp_path / "shallow")
    github.commit("acme/shallow", "topic", {"a.py": "2\n"}, base="main")
    assert github.open_pull_request("acme/shallow", head="topic") == 1
