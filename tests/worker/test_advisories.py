"""One question to GitHub about all packages that come in another version."""

from __future__ import annotations

import json
from typing import Any

import pytest
from odd_server import KEY, Asked, Told, minting, odd_server

from rules.kit import Advisory, FileChange
from worker.github.advisories import fetch_advisories
from worker.github.client import App, Client


def hole(identity: str, *, withdrawn: str | None = None, patched: str | None = "2.0") -> Any:
    return {
        "severity": "HIGH",
        "vulnerableVersionRange": "< 2.0",
        "firstPatchedVersion": {"identifier": patched} if patched else None,
        "advisory": {"ghsaId": identity, "summary": "A hole", "withdrawnAt": withdrawn},
    }


def requirements(text: bytes) -> FileChange:
    return FileChange("requirements.txt", "modified", None, b"a==1\n", text)


def fetched(reply: Any, *changes: FileChange) -> tuple[tuple[Advisory, ...], list[Asked]]:
    body = json.dumps(reply).encode()
    with (
        odd_server(lambda _: Told(body=body)) as server,
        Client(App(1, "", f"{server.url}/api/v3"), KEY, minting()) as client,
    ):
        return fetch_advisories(client, changes), server.asked


def test_one_call_asks_about_every_new_version() -> None:
    reply = {"data": {"p0": {"nodes": [hole("G-1", patched=None)]}, "p1": {"nodes": [hole("G-2")]}}}
    found, asked = fetched(reply, requirements(b"a==1\nB_c==1\nd==2\n"))
    assert found == (
        Advisory("b-c", "G-1", "HIGH", "< 2.0", "", "A hole"),
        Advisory("d", "G-2", "HIGH", "< 2.0", "2.0", "A hole"),
    )
    assert len(asked) == 1


def test_a_change_without_new_versions_asks_nothing() -> None:
    code = FileChange("a.py", "modified", None, b"a", b"b")
    found, asked = fetched({}, requirements(b"# sorted\na==1\n"), code)
    assert (found, asked) == ((), [])


@pytest.mark.parametrize(
    "reply",
    [
        {"data": {"p0": {"nodes": [hole("G-1", withdrawn="2026-01-01T00:00:00Z")]}}},
        {"data": None, "errors": [{"type": "FORBIDDEN", "message": "no"}]},
    ],
)
def test_withdrawn_advisories_and_refusals_are_no_advisories(reply: Any) -> None:
    assert fetched(reply, requirements(b"b==1\n"))[0] == ()
