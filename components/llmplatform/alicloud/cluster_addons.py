"""Managed add-ons that need a node to run on: metrics, identities of pods, collection of logs, pulling images.

They are made side by side once there are nodes. Cluster DNS and the cloud controller come with every cluster.
Needed: a pool without taints; for pulling images, the role AliyunCSManagedAcrRole.
Source of the credential helper's configuration: Container Registry user guide, "Use the passwordless component to pull
images": the managed edition takes it when it is installed, the self-managed one only from a ConfigMap afterwards.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_alicloud as alicloud

from llmplatform.alicloud.addon_config import canonical
from llmplatform.base.component import PlatformComponent
from llmplatform.base.ordering import after
from llmplatform.catalog import versions

ADDONS = ("metrics-server", "ack-pod-identity-webhook")
"""Add-ons that take no configuration."""

COLLECTOR = "loongcollector"
"""Collects logs into the log service, and brings the kinds by which it is told to."""

CREDENTIAL_HELPER = "managed-aliyun-acr-credential-helper"
"""Puts short-lived credentials of the registry into namespaces, and ties them to their service accounts: nobody stores
a password."""

HELPER_WEBHOOK = "acr-credential-helper-webhook"
"""Ties the credentials to a service account at the moment it is made. Without it, pods that are made right after their
account, as a chart's are, never get them."""


@dataclass(frozen=True, kw_only=True)
class ClusterAddonsArgs:
    """Which cluster."""

    cluster_id: pulumi.Input[str]
    """Id of the cluster, from a pool without taints: that output waits for its nodes."""
    log_project: pulumi.Input[str] | None
    """Project of the log service that the collector reports to; None: no collector."""
    registry: pulumi.Input[str] | None = None
    """Instance of Container Registry Enterprise Edition that pods pull from; None: no credential helper."""
    pulling: Sequence[str] = ()
    """Namespaces whose pods pull from it."""
    region: str

    def __post_init__(self) -> None:
        if self.registry is not None and not self.pulling:
            raise ValueError("a credential helper needs the namespaces whose pods pull from the registry")


class ClusterAddons(PlatformComponent):
    """The add-ons that workloads lean on."""

    cluster_id: pulumi.Output[str]
    """Id of the cluster, for what needs identities: it is made after the add-ons and gone before them."""

    def __init__(self, name: str, args: ClusterAddonsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:alicloud:ClusterAddons", name, opts)
        self._prefix, self._args = name, args
        made = [self._addon(addon) for addon in ADDONS]
        if args.log_project is not None:
            made.append(self._collector(args.log_project))
        if args.registry is not None:
            made += [self._credential_helper(args.registry), self._addon(HELPER_WEBHOOK)]
        self.cluster_id = after(args.cluster_id, *made)
        self.finish()

    def _collector(self, log_project: pulumi.Input[str]) -> alicloud.cs.KubernetesAddon:
        def configuration(project: str) -> Mapping[str, str]:
            # Without a name it makes a project of its own, which would stay when the cluster goes.
            return {"sls_project_name": project, "IngressDashboardEnabled": "false"}

        return self._addon(COLLECTOR, pulumi.Output.from_input(log_project).apply(configuration).apply(canonical))

    def _credential_helper(self, registry: pulumi.Input[str]) -> alicloud.cs.KubernetesAddon:
        def configuration(instance: str) -> Mapping[str, object]:
            return {
                "AcrInstanceInfo": [{"instanceId": instance, "regionId": self._args.region}],
                # A system component's images are Alibaba's own: the page advises to name no namespace but one's own.
                "watchNamespace": ",".join(sorted(self._args.pulling)),
                "serviceAccount": "*",
                "expiringThreshold": "15m",
                "enableRRSA": False,
            }

        return self._addon(CREDENTIAL_HELPER, pulumi.Output.from_input(registry).apply(configuration).apply(canonical))

    def _addon(self, addon: str, config: pulumi.Input[str] | None = None) -> alicloud.cs.KubernetesAddon:
        return alicloud.cs.KubernetesAddon(
            f"{self._prefix}-{addon}",
            cluster_id=self._args.cluster_id,
            name=addon,
            version=versions.ACK_ADDONS[addon],
            config=config,
            opts=self.child(),
        )
