"""A repository on the stand-in GitHub with one open pull request, for the tests of the stand-in."""

from __future__ import annotations

from dataclasses import dataclass

from githubkit import AppAuthStrategy, AppInstallationAuthStrategy, GitHub

from sandbox.server import StandIn

REPOSITORY = "acme/shop"
VIEWS = "".join(f"line {number}\n" for number in range(1, 61))

App = GitHub[AppAuthStrategy]
Installed = GitHub[AppInstallationAuthStrategy]


@dataclass(frozen=True)
class Shop:
    """A repository on the stand-in with one open pull request that changes lines 10 and 40."""

    github: StandIn
    number: int
    installation: int
    token: str
    app: App

    @property
    def head(self) -> str:
        return self.github.pull_request(REPOSITORY, self.number).head_sha

    def push(self, text: str, path: str = "app/views.py") -> str:
        return self.github.commit(REPOSITORY, "feature", {path: text})
