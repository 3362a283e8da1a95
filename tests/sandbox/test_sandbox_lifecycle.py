"""The sandbox's own life with the real engine and the real API server: up, again, killed, used by hand, down."""

import base64
import json
import os
import shlex
import shutil
import signal
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.pace import eventually
from support.sandboxes.strangers import answers_to_a_stranger, by_root, trap

from llmplatform_sandbox.cloud import NoControlPlane, open_cloud
from llmplatform_sandbox.endpoints import read_endpoints
from llmplatform_sandbox.kube.client import Kube
from llmplatform_sandbox.lifecycle import Sandbox
from llmplatform_sandbox.paths import SandboxPaths, sandbox_paths
from llmplatform_sandbox.processes import start_time
from llmplatform_sandbox.progress import silent
from llmplatform_sandbox.toolchain import ETCD, KUBERNETES, KWOK, PULUMI, ensure

pytestmark = pytest.mark.sandbox

LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F"}
"""127.0.0.1 as the kernel writes it, and the same as seen by a socket for both families."""
PROXIES = [f"{name}_proxy" for name in ("http", "https", "all", "grpc")]
PROXIES += [name.upper() for name in PROXIES]
SLOW = """
kubernetes.apps.v1.Deployment(
    "never-available",
    metadata=kubernetes.meta.v1.ObjectMetaArgs(namespace=namespace.metadata.name),
    spec=kubernetes.apps.v1.DeploymentSpecArgs(
        selector=kubernetes.meta.v1.LabelSelectorArgs(match_labels={"app": "slow"}),
        template=kubernetes.core.v1.PodTemplateSpecArgs(
            metadata=kubernetes.meta.v1.ObjectMetaArgs(labels={"app": "slow"}),
            spec=kubernetes.core.v1.PodSpecArgs(
                containers=[kubernetes.core.v1.ContainerArgs(name="slow", image="example.org/slow:1")]
            ),
        ),
    ),
    opts=inside,
)
"""


@dataclass
class Checkout:
    """A git checkout with the small project, and the sandbox of its dev stack."""

    folder: Path

    @property
    def paths(self) -> SandboxPaths:
        return sandbox_paths(self.folder, "dev")

    def run(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        result = self.captured(self.command(*arguments))
        assert result.returncode == code, result.stdout + result.stderr
        return result

    def captured(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, env=self.environment(), check=False
        )

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "llmplatform_sandbox.commands", *arguments]

    def environment(self) -> dict[str, str]:
        # Neither settings of the user's own pulumi nor proxies must reach the sandbox's.
        return {
            **os.environ,
            **dict.fromkeys(PROXIES, "http://127.0.0.1:9"),
            "no_proxy": "localhost",
            "PULUMI_BACKEND_URL": "s3://nowhere",
            "PULUMI_CONFIG_PASSPHRASE": "users",
            "PULUMI_STACK": "prod",
        }

    def shell(self, script: str) -> str:
        environment = self.run("env", "dev").stdout
        result = self.captured(["bash", "-ec", f"{environment}\n{script}"])
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        return subprocess.run(
            ["git", *identity, *arguments], cwd=self.folder, capture_output=True, text=True, check=True
        ).stdout

    def object(self, kind: str, name: str) -> dict[str, Any]:
        kube = Kube(Sandbox(self.folder, "dev", silent).control_plane().access())
        try:
            found = kube.get("v1", kind, name, "small")
        finally:
            kube.close()
        assert found is not None, f"there is no {kind} {name} in the API server"
        return found

    def pids(self) -> list[int]:
        return [json.loads(file.read_text())["pid"] for file in self.paths.run.glob("*.pid")]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    folder = tmp_path_factory.mktemp("checkout") / "it's a small one"
    ensure([PULUMI, KUBERNETES, KWOK, ETCD])  # They may come through a proxy.
    shutil.copytree(Path(__file__).parent / "projects" / "small", folder, ignore=shutil.ignore_patterns(".sandbox"))
    checkout = Checkout(folder)
    checkout.git("init", "-q")
    checkout.git("add", ".")
    checkout.git("commit", "-qm", "small")
    checkout.run("up", "dev")
    yield checkout
    if checkout.paths.exists():
        checkout.captured(checkout.command("down", "dev"))


