import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


@pytest.mark.fault(70)
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


@pytest.mark.fault(71)
def test_the_image_runs_stet_as_a_numbered_user_and_without_a_shell() -> None:
    last_stage = (ROOT / "Dockerfile").read_text().rsplit("\nFROM ", 1)[1].splitlines()

    assert "USER 10001:10001" in last_stage
    assert last_stage[-2:] == ['ENTRYPOINT ["stet"]', 'CMD ["serve"]']
    assert not [line for line in last_stage if line.startswith(("RUN", "ADD"))]


@pytest.mark.fault(71)
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_can_write_nothing_and_may_do_nothing_special(service: str) -> None:
    given = SERVICES[service]

    assert given["read_only"] is True
    assert given["cap_drop"] == ["ALL"]
    assert given["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in given
    assert given["restart"] == "always"


@pytest.mark.fault(73)
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


@pytest.mark.fault(72)
def test_actions_are_pinned_and_may_do_nothing() -> None:
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    workflow = yaml.safe_load(text)
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    used = [step["uses"] for step in steps if "uses" in step]

    assert workflow["permissions"] == {}
    assert used
    for action in used:
        assert len(action.partition("@")[2]) == 40, action


CLUSTER = ROOT / "deploy" / "kubernetes"
KUSTOMIZATION = yaml.safe_load((CLUSTER / "kustomization.yaml").read_text())
OBJECTS: dict[str, dict[str, Any]] = {
    f"{each['kind']}/{each['metadata']['name']}": each
    for path in [*CLUSTER.glob("*.yaml"), *(CLUSTER / "autoscaling").glob("*.yaml")]
    if path.name != "kustomization.yaml"
    for each in yaml.safe_load_all(path.read_text())
}
PODS = {
    n: each["spec"]["template"]["spec"]
    for n, each in OBJECTS.items()
    if "template" in each.get("spec", {})
}
POLICIES = {n: each["spec"] for n, each in OBJECTS.items() if n.startswith("NetworkPolicy/")}


def test_the_cluster_is_made_of_every_file_there_is() -> None:
    files = {path.name for path in CLUSTER.glob("*.yaml")} - {"kustomization.yaml"}
    component = yaml.safe_load((CLUSTER / "autoscaling" / "kustomization.yaml").read_text())

    assert set(KUSTOMIZATION["resources"]) == files
    assert component["kind"] == "Component"
    assert component["resources"] == ["workers.yaml"]
    # A kustomization may read nothing above its folder, so this file stands twice.
    assert (CLUSTER / "redis.conf").read_text() == (ROOT / "deploy" / "redis.conf").read_text()


@pytest.mark.parametrize("name", PODS)
def test_a_pod_may_do_nothing_special(name: str) -> None:
    pod = PODS[name]
    (container,) = pod["containers"]
    writable = [each["name"] for each in container["volumeMounts"] if not each.get("readOnly")]

    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC", "hostAliases"} & pod.keys()
    assert writable in (["tmp"], ["data"])
    assert container["resources"]["limits"]["memory"]
    assert container["resources"]["requests"]["cpu"]
    assert container["livenessProbe"]


@pytest.mark.parametrize("name", PODS)
def test_what_a_pod_names_is_there(name: str) -> None:
    pod = PODS[name]
    (container,) = pod["containers"]
    maps = {each["name"] for each in KUSTOMIZATION["configMapGenerator"]}
    named = {each["configMapRef"]["name"] for each in container.get("envFrom", [])}
    named |= {each["configMap"]["name"] for each in pod["volumes"] if "configMap" in each}
    ports = {each["name"] for each in container.get("ports", [])}
    labels = OBJECTS[name]["spec"]["template"]["metadata"]["labels"]

    assert named <= maps
    assert OBJECTS[name]["spec"]["selector"]["matchLabels"] == labels
    mounted = {each["name"] for each in container["volumeMounts"]}
    volumes = pod["volumes"] + [
        each["metadata"] for each in OBJECTS[name]["spec"].get("volumeClaimTemplates", [])
    ]
    assert mounted == {each["name"] for each in volumes}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        given = container.get(probe, {})
        port = (given.get("httpGet") or given.get("tcpSocket") or {}).get("port")
        assert port is None or port in ports


def test_in_the_cluster_too_each_process_gets_only_the_secret_that_it_needs() -> None:
    def secrets(name: str) -> set[str]:
        (container,) = PODS[name]["containers"]
        used = [
            each["valueFrom"]["secretKeyRef"] for each in container["env"] if "valueFrom" in each
        ]
        keys = {f"{each['name']}/{each['key']}" for each in used}
        for volume in PODS[name]["volumes"]:
            for item in volume.get("secret", {}).get("items", []):
                keys.add(f"{volume['secret']['secretName']}/{item['key']}")
        return keys

    assert secrets("Deployment/receiver") == {
        "stet-app/app-id", "stet-app/webhook-secret", "stet-redis/url", "stet-pages/token",
    }  # fmt: skip
    assert secrets("Deployment/worker") == {
        "stet-app/app-id", "stet-app/private-key.pem", "stet-redis/url",
    }  # fmt: skip


def test_the_settings_of_the_cluster_are_ones_that_stet_reads() -> None:
    from bot.settings import BotSettings
    from worker.settings import WorkerSettings

    known = {
        f"STET_{name.upper()}"
        for kind in (BotSettings, WorkerSettings)
        for name in kind.model_fields
    }
    literals = KUSTOMIZATION["configMapGenerator"][0]["literals"]
    given = {each.partition("=")[0] for each in literals}
    for name in ("Deployment/receiver", "Deployment/worker"):
        (container,) = PODS[name]["containers"]
        given |= {each["name"] for each in container["env"]}

    assert given <= known


def test_nothing_in_the_cluster_speaks_but_to_what_it_must() -> None:
    assert POLICIES["NetworkPolicy/nothing-else"]["podSelector"] == {}
    assert POLICIES["NetworkPolicy/nothing-else"]["policyTypes"] == ["Ingress", "Egress"]
    assert "egress" not in POLICIES["NetworkPolicy/redis"]
    assert "ingress" not in POLICIES["NetworkPolicy/worker"]
    (outside,) = [e for e in POLICIES["NetworkPolicy/worker"]["egress"] if "ipBlock" in e["to"][0]]
    private = {each for block in outside["to"] for each in block["ipBlock"]["except"]}
    assert private >= {
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "fc00::/7",
    }
    assert outside["ports"] == [{"protocol": "TCP", "port": 443}]
    assert len(POLICIES["NetworkPolicy/receiver"]["egress"]) == 1


def test_in_the_cluster_too_a_worker_has_the_time_to_end_its_review() -> None:
    literals = dict(
        each.split("=", 1) for each in KUSTOMIZATION["configMapGenerator"][0]["literals"]
    )
    grace = PODS["Deployment/worker"]["terminationGracePeriodSeconds"]

    assert grace >= int(literals["STET_REVIEW_SECONDS"]) + 15


def test_workers_are_scaled_by_a_number_that_stet_tells() -> None:
    from bot.metrics import Metrics

    (metric,) = OBJECTS["HorizontalPodAutoscaler/worker"]["spec"]["metrics"]
    told = Metrics().render(None, takes_work=False).decode()

    assert f"\n{metric['external']['metric']['name']} " in told


ACTION = yaml.safe_load((ROOT / "action.yml").read_text())


def test_what_people_put_into_the_action_never_becomes_script() -> None:
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"]
    given = [v for step in ACTION["runs"]["steps"] for v in step["env"].values()]
    assert {f"${{{{ inputs.{name} }}}}" for name in ACTION["inputs"]} == set(given)


@pytest.fixture
def runner(tmp_path: Path) -> dict[str, str]:
    """What GitHub's runner gives the action, with Stet installed already."""
    bin_ = tmp_path / "temp" / "stet" / "bin"
    bin_.mkdir(parents=True)
    stet = bin_ / "stet"
    stet.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m rules.cli "$@"\n')
    stet.chmod(0o755)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "RUNNER_TEMP": str(tmp_path / "temp"),
        "STET_CACHE_DIR": str(tmp_path / "cache"),
    }


