"""Recording rules and alerts in the cluster: a PrometheusRule, which the Prometheus Operator hands to Prometheus.

Safe to replace: alerts that fire are silent for a minute, and records have a gap.
Source: prometheus-operator v0.93.1, pkg/apis/monitoring/v1/prometheusrule_types.go.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.base.component import PlatformComponent
from llmplatform.base.labels import labels
from llmplatform.base.ordering import after
from llmplatform.planning.rules import Group

COMPONENT = "alert-rules"
PAGES = "docs/runbooks"
"""Folder of the runbook pages, in this repository."""


@dataclass(frozen=True, kw_only=True)
class RulesArgs:
    """Arguments of `Rules`."""

    name: str
    """Name of the object."""
    namespace: pulumi.Input[str]
    """Existing namespace of the object. Prometheus reads those of every namespace."""
    groups: Sequence[Group]
    crds: pulumi.Resource | None
    """Release that installs its CRD; None if the cluster has it."""


class Rules(PlatformComponent):
    """Rules about one concern."""

    name: pulumi.Output[str]
    """Name of the object."""

    def __init__(self, name: str, args: RulesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:addons:Rules", name, opts)
        made = kubernetes.apiextensions.CustomResource(
            f"{name}-rule",
            api_version="monitoring.coreos.com/v1",
            kind="PrometheusRule",
            metadata=kubernetes.meta.v1.ObjectMetaArgs(
                name=args.name, namespace=args.namespace, labels=labels(COMPONENT, instance=args.name)
            ),
            spec={"groups": [group.plain() for group in args.groups]},
            opts=self.child(depends_on=[args.crds] if args.crds else []),
        )
        self.name = after(args.name, made)
        self.finish()