def document(result: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    return json.loads(result.stdout)


def test_a_preview_needs_neither_network_nor_running_processes(checkout: Checkout, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    shutil.copytree(checkout.folder, alone, ignore=shutil.ignore_patterns(".sandbox"))
    command = shlex.join(checkout.command("preview", "dev", "--json", "--project", str(alone)))
    namespace = ["unshare", "-rn", "sh", "-c", f"ip link set lo up && exec {command}"]
    if checkout.captured(["unshare", "-rn", "true"]).returncode != 0:
        namespace = shlex.split(command)  # Where a user may not make a network namespace, the plan is still checked.
    result = checkout.captured(namespace)
    assert result.returncode == 0, result.stderr
    plan = json.loads(result.stdout)
    assert plan["changes"] == {"create": 7}
    assert {"op": "create", "type": "kubernetes:core/v1:Secret", "name": "credentials"}.items() <= {
        key: value for step in plan["steps"] if step["name"] == "credentials" for key, value in step.items()
    }.items()
    assert not (alone / ".sandbox").exists(), "a preview leaves nothing behind"


def test_a_second_up_changes_nothing(checkout: Checkout) -> None:
    assert document(checkout.run("up", "dev", "--json"))["changes"] == {"same": 7}


def test_no_file_of_the_checkout_is_touched(checkout: Checkout) -> None:
    checkout.run("up", "dev")
    assert checkout.git("status", "--porcelain") == "", "even the state folder is invisible to git"


def test_the_objects_are_in_a_real_api_server(checkout: Checkout) -> None:
    found = checkout.object("ConfigMap", "settings")
    assert found["data"] == {"replicas": "2"}
    assert found["metadata"]["uid"], "the server gave the object an identity"


def test_a_users_own_pulumi_works_on_the_sandbox_and_leaves_the_stack_file_alone(checkout: Checkout) -> None:
    shown = checkout.shell(
        "pulumi preview --non-interactive && pulumi up --yes --non-interactive && pulumi stack output namespace"
    )
    assert "7 unchanged" in shown
    assert shown.splitlines()[-1] == "small"
    assert checkout.git("status", "--porcelain") == ""


def test_the_stand_in_for_the_cloud_cli_authenticates_a_kubernetes_client(checkout: Checkout, tmp_path: Path) -> None:
    shown = checkout.shell("aws --region eu-central-1 eks get-token --cluster-name any; echo $KUBECONFIG")
    credential, kubeconfig = shown.splitlines()
    status = json.loads(credential)["status"]
    (tmp_path / "client.pem").write_text(status["clientCertificateData"] + status["clientKeyData"])
    cluster = yaml.safe_load(Path(kubeconfig).read_text())["clusters"][0]["cluster"]
    context = ssl.create_default_context(cafile=cluster["certificate-authority"])
    context.load_cert_chain(tmp_path / "client.pem")
    with urllib.request.urlopen(f"{cluster['server']}/api/v1/namespaces/kube-system", context=context) as answer:  # noqa: S310
        assert answer.status == 200, "the credential opens what only an administrator may see"


def test_the_stand_in_for_the_cloud_cli_refuses_everything_else(checkout: Checkout) -> None:
    assert checkout.shell("aws s3 ls 2>/dev/null || echo refused") == "refused\n"


def test_no_known_secret_lies_anywhere_in_plain(checkout: Checkout) -> None:
    encoded = list(checkout.object("Secret", "credentials")["data"].values())
    needles = [secret.encode() for secret in encoded] + [base64.b64decode(secret) for secret in encoded]
    files = [path for path in checkout.paths.folder.rglob("*") if path.is_file()]
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if os.access(path, os.R_OK)]
    found = [str(path) for path in files if any(needle in path.read_bytes() for needle in needles)]
    assert found == [], "state, logs and even etcd hold secrets encrypted only"
    assert not any(needle in command for needle in needles for command in commands)


def listening(checkout: Checkout) -> list[tuple[str, int]]:
    """Address and port, as far as the sandbox's processes listen."""
    inodes = {
        target.removeprefix("socket:[").removesuffix("]")
        for pid in checkout.pids()
        for link in Path(f"/proc/{pid}/fd").iterdir()
        if (target := str(link.readlink())).startswith("socket:")
    }
    rows = [
        line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    found = [fields[1].split(":") for fields in rows if fields[3] == "0A" and fields[9] in inodes]
    return [(address, int(port, 16)) for address, port in found]


def test_nothing_listens_beyond_loopback(checkout: Checkout) -> None:
    addresses = [address for address, _ in listening(checkout)]
    assert len(addresses) >= 6, "etcd, the API server and the providers listen"
    assert set(addresses) <= LOOPBACK, "127.0.0.1 and nothing else"


@by_root
def test_every_port_refuses_another_user_of_the_machine(checkout: Checkout, tmp_path: Path) -> None:
    endpoints = read_endpoints(checkout.paths)
    assert endpoints is not None
    kinds = {**dict.fromkeys(endpoints.providers.values(), "provider"), endpoints.language: "language"}
    note = trap(tmp_path / "evil")
    answers = answers_to_a_stranger({port: kinds.get(port, "tls") for _, port in listening(checkout)}, note.parent)
    assert len(answers) == 6 * len(endpoints.providers) + 2 + 3, "all ports were tried, etcd's and the API server's too"
    refusals = {"PERMISSION_DENIED", "401", "403", "no connection without a certificate"}
    assert {call: answer for call, answer in answers.items() if answer not in refusals} == {}
    assert not note.exists(), "the stranger's code ran as the owner of the sandbox"


def test_a_sandbox_killed_in_the_middle_goes_on_in_the_next_run(checkout: Checkout) -> None:
    program = checkout.folder / "program" / "__main__.py"
    before = program.read_text()
    program.write_text(before + SLOW)
    try:
        with subprocess.Popen(
            checkout.command("up", "dev"), cwd=checkout.folder, env=checkout.environment(), stderr=subprocess.PIPE
        ) as up:
            wait_until_pending(checkout)
            up.kill()
        os.kill(
            next(pid for pid in checkout.pids() if "world" in Path(f"/proc/{pid}/cmdline").read_text()), signal.SIGKILL
        )
    finally:
        program.write_text(before)
    result = checkout.run("up", "dev", "--json")
    assert "The last engine was killed" in result.stderr
    assert document(result)["changes"].get("same") == 7
    assert document(checkout.run("up", "dev", "--json"))["changes"] == {"same": 7}, "nothing is pending any more"


def wait_until_pending(checkout: Checkout) -> None:
    state = checkout.paths.backend / ".pulumi" / "stacks" / "small" / "dev.json"
    eventually(lambda: "never-available" in state.read_text(), "the slow resource was never begun")


def test_a_dead_process_of_the_control_plane_is_started_again(checkout: Checkout) -> None:
    for name in ("kube-apiserver", "etcd"):
        os.kill(json.loads((checkout.paths.run / f"{name}.pid").read_text())["pid"], signal.SIGKILL)
    assert document(checkout.run("status", "dev", "--json", code=1))["dead"] == ["etcd", "kube-apiserver"]
    assert document(checkout.run("up", "dev", "--json"))["changes"] == {"same": 7}, "the data survived"
    assert document(checkout.run("status", "dev", "--json"))["running"] is True


@pytest.mark.parametrize("name", ["kube-apiserver", "etcd"])
def test_a_control_plane_that_is_about_to_end_is_started_anew(checkout: Checkout, name: str) -> None:
    pid = json.loads((checkout.paths.run / f"{name}.pid").read_text())["pid"]
    os.kill(pid, signal.SIGTERM)
    assert document(checkout.run("up", "dev", "--json"))["changes"] == {"same": 7}
    assert document(checkout.run("status", "dev", "--json"))["running"] is True
    assert not start_time(pid), "what was ending is not taken for a living one"


def test_a_leftover_is_named_and_every_process_is_gone_all_the_same(checkout: Checkout) -> None:
    account = open_cloud("aws", checkout.paths.clouds / "aws", NoControlPlane(("1.35",)))
    leaked = account.add_object("network-interface", "kubernetes/forgetful-controller", {})
    pids = checkout.pids()
    assert len(pids) == 6
    result = checkout.run("down", "dev", code=1)
    assert f"network-interface {leaked}, made by kubernetes/forgetful-controller" in result.stderr
    assert [pid for pid in pids if start_time(pid)] == [], "every process that the sandbox started is gone"
    assert not checkout.paths.folder.exists()


def test_taking_down_what_is_not_there_is_no_error(checkout: Checkout) -> None:
    assert checkout.run("down", "dev").stdout == "dev: there is no sandbox to destroy\n"
