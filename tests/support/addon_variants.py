"""Every add-on in every combination of what can be switched, for tests that hold for all of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from itertools import product
from typing import Any, Literal

import pulumi

from llmplatform.addons import (
    CertManager,
    CertManagerArgs,
    ClusterAutoscaler,
    ClusterAutoscalerArgs,
    GpuMetrics,
    GpuMetricsArgs,
    GpuOperator,
    GpuOperatorArgs,
    Monitoring,
    MonitoringArgs,
)
from llmplatform.base.site import MONITORS, Site
from llmplatform.specs import addons as specs
from llmplatform.specs.mirrors import Login, Mirrors
from support.plans import ON_DEMAND, SPOT_FIRST, environment, pool_plans

CHARTS_DIR = "../.charts"
REGISTRIES = ("docker.io", "ghcr.io", "nvcr.io", "quay.io", "registry.k8s.io")
MIRRORED = Mirrors(
    images={host: f"registry.example.org/{host}" for host in REGISTRIES},
    login=Login(registry="registry.example.org", user="robot$pull"),
)
PASSWORD = "registry-password"
ISSUERS = (
    specs.SelfSignedIssuer(kind="self_signed"),
    ACME := specs.AcmeIssuer(kind="acme", email="ops@example.org", hosted_zone="Z0123456789ABCDEFGHIJ"),
    ACME.model_copy(update={"nameservers": ("1.1.1.1", "8.8.8.8")}),
)
ACK_ISSUER = specs.AckAcmeIssuer(kind="acme", email="ops@example.cn", domain="example.cn")
RECEIVER = "https://hooks.example.org/T0/B0/address"
TAINTED = {**ON_DEMAND, "taints": [{"key": "team", "value": "search", "effect": "NoExecute"}]}
BOTTLEROCKET = {**ON_DEMAND, "image": "bottlerocket"}


@dataclass(frozen=True, kw_only=True)
class Identity:
    """An identity as a cloud's component promises it."""

    namespace: pulumi.Output[str]
    service_account: pulumi.Output[str]
    annotations: dict[str, pulumi.Output[str]]
    namespace_labels: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Challenge(Identity):
    """A way to answer an ACME authority, as a cloud's component promises it."""

    solver: Mapping[str, object]
    credentials: tuple[str, int] | None
    webhook: str | None = None
    role_name: pulumi.Output[str] | None = None


WEBHOOK = "cert-manager-alidns-webhook"


def webhook_challenge() -> Challenge:
    """A cloud that cert-manager does not know: a webhook answers, with an identity of its own."""
    return Challenge(
        namespace=pulumi.Output.from_input(WEBHOOK),
        service_account=pulumi.Output.from_input(WEBHOOK),
        annotations={"role": pulumi.Output.from_input("test-challenge")},
        namespace_labels={"injection": "on"},
        solver={"dns01": {"webhook": {"groupName": "alidns.crazygit.github.io", "solverName": "alidns"}}},
        credentials=None,
        webhook=WEBHOOK,
        role_name=pulumi.Output.from_input("test-challenge"),
    )


def challenge(service_account: pulumi.Input[str] = "cert-manager") -> Challenge:
    """A cloud where an agent on the node hands out credentials."""
    return Challenge(
        namespace=pulumi.Output.from_input("cert-manager"),
        service_account=pulumi.Output.from_input(service_account),
        annotations={},
        namespace_labels={},
        solver={"dns01": {"route53": {"region": "us-east-1", "hostedZoneID": "Z0123456789ABCDEFGHIJ"}}},
        credentials=("169.254.170.23/32", 80),
    )


def site(*, monitored: bool = True, **changes: Any) -> Site:
    """A cluster with a pool that tries spot machines first, whose CRDs of monitors are there already."""
    usual = {
        "charts_dir": CHARTS_DIR,
        "environment": environment(),
        "pools": pool_plans(gpu=SPOT_FIRST),
        "secrets": {"registry_password": PASSWORD},
        "scraper": "monitoring" if monitored else None,
        "crds": {MONITORS: None} if monitored else {},
    }
    return Site(**{**usual, **changes})


