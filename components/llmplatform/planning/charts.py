"""The charts that a stack installs, and the add-on that each belongs to."""

from collections.abc import Mapping

from llmplatform.catalog.versions import CHARTS, Chart
from llmplatform.planning.pools import PoolPlan
from llmplatform.specs.addons import AckAcmeIssuer
from llmplatform.specs.section import Section
from llmplatform.specs.stack import AlicloudStack, Stack

_ON_ALL_CLOUDS = {
    "cert_manager": ("cert-manager",),
    "monitoring": ("kube-prometheus-stack", "prometheus-operator-crds"),
}
"""Setting to the charts that it installs."""
_CHARTS_OF: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "aws": {"cluster_autoscaler": ("cluster-autoscaler",), "gpu_operator": ("gpu-operator",), **_ON_ALL_CLOUDS},
    # ACK brings autoscaler, driver and device plugin itself.
    "alicloud": {"gpu_metrics": ("dcgm-exporter",), **_ON_ALL_CLOUDS},
}
_OF_ACME_ON_ALICLOUD = "cert-manager-alidns-webhook"

FOR_GPUS = ("gpu_operator", "gpu_metrics")
"""Add-ons that a stack without a pool of GPUs does not install."""


def installs(addon: Section) -> bool:
    """Whether an add-on is switched on, and not there already."""
    return bool(getattr(addon, "installed", getattr(addon, "enabled", False)))


def charts_by_addon(stack: Stack) -> Mapping[str, tuple[Chart, ...]]:
    """Each add-on that is switched on, and its charts; none where another stack installs them."""
    if stack.platform.kind != "new":
        return {}
    names = {
        addon: charts
        for addon, charts in _CHARTS_OF[stack.cloud.provider].items()
        if installs(getattr(stack.addons, addon))
    }
    if (
        "cert_manager" in names
        and isinstance(stack, AlicloudStack)
        and isinstance(stack.addons.cert_manager.issuer, AckAcmeIssuer)
    ):
        names["cert_manager"] += (_OF_ACME_ON_ALICLOUD,)
    return {addon: tuple(CHARTS[name] for name in charts) for addon, charts in names.items()}


def plan_charts(stack: Stack, pools: tuple[PoolPlan, ...]) -> tuple[Chart, ...]:
    """Every chart that the stack installs."""
    with_gpus = any(pool.gpu for pool in pools)
    return tuple(
        chart
        for addon, charts in charts_by_addon(stack).items()
        for chart in charts
        if with_gpus or addon not in FOR_GPUS
    )
