"""The add-ons as tests install them: each takes what `site` takes, and changes of its own arguments."""

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
from llmplatform.base.contracts import DnsChallenge
from llmplatform.specs import addons as specs
from support.plans import ON_DEMAND
from support.sites import Identity, site, with_site

ISSUERS = (
    specs.SelfSignedIssuer(kind="self_signed"),
    ACME := specs.AcmeIssuer(kind="acme", email="ops@example.org", hosted_zone="Z0123456789ABCDEFGHIJ"),
    ACME.model_copy(update={"nameservers": ("1.1.1.1", "8.8.8.8")}),
)
ACK_ISSUER = specs.AckAcmeIssuer(kind="acme", email="ops@example.cn", domain="example.cn")
RECEIVER = "https://hooks.example.org/T0/B0/address"
TAINTED = {**ON_DEMAND, "taints": [{"key": "team", "value": "search", "effect": "NoExecute"}]}
BOTTLEROCKET = {**ON_DEMAND, "image": "bottlerocket"}


WEBHOOK = "cert-manager-alidns-webhook"


def webhook_challenge() -> DnsChallenge:
    """A cloud that cert-manager does not know: a webhook answers, with an identity of its own."""
    identity = Identity(
        namespace=pulumi.Output.from_input(WEBHOOK),
        service_account=pulumi.Output.from_input(WEBHOOK),
        annotations={"role": pulumi.Output.from_input("test-challenge")},
        namespace_labels={"injection": "on"},
        role_name=pulumi.Output.from_input("test-challenge"),
    )
    solver = {"dns01": {"webhook": {"groupName": "alidns.crazygit.github.io", "solverName": "alidns"}}}
    return DnsChallenge(identity=identity, solver=solver, webhook=WEBHOOK)


def challenge(service_account: pulumi.Input[str] = "cert-manager") -> DnsChallenge:
    """A cloud where an agent on the node hands out credentials."""
    identity = Identity(
        namespace=pulumi.Output.from_input("cert-manager"),
        service_account=pulumi.Output.from_input(service_account),
        annotations={},
        namespace_labels={},
        credentials=("169.254.170.23/32", 80),
    )
    solver = {"dns01": {"route53": {"region": "us-east-1", "hostedZoneID": "Z0123456789ABCDEFGHIJ"}}}
    return DnsChallenge(identity=identity, solver=solver)


def autoscaler(**changes: Any) -> ClusterAutoscaler:
    """The autoscaler of a stack with a pool that tries spot machines first. `named`: other names of some groups."""
    here, changes = with_site(changes)
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
    here, changes = with_site(changes)
    args = {"spec": specs.CertManager(), **changes}
    if args["spec"].issuer.kind == "acme":
        args.setdefault("challenge", challenge())
    return CertManager("cert-manager", CertManagerArgs(site=here, **args))


def monitoring(**changes: Any) -> Monitoring:
    """Prometheus and its companions, which install the CRDs themselves."""
    here, changes = with_site({"monitored": False, **changes})
    return Monitoring("monitoring", MonitoringArgs(site=here, **{"spec": specs.Monitoring(), **changes}))


def alerting(kind: Literal["webhook", "slack", "pagerduty"], inside: specs.InsideReceiver | None = None) -> Monitoring:
    """Monitoring with a receiver."""
    alerts = specs.Alerts(kind=kind, inside=inside)
    return monitoring(spec=specs.Monitoring(alerts=alerts), alert_receiver=RECEIVER)