def autoscaler(**changes: Any) -> ClusterAutoscaler:
    """The autoscaler of a stack with a pool that tries spot machines first. `named`: other names of some groups."""
    here, changes = _with_site(changes)
    identity = Identity(
        namespace=pulumi.Output.from_input("kube-system"),
        service_account=pulumi.Output.from_input("cluster-autoscaler"),
        annotations={},
        namespace_labels={},
    )
    names = [group.name for pool in here.pools for group in pool.groups]
    groups = {name: pulumi.Output.from_input(f"eks-{name}-1.a") for name in names}
    groups |= changes.pop("named", {})
    args = {
        "spec": specs.ClusterAutoscaler(),
        "region": "us-east-1",
        "kubernetes_version": "1.35",
        "cluster_name": pulumi.Output.from_input("core"),
        "identity": identity,
        "group_names": groups,
        **changes,
    }
    return ClusterAutoscaler("autoscaler", ClusterAutoscalerArgs(site=here, **args))


def gpu_operator(**changes: Any) -> GpuOperator:
    """The GPU operator."""
    return GpuOperator("gpu-operator", GpuOperatorArgs(site=site(**changes)))


def gpu_metrics(**changes: Any) -> GpuMetrics:
    """Metrics of GPUs where the cloud brings the rest."""
    return GpuMetrics("gpu-metrics", GpuMetricsArgs(site=site(**changes)))


def cert_manager(**changes: Any) -> CertManager:
    """The certificate manager."""
    here, changes = _with_site(changes)
    args = {"spec": specs.CertManager(), **changes}
    if args["spec"].issuer.kind == "acme":
        args.setdefault("challenge", challenge())
    return CertManager("cert-manager", CertManagerArgs(site=here, **args))


def monitoring(**changes: Any) -> Monitoring:
    """Prometheus and its companions, which install the CRDs themselves."""
    here, changes = _with_site({"monitored": False, **changes})
    return Monitoring("monitoring", MonitoringArgs(site=here, **{"spec": specs.Monitoring(), **changes}))


def _with_site(changes: dict[str, Any]) -> tuple[Site, dict[str, Any]]:
    """The site that changes are of, and the changes that are left for the component's own arguments."""
    of_site = {"monitored", *(field.name for field in fields(Site))}
    here = site(**{name: value for name, value in changes.items() if name in of_site})
    return here, {name: value for name, value in changes.items() if name not in of_site}


def alerting(kind: Literal["webhook", "slack", "pagerduty"], inside: specs.InsideReceiver | None = None) -> Monitoring:
    """Monitoring that tells somebody."""
    alerts = specs.Alerts(kind=kind, inside=inside)
    return monitoring(spec=specs.Monitoring(alerts=alerts), alert_receiver=RECEIVER)


def variants() -> dict[str, Callable[[], object]]:
    """A program for each combination."""
    found: dict[str, Callable[[], object]] = {}
    for monitored, mirrors in product((True, False), (Mirrors(), MIRRORED)):
        shared = {"monitored": monitored, "mirrors": mirrors}
        name = f"{'monitored' if monitored else 'unmonitored'}, {'mirrored' if mirrors.images else 'public'}"
        found[f"autoscaler, {name}"] = lambda shared=shared: autoscaler(**shared)
        found[f"gpu-metrics, {name}"] = lambda shared=shared: gpu_metrics(**shared)
        for image, pool in (("al2023", SPOT_FIRST), ("bottlerocket", BOTTLEROCKET), ("tainted", TAINTED)):
            found[f"gpu-operator, {image}, {name}"] = lambda shared=shared, pool=pool: gpu_operator(
                pools=pool_plans(gpu=pool), **shared
            )
        for issuer in ISSUERS:
            spec = specs.CertManager(issuer=issuer)
            asked = " by name servers" if getattr(issuer, "nameservers", ()) else ""
            found[f"cert-manager, {issuer.kind}{asked}, {name}"] = lambda shared=shared, spec=spec: cert_manager(
                spec=spec, **shared
            )
        found[f"cert-manager, webhook, {name}"] = lambda shared=shared: cert_manager(
            spec=specs.AckCertManager(issuer=ACK_ISSUER), challenge=webhook_challenge(), **shared
        )
    for mirrors, storage_class in product((Mirrors(), MIRRORED), (None, "gp3")):
        name = f"{'mirrored' if mirrors.images else 'public'}, {storage_class}"
        found[f"monitoring, {name}"] = lambda mirrors=mirrors, storage_class=storage_class: monitoring(
            mirrors=mirrors, storage_class=storage_class
        )
    for kind in ("webhook", "slack", "pagerduty"):
        found[f"monitoring, alerts by {kind}"] = lambda kind=kind: alerting(kind)
    return found
