"""`stet setup`: a page, a button, and an App whose credentials nobody else can read."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, Page, expect
from service import free_port

from bot.setup.command import setup
from sandbox.server import StandIn
from worker.manifest import EVENTS, PERMISSIONS

pytestmark = pytest.mark.browser
PUBLIC = "https://stet.example.org"


class Visit:
    """`stet setup` as a process, and the address that it prints."""

    def __init__(self, github: StandIn, folder: Path, *more: str) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-P", "-m", "bot.setup.command", "--public-url", PUBLIC),
                *("--github-api-url", github.api_url, "--folder", str(folder)),
                *("--port", str(self.port), *more),
            ],
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.said = ""

    def address(self) -> str:
        assert self.process.stdout
        for line in self.process.stdout:
            self.said += line
            if found := re.search(r"http://\S+/setup\?key=\S+", line):
                return found[0]
        raise AssertionError(self.said)

    def end(self) -> tuple[int, str]:
        """Its status and everything that it said, when it has ended by itself."""
        assert self.process.stdout
        status = self.process.wait(30)
        with self.process.stdout as rest:
            return status, self.said + rest.read()


@pytest.fixture
def github() -> Iterator[StandIn]:
    with StandIn.start(app_name="Another") as one:
        yield one
        assert one.violations == []


@pytest.fixture
def visit(github: StandIn, tmp_path: Path) -> Iterator[Visit]:
    one = Visit(github, tmp_path / "stet")
    yield one
    one.process.kill()
    one.process.wait()
    assert one.process.stdout
    one.process.stdout.close()


@pytest.fixture
def page(chromium: Browser, visit: Visit) -> Iterator[Page]:
    context = chromium.new_context()
    trouble: list[str] = []
    page = context.new_page()
    page.on("console", lambda message: trouble.append(message.text))
    # Chromium reports every answer over 399 there.
    refused = "Failed to load resource"
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.goto(_patiently(visit))
    yield page
    context.close()
    assert [each for each in trouble if not each.startswith(refused)] == []


def _patiently(visit: Visit) -> str:
    """The address, when something listens there."""
    address = visit.address()
    transport = httpx.HTTPTransport(retries=8)
    with httpx.Client(transport=transport, trust_env=False) as client:
        client.get(f"http://127.0.0.1:{visit.port}/")
    return address


def _files(folder: Path) -> dict[str, str]:
    lines = (folder / "stet.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_one_button_makes_an_app_that_works(
    page: Page, visit: Visit, github: StandIn, tmp_path: Path
) -> None:
    expect(page.get_by_text("https://stet.example.org/webhooks/github")).to_be_visible()
    page.get_by_role("button").click()
    page.get_by_role("button", name="Create GitHub App").click()
    expect(page.get_by_role("heading", name="The App stet is made")).to_be_visible()
    status, said = visit.end()
    made = next(one for one in github.state.apps.values() if one.slug == "stet")
    folder = tmp_path / "stet"
    settings = _files(folder)
    assert status == 0
    assert (made.permissions, made.events) == (dict(PERMISSIONS), EVENTS)
    assert made.webhook_url == f"{PUBLIC}/webhooks/github"
    assert settings == {
        "STET_APP_ID": str(made.id),
        "STET_WEBHOOK_SECRET": made.webhook_secret,
        "STET_PRIVATE_KEY_FILE": str(folder / "private-key.pem"),
        "STET_PUBLIC_URL": PUBLIC,
        "STET_GITHUB_API_URL": github.api_url,
    }
    assert (folder / "private-key.pem").read_text() == made.private_key_pem
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())}
    assert modes == {"stet": 0o700, "private-key.pem": 0o600, "stet.env": 0o600}
    for secret in (made.webhook_secret, "PRIVATE KEY"):
        assert secret not in said + page.content()
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{visit.port}/setup", trust_env=False)


def test_another_name_can_be_chosen_on_github(page: Page, visit: Visit) -> None:
    page.get_by_role("button").click()
    page.get_by_label("GitHub App name").fill("Stet of Acme")
    page.get_by_role("button", name="Create GitHub App").click()
    expect(page.get_by_role("heading", name="The App stet-of-acme is made")).to_be_visible()
    assert visit.end()[0] == 0


@pytest.mark.fault(68)
def test_who_does_not_know_the_address_gets_nothing(
    page: Page, visit: Visit, tmp_path: Path
) -> None:
    base = f"http://127.0.0.1:{visit.port}/setup"
    key = page.url.partition("key=")[2]
    with httpx.Client(trust_env=False) as client:
        for query in ("", "?key=", "?key=guess", "?state=&code=abc", f"?state={key}&code=abc"):
            answer = client.get(base + query)
            assert answer.status_code == 404
            assert "manifest" not in answer.text
        assert client.post(base).status_code == 405
    assert not list((tmp_path / "stet").iterdir())


@pytest.mark.fault(68)
def test_a_code_that_github_refuses_leaves_the_page_open(page: Page, tmp_path: Path) -> None:
    action = page.locator("form").get_attribute("action") or ""
    state = action.partition("state=")[2]
    page.goto(f"{page.url.partition('?')[0]}?code=used-up&state={state}")
    expect(page.get_by_role("alert")).to_contain_text("GitHub refused the code (404)")
    expect(page.get_by_role("button", name="Create the App on GitHub")).to_be_visible()
    page.goto(f"{page.url.partition('?')[0]}?code=../../app&state={state}")
    expect(page.get_by_role("alert")).to_contain_text("no code")
    assert not list((tmp_path / "stet").iterdir())


def test_what_is_there_is_never_overwritten(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "stet.env").write_text("mine")
    shown = CliRunner().invoke(setup, ["--public-url", PUBLIC, "--folder", str(tmp_path)])
    assert shown.exit_code == 2
    assert "not overwritten" in shown.output
    assert (tmp_path / "stet.env").read_text() == "mine"


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--public-url", "http://stet.example.org", "plain http"),
        ("--organization", "acme/../../x", "no name of an account"),
        ("--address", "https://user:pw@stet.example.org", "no credentials"),
    ],
)
def test_an_address_that_would_not_do_is_refused(
    tmp_path: Path, option: str, value: str, words: str
) -> None:
    given = ["--public-url", PUBLIC, "--folder", str(tmp_path), option, value]
    shown = CliRunner().invoke(setup, given)
    assert shown.exit_code == 2
    assert words in shown.output
