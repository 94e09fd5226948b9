"""When an image may be said to run as root, and what can be suggested."""

from __future__ import annotations

import pytest
from trees import project_of

from rules.checklist.deployment.container_runs_as_root import rule
from rules.engine.config import Config, ReviewConfig
from rules.engine.finding import Finding
from rules.engine.fix import apply
from rules.engine.run import check
from rules.kit import Confidence

PATH = "Dockerfile"


def findings(text: str, path: str = PATH, **others: str) -> tuple[Finding, ...]:
    files = {path: text, **{name.replace("__", "."): other for name, other in others.items()}}
    config = Config(review=ReviewConfig(confidence="all"))
    report = check([(path, text.encode())], project_of(files), config, [rule])
    assert report.crashes == ()
    return report.findings


@pytest.mark.parametrize(
    "user",
    ["app", "1000", "1000:1000", "app:root", "$UID", '"app"', "nobody"],
)
def test_any_user_but_root_will_do(user: str) -> None:
    assert findings(f'FROM python:3.12\nUSER {user}\nCMD ["a"]\n') == ()


@pytest.mark.parametrize("user", ["root", "0", "root:app", "0:0", "${WHO:-root}", "$ME"])
def test_root_by_any_name_is_root(user: str) -> None:
    (finding,) = findings(f'FROM python:3.12\nENV ME=root\nUSER app\nUSER {user}\nCMD ["a"]\n')
    assert finding.span.line == 4
    assert finding.confidence is Confidence.PROVEN


@pytest.mark.parametrize(
    "image",
    [
        "gcr.io/distroless/python3:nonroot",
        "cgr.dev/chainguard/python:latest",
        "nginxinc/nginx-unprivileged:1.27",
        "bitnami/python:3.12",
        "quay.io/jupyter/base-notebook",
        "public.ecr.aws/lambda/python:3.12",
        "postgres:16",
    ],
)
def test_base_images_with_a_user_of_their_own_pass(image: str) -> None:
    assert findings(f"FROM {image}\nCOPY . .\n") == ()


@pytest.mark.parametrize("image", ["acme/base:1", "${BASE}", "ghcr.io/acme/python:3"])
def test_an_unknown_base_image_proves_nothing(image: str) -> None:
    (finding,) = findings(f'FROM {image}\nCMD ["a"]\n')
    assert finding.confidence is Confidence.HOTSPOT


@pytest.mark.parametrize(
    "image", ["python:3", "docker.io/library/python:3@sha256:00", "ubuntu", "python:3-alpine"]
)
def test_official_images_are_known_to_run_as_root(image: str) -> None:
    (finding,) = findings(f'FROM {image}\nCMD ["a"]\n')
    assert finding.confidence is Confidence.PROVEN


@pytest.mark.parametrize(
    "path",
    [
        "Dockerfile.dev",
        "docker/local/Dockerfile",
        ".devcontainer/Dockerfile",
        "tests/Dockerfile",
        "Dockerfile.test",
        "ci.Dockerfile",
        "Dockerfile.dockerignore",
        "Dockerfile.j2",
    ],
)
def test_images_that_are_not_deployed_pass(path: str) -> None:
    assert findings('FROM python:3\nCMD ["a"]\n', path) == ()


def test_a_last_stage_for_development_does_not_stand_for_the_image() -> None:
    text = "FROM python:3 AS app\nUSER app\nCMD a\nFROM app AS dev\nUSER root\n"
    assert findings(text) == ()


def test_an_action_of_github_must_run_as_root() -> None:
    assert findings('FROM python:3\nCMD ["a"]\n', action__yml="runs:\n  using: docker\n") == ()


@pytest.mark.parametrize(
    "command",
    [
        'ENTRYPOINT ["gosu", "app", "a"]',
        'CMD ["su", "app", "-c", "a"]',
        'CMD ["uwsgi", "--uid", "app"]',
        "CMD exec su-exec app a",
    ],
)
def test_a_command_that_steps_down_passes(command: str) -> None:
    assert findings(f"FROM python:3\n{command}\n") == ()


def test_a_script_that_does_not_step_down_does_not_help() -> None:
    text = 'FROM python:3\nCOPY start.sh /\nCMD ["/start.sh"]\n'
    assert findings(text, start__sh='#!/bin/sh\nexec gosu app "$@"\n') == ()
    assert len(findings(text, start__sh="#!/bin/sh\n# no gosu app here\nexec gunicorn\n")) == 1


def fixed(text: str) -> str | None:
    (finding,) = findings(text)
    return apply(text, finding.fix.edits) if finding.fix else None


@pytest.mark.parametrize(
    ("run", "user"),
    [
        ("useradd -r -g app -u 1000 app", "app"),
        ("groupadd web && useradd --system --gid web --home /srv web && chown web /srv", "web"),
        ("adduser -D -u 1000 -G www shop", "shop"),
        ("adduser --disabled-password --gecos '' shop", "shop"),
        ("addgroup -S shop && adduser -S -G shop shop", "shop"),
    ],
)
def test_a_user_that_was_made_is_the_one_to_switch_to(run: str, user: str) -> None:
    text = f'FROM python:3\nRUN {run}\nCMD ["a"]\n'
    assert fixed(text) == f'FROM python:3\nRUN {run}\nUSER {user}\nCMD ["a"]\n'


@pytest.mark.parametrize(
    "rest",
    [
        'EXPOSE 80\nCMD ["a"]\n',
        "CMD gunicorn -b :80 shop\n",
        "ENV PATH=/root:/app/bin:$PATH\nCMD a\n",
        "RUN pip install --user flask\nCMD flask\n",
        'CMD ["/entrypoint.sh"]\n',
        'CMD ["a"]\nRUN pip install b\n',
        "RUN make\n",
    ],
)
def test_nothing_is_suggested_where_it_might_break_the_image(rest: str) -> None:
    assert fixed(f"FROM python:3\n{rest}") is None


def test_another_tag_of_the_base_image_is_the_same_finding() -> None:
    (one,) = findings('FROM python:3.11\nCMD ["a"]\n')
    (other,) = findings('# syntax=docker/dockerfile:1\nFROM python:3.12\nCMD ["a"]\n')
    assert one.fingerprint == other.fingerprint
