import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def test_the_app_asks_for_exactly_this() -> None:
    manifest = yaml.safe_load((ROOT / "app.yml").read_text())

    assert manifest["default_permissions"] == {
        "checks": "write",
        "contents": "read",
        "issues": "read",
        "merge_queues": "read",
        "metadata": "read",
        "pull_requests": "write",
    }
    assert manifest["default_events"] == [
        "check_run",
        "check_suite",
        "issue_comment",
        "merge_group",
        "pull_request",
        "pull_request_review_comment",
        "pull_request_review_thread",
    ]
    assert manifest["hook_attributes"]["url"].endswith("/webhooks/github")
    assert manifest["public"] is False


def test_hadolint_has_nothing_to_say_of_the_dockerfile() -> None:
    hadolint = Path(sysconfig.get_path("scripts")) / "hadolint"
    said = subprocess.run(
        [hadolint, "--no-color", "--failure-threshold", "style", ROOT / "Dockerfile"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (said.returncode, said.stdout) == (0, "")


def test_the_image_runs_stet_as_a_numbered_user_and_without_a_shell() -> None:
    last_stage = (ROOT / "Dockerfile").read_text().rsplit("\nFROM ", 1)[1].splitlines()

    assert "USER 10001:10001" in last_stage
    assert last_stage[-2:] == ['ENTRYPOINT ["stet"]', 'CMD ["serve"]']
    assert not [line for line in last_stage if line.startswith(("RUN", "ADD"))]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_can_write_nothing_and_may_do_nothing_special(service: str) -> None:
    given = SERVICES[service]

    assert given["read_only"] is True
    assert given["cap_drop"] == ["ALL"]
    assert given["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in given
    assert given["restart"] == "always"


def test_redis_is_reached_by_stet_alone_and_forgets_nothing() -> None:
    settings = dict(
        line.split(maxsplit=1)
        for line in (ROOT / "deploy" / "redis.conf").read_text().splitlines()
        if line and not line.startswith("#")
    )

    assert COMPOSE["networks"]["queue"]["internal"] is True
    assert SERVICES["redis"]["networks"] == ["queue"]
    assert "ports" not in SERVICES["redis"]
    assert settings["appendonly"] == "yes"
    assert settings["maxmemory-policy"] == "noeviction"


def test_each_process_gets_only_the_secret_that_it_needs() -> None:
    receiver, worker = SERVICES["receiver"], SERVICES["worker"]

    assert "STET_WEBHOOK_SECRET" not in worker["environment"]
    assert "secrets" not in receiver
    assert not [name for name in receiver["environment"] if "PRIVATE_KEY" in name]
    assert worker["environment"]["STET_PRIVATE_KEY_FILE"] == "/run/secrets/private_key"
    assert "STET_PRIVATE_KEY" not in worker["environment"]


def test_a_worker_has_the_time_to_end_its_review() -> None:
    from worker.settings import WorkerSettings

    longest = WorkerSettings.model_fields["review_seconds"].default

    assert int(SERVICES["worker"]["stop_grace_period"].removesuffix("s")) >= longest + 15


def test_the_receiver_is_published_to_this_host_only() -> None:
    assert SERVICES["receiver"]["ports"] == ["127.0.0.1:8000:8000"]


def test_actions_are_pinned_and_may_do_nothing() -> None:
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    workflow = yaml.safe_load(text)
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    used = [step["uses"] for step in steps if "uses" in step]

    assert workflow["permissions"] == {}
    assert used
    for action in used:
        assert len(action.partition("@")[2]) == 40, action
