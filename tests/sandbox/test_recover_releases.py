"""Helm releases whose install or upgrade was killed: `llmplatform recover` and what it names, with the real Pulumi CLI.

Helm's own rules are of its source (kube/helm.py has them); here it is seen what the engine makes of them.
"""

import json
import shutil
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sandbox.test_recover_cli import User

from llmplatform_sandbox.killing import KillPlan
from llmplatform_sandbox.kube import helm, releases
from llmplatform_sandbox.kube.client import Kube

pytestmark = pytest.mark.sandbox

PROGRAM = """
import pathlib

import pulumi_kubernetes as kubernetes

days = int((pathlib.Path(__file__).parent / "days").read_text())
cluster = kubernetes.Provider("cluster", kubeconfig="{}")
kubernetes.helm.v3.Release(
    "rel",
    chart="../.charts/widget-1.2.3.tgz",
    name="rel",
    namespace="default",
    values={"days": days},
    max_history=5,
    opts=__import__("pulumi").ResourceOptions(provider=cluster),
)
"""


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[User]:
    small = Path(__file__).parent / "projects" / "small"
    (tmp_path / "Pulumi.yaml").write_text("name: killed\nruntime: python\nmain: program\n")
    shutil.copy(small / "Pulumi.dev.yaml", tmp_path)
    (tmp_path / "program").mkdir()
    (tmp_path / "program" / "__main__.py").write_text(PROGRAM)
    (tmp_path / "program" / "days").write_text("7")
    made = User(tmp_path)
    monkeypatch.setattr("llmplatform.recovery.locks.sees_all_processes", lambda: True)
    yield made
    made.sandbox.down(force=True)


def killed(user: User, status: str) -> None:
    """Killed while Helm was at work: the answer never came, and the newest revision is not finished."""

    def struck(process: int) -> KillPlan:
        note = str(user.folder / "killed.json")
        return KillPlan(change=1, moment="accepted", delay=0, victims=("program",), group=process, note=note)

    code, output = user.pulumi("up", "--yes", "--skip-preview", plan=struck)
    assert code == -signal.SIGKILL, output
    with closing(Kube(user.sandbox.control_plane().access())) as kube:
        *before, newest = releases.revisions(kube, "default", "rel")
        for obj in before[-1:]:
            releases.set_status(kube, obj, "deployed")
        releases.set_status(kube, newest, status)


def run_helm(user: User, command: str) -> None:
    with closing(Kube(user.sandbox.control_plane().access())) as kube:
        helm.run(kube, command)


def in_effect(user: User) -> list[int]:
    with closing(Kube(user.sandbox.control_plane().access())) as kube:
        found = releases.revisions(kube, "default", "rel")
        return [releases.record_of(each)["config"]["days"] for each in found if releases.status_of(each) == "deployed"]


def planned(user: User) -> set[str]:
    return {each["op"] for each in json.loads(user.pulumi("preview", "--json")[1])["steps"]}


def test_an_upgrade_that_was_killed_is_named_and_its_two_commands_put_it_right(user: User) -> None:
    code, output = user.pulumi("up", "--yes", "--skip-preview")
    assert code == 0, output
    (user.folder / "program" / "days").write_text("14")
    killed(user, "pending-upgrade")

    command = "helm rollback rel 1 -n default --wait"
    said = user.recover("--yes", code=1)
    assert f"release default/rel is pending-upgrade at revision 2: run `{command}`, then `pulumi up --refresh`" in said
    assert command in user.recover("--yes", code=1), "it does not take itself for done"
    assert planned(user) == {"same"}, "a plan does not show that the cluster is at the old values"
    assert in_effect(user) == [7]

    run_helm(user, command)
    code, output = user.pulumi("up", "--yes", "--skip-preview", "--refresh")
    assert code == 0, output
    assert in_effect(user) == [14]
    assert "no operation was interrupted" in user.recover("--yes")


def test_an_install_that_was_killed_is_made_anew_once_helm_has_let_go_of_it(user: User) -> None:
    killed(user, "pending-install")
    command = "helm uninstall rel -n default --no-hooks"
    said = user.recover("--yes", "--adopt", "rel=default/rel", code=1)
    assert f"run `{command}`, then `pulumi up --refresh`" in said
    assert command in user.recover("--yes", code=1), "it does not take itself for done"
    assert planned(user) != {"same"}, "nor does a plan"
    run_helm(user, command)
    code, output = user.pulumi("up", "--yes", "--skip-preview", "--refresh")
    assert code == 0, output
    assert in_effect(user) == [7], output
    assert "no operation was interrupted" in user.recover("--yes")
