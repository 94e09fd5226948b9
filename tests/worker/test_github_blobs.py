"""Contents by hash: whatever GitHub or an archive says, what comes out fits its name."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from odd_server import KEY, Asked, Told, minting, odd_server

from worker.github.blobs import ARCHIVE_FROM, GitHubBlobs, oid_of
from worker.github.client import App, Client

COMMIT = "c" * 40


@contextmanager
def client_for(
    contents: dict[str, bytes], archive: bytes = b""
) -> Iterator[tuple[Client, list[Asked]]]:
    """A GitHub that has these blobs, and gives this archive for any commit."""

    def rule(asked: Asked) -> Told:
        if "/tarball/" in asked.path:
            return Told(302, headers={"Location": "/tar.gz/x"})
        if "/tar.gz/" in asked.path:
            return Told(body=archive)
        nodes = {}
        for name, sha in re.findall(r'(b\d+): object\(oid: \\?"([0-9a-f]+)', asked.body.decode()):
            data = contents.get(sha)
            text = None if data is None else data.decode("utf-8", "replace")
            nodes[name] = data and {
                "byteSize": len(data), "isBinary": b"\0" in data, "isTruncated": False, "text": text,
            }  # fmt: skip
        return Told(body=json.dumps({"data": {"repository": nodes}}).encode())

    with odd_server(rule) as server:
        app = App(1, "", f"{server.url}/api/v3")
        with Client(app, KEY, minting(), sleep=lambda _: None) as client:
            yield client, server.asked


def named(*contents: bytes) -> dict[str, bytes]:
    return {oid_of(each, COMMIT): each for each in contents}


def packed(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for member, data in members:
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def test_names_are_gits_own() -> None:
    assert oid_of(b"", COMMIT) == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert oid_of(b"", "0" * 64).startswith(
        "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a3037218"
    )


def test_many_blobs_come_in_one_call_and_once() -> None:
    blobs = named(*(b"x = %d\n" % n for n in range(200)))
    with client_for(blobs) as (client, asked):
        reader = GitHubBlobs(client, {}, COMMIT)

        assert reader.read(blobs) == blobs
        assert reader.read(blobs) == blobs

    assert len(asked) == 1


def test_what_is_too_big_binary_or_missing_is_absent_with_its_reason() -> None:
    picture, here = named(b"\x89PNG\0"), named(b"x = 1\n")
    big, gone, odd = "1" * 40, "2" * 40, "../../etc"
    with client_for({**picture, **here}) as (client, _asked):
        reader = GitHubBlobs(client, {big: 2_000_000}, COMMIT)
        found = reader.read([*picture, *here, big, gone, odd])

    assert found == here
    assert reader.reason(next(iter(picture))) == "not text"
    assert reader.reason(big) == "larger than 1 MB"
    assert reader.reason(gone) == "GitHub does not have its content"


def test_content_that_does_not_fit_its_name_is_not_believed() -> None:
    with client_for({"3" * 40: b"something else"}) as (client, asked):
        assert GitHubBlobs(client, {}, COMMIT).read(["3" * 40]) == {}

    assert asked[-1].path.endswith("/git/blobs/" + "3" * 40), "asked once more, as bytes"


@pytest.mark.fault(63)
def test_a_hostile_archive_gives_only_what_fits_and_writes_nothing() -> None:
    good = [b"x = %d\n" % n for n in range(ARCHIVE_FROM + 1)]
    blobs = named(*good)
    up, link = tarfile.TarInfo("../../up.py"), tarfile.TarInfo("link.py")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    members = [(tarfile.TarInfo(f"shop/{n}.py"), data) for n, data in enumerate(good)]
    archive = packed(
        (up, b"evil"), (link, b""), (tarfile.TarInfo("big"), bytes(3_000_000)), *members
    )
    with client_for({}, archive) as (client, asked):
        assert GitHubBlobs(client, {}, COMMIT).read(blobs) == blobs

    assert len(asked) == 2


def test_what_a_broken_archive_lacks_is_read_otherwise() -> None:
    blobs = named(*(b"x = %d\n" % n for n in range(ARCHIVE_FROM + 1)))
    with client_for(blobs, b"not an archive") as (client, asked):
        assert GitHubBlobs(client, {}, COMMIT).read(blobs) == blobs

    assert len(asked) == 4
