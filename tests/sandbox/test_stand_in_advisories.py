"""The stand-in knows a few entries of GitHub's database of advisories."""

from __future__ import annotations

from shop import Installed

QUERY = """
query ($package: String!) {
  securityVulnerabilities(ecosystem: PIP, package: $package, first: 10) {
    nodes {
      severity vulnerableVersionRange
      firstPatchedVersion { identifier }
      advisory { ghsaId summary withdrawnAt }
    }
  }
}
"""


def test_advisories_are_found_by_package(bot: Installed) -> None:
    [found] = bot.graphql(QUERY, {"package": "requests"})["securityVulnerabilities"]["nodes"]
    assert found["vulnerableVersionRange"] == ">= 2.3.0, < 2.31.0"
    assert found["firstPatchedVersion"] == {"identifier": "2.31.0"}
    assert bot.graphql(QUERY, {"package": "left-pad"})["securityVulnerabilities"]["nodes"] == []