def git(folder: Path, *args: str) -> None:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    subprocess.run(["git", *who, *args], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A branch that brings one finding."""
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "--initial-branch=main")
    git(folder, "commit", "--allow-empty", "--message=Start")
    git(folder, "branch", "origin/main")
    (folder / "a.py").write_text("def book(stops=[]):\n    return stops\n")
    git(folder, "add", "a.py")
    git(folder, "commit", "--message=Book")
    return folder


def review_in_actions(
    project: Path, runner: dict[str, str], **inputs: str
) -> subprocess.CompletedProcess[str]:
    given = {f"STET_{name.upper()}": each["default"] for name, each in ACTION["inputs"].items()}
    given |= {f"STET_{name.upper()}": value for name, value in inputs.items()}
    script = ACTION["runs"]["steps"][-1]["run"]
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=project, env={**runner, **given, "GITHUB_BASE_REF": "main"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_action_annotates_what_a_change_brings(project: Path, runner: dict[str, str]) -> None:
    shown = review_in_actions(project, runner)

    assert (shown.returncode, shown.stderr) == (0, "")
    assert "::warning file=a.py,line=1" in shown.stdout


def test_the_action_writes_a_file_and_takes_options(project: Path, runner: dict[str, str]) -> None:
    arguments = "--ignore QLT101 --exit-zero"
    shown = review_in_actions(
        project, runner, format="sarif", output="found.sarif", arguments=arguments
    )

    assert shown.returncode == 0, shown.stderr
    assert '"results": []' in (project / "found.sarif").read_text()


@pytest.mark.fault(54)
def test_a_hostile_branch_runs_nothing_in_the_action(project: Path, runner: dict[str, str]) -> None:
    shown = review_in_actions(project, runner, base='"; touch evil; $(touch evil) `touch evil`')

    assert shown.returncode == 2
    assert not (project / "evil").exists()


HOOKS: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_runs_as_pre_commit_runs_it(hook: dict[str, Any], project: Path) -> None:
    program, *arguments = hook["entry"].split()
    files = ["a.py"] if hook.get("pass_filenames", True) else []
    base = [] if files else ["--base", "origin/main"]
    shown = subprocess.run(
        [sys.executable, "-m", "rules.cli", *arguments, *base, *files],
        cwd=project, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (program, hook["language"]) == ("stet", "python")
    assert shown.returncode == 0, shown.stderr
    assert "QLT101" in shown.stdout
