"""Configuration in layers: the organisation's, the repository's, and that of folders."""

from __future__ import annotations

import pytest

from rules.engine.config import Config, ConfigError
from rules.engine.discover import find_rule
from rules.engine.layers import layered, with_folders
from rules.engine.scope import PathFilter

ORG = b"""
[review]
max_inline = 5
exclude = ["vendor/**"]
extend_exclude = ["gen/**"]
[rules]
ignore = ["QLT101"]
[rules.severity]
SEC124 = "error"
"""


def test_the_repository_has_the_last_word_key_by_key() -> None:
    own = b'[review]\nexclude = ["old/**"]\nextend_exclude = ["tmp/**"]\n[rules.severity]\nERR101 = "notice"\n'

    found = layered(ORG, own, None)

    assert found.layers == ("stet.toml", ".stet.toml")
    assert found.config.review.max_inline == 5
    assert found.config.review.exclude == ("old/**",)
    assert found.config.review.extend_exclude == ("gen/**", "tmp/**")
    assert found.config.rules.severity == {"SEC124": "error", "ERR101": "notice"}
    assert found.config.rules.ignore == ("QLT101",)


def test_a_repository_that_wants_nothing_of_the_organisation_gets_nothing() -> None:
    found = layered(ORG, None, b'[tool.stet]\nextends = "none"\n')

    assert found.config == Config(extends="none")
    assert found.layers == ("pyproject.toml",)


def test_a_layer_with_a_mistake_is_left_out_and_the_other_holds() -> None:
    own_is_broken = layered(ORG, b"[review\n", None)
    assert own_is_broken.config.review.max_inline == 5
    assert [(p.path, p.line) for p in own_is_broken.problems] == [(".stet.toml", 1)]

    org_is_broken = layered(b"[reviews]\n", b"[review]\nmax_inline = 7\n", None)
    assert org_is_broken.config.review.max_inline == 7
    assert [p.message for p in org_is_broken.problems] == [
        "unknown key `reviews`; did you mean `review`?"
    ]


@pytest.mark.fault(56)
@pytest.mark.parametrize("data", [b"a = " + b"[" * 60_000, b"\xff", b"x = 1" * 20_000])
def test_hostile_files_are_mistakes_like_any_other(data: bytes) -> None:
    assert layered(data, data, None).config == Config.default()
    assert len(layered(data, data, None).problems) == 2


def test_nothing_anywhere_means_the_defaults() -> None:
    assert layered(None, None, b"[project]\nname = 'x'\n").config == Config.default()


@pytest.mark.parametrize(
    ("path", "excluded", "ignored"),
    [
        ("api/[v1]/views.py", False, True),
        ("api/[v1]/deep/schema_old.py", True, True),
        ("api/[v1]/old/views.py", True, True),
        ("api/[v1]/new/old/views.py", False, True),
        ("api/v/views.py", False, False),
        ("schema_old.py", False, False),
    ],
)
def test_a_folder_speaks_of_itself_alone(path: str, *, excluded: bool, ignored: bool) -> None:
    files = {
        "api/[v1]/.stet.toml": b'exclude = ["*_old.py", "/old/"]\n[rules]\nignore = ["SEC124"]\n'
    }

    scope = PathFilter(with_folders(Config.default(), files))

    assert scope.excludes(path) is excluded
    rule = find_rule("SEC124")
    assert rule is not None
    assert scope.ignores(path, rule) is ignored


def test_a_folder_may_not_turn_on_or_change_anything() -> None:
    for text in (b'[rules]\nselect = ["ALL"]\n', b"[review]\nmax_inline = 99\n", b"version = 1\n"):
        with pytest.raises(ConfigError, match=r"shop/\.stet\.toml"):
            with_folders(Config.default(), {"shop/.stet.toml": text})
