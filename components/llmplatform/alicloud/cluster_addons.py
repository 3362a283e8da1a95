"""Managed add-ons that need a node to run on: metrics, identities of pods, log collection, image pulls.

They are created in parallel once nodes are ready. Every cluster includes DNS and the cloud controller.
Needed: a pool without taints; for pulling images, the role AliyunCSManagedAcrRole.
Source of the credential helper's configuration: Container Registry user guide, "Use the passwordless component to pull
images": the managed edition reads it at installation, the self-managed one only from a ConfigMap afterwards.
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
"""Add-ons without configuration."""

COLLECTOR = "loongcollector"
"""Collects logs into the log service, and installs the CRDs that configure it."""

CREDENTIAL_HELPER = "managed-aliyun-acr-credential-helper"
"""Puts short-lived registry credentials into namespaces, and adds them to service accounts: no password is stored."""

HELPER_WEBHOOK = "acr-credential-helper-webhook"
"""Adds the credentials to a service account at its creation. Without it, pods that start right after their account is
created, as those of a chart, never get them."""


@dataclass(frozen=True, kw_only=True)
class ClusterAddonsArgs:
    """Inputs of the add-ons."""

    cluster_id: pulumi.Input[str]
    """Id of the cluster, from a pool without taints: it depends on the pool's nodes."""
    log_project: pulumi.Input[str] | None
    """Project of the log service for the collector; None: no collector."""
    registry: pulumi.Input[str] | None = None
    """Instance of Container Registry Enterprise Edition that pods pull from; None: no credential helper."""
    pulling: Sequence[str] = ()
    """Namespaces whose pods pull from it."""
    region: str

    def __post_init__(self) -> None:
        if self.registry is not None and not self.pulling:
            raise ValueError("a credential helper needs the namespaces whose pods pull from the registry")


class ClusterAddons(PlatformComponent):
    """The add-ons that workloads need."""

    cluster_id: pulumi.Output[str]
    """Id of the cluster, for resources that need identities. Depends on the add-ons."""

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
            # Without a name it creates a project of its own, which would outlive the cluster.
            return {"sls_project_name": project, "IngressDashboardEnabled": "false"}

        return self._addon(COLLECTOR, pulumi.Output.from_input(log_project).apply(configuration).apply(canonical))

    def _credential_helper(self, registry: pulumi.Input[str]) -> alicloud.cs.KubernetesAddon:
        def configuration(instance: str) -> Mapping[str, object]:
            return {
                "AcrInstanceInfo": [{"instanceId": instance, "regionId": self._args.region}],
                # Images of system components are Alibaba's own: the page advises to list only one's own namespaces.
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
