"""A model behind Ray Serve: a RayService with the objects of every model server.

Makes what `ModelServer` makes, but for Deployment and Service: KubeRay makes pods and Service of the RayService.
Dangerous to replace: as `ModelServer`; and the RayService, whose pods go with it.
"""

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.base import network_policy
from llmplatform.base.ordering import after
from llmplatform.planning import hydration
from llmplatform.serving import ray_service, workload
from llmplatform.serving.engines.ray_serve import FACTS
from llmplatform.serving.model_server import Key, ModelServer
from llmplatform.serving.workload import Workload
from llmplatform.specs.scaling import RayScaling

networking = kubernetes.networking.v1
meta = kubernetes.meta.v1

_HEAD = {"ray.io/node-type": "head"}


class RayServer(ModelServer):
    """One model behind an OpenAI-compatible API, on a Ray cluster of its own."""

    def _workload(self, account: pulumi.Output[str], key: Key | None) -> Workload:
        plan = self._args.plan
        args = ray_service.RayServiceArgs(
            plan=plan,
            server=self._server,
            weights=hydration.path(plan.spec, self._args.mirrors),
            pod=self._pod_args(account, key),
            labels=self._labels,
        )
        # Head and image first, and its own download where the node has the weights.
        patience = plan.start.node_seconds + plan.patience_seconds
        seconds = f"{patience * max(1, plan.most_replicas)}s"
        timeouts = pulumi.CustomTimeouts(create=seconds, update=seconds)
        before = [each for each in (self._weights, self._args.ray) if each]
        opts = self.child(depends_on=before, custom_timeouts=timeouts)
        if ray_service.upgrade(plan) == "None":
            opts = pulumi.ResourceOptions.merge(opts, ray_service.replaced_by())
        made = kubernetes.apiextensions.CustomResource(
            f"{self._logical}-ray-service",
            api_version="ray.io/v1",
            kind="RayService",
            metadata=self._meta(annotations=_AWAITED if plan.least_replicas else None),
            spec=ray_service.spec(args),
            opts=opts,
        )
        name = after(plan.name, made)
        return Workload(target=name, form=("ray.io/v1", "RayService"), service=name, port=self._server.api.number)

    def _disruption_budget(self) -> None:
        """A number of pods: RayCluster has no `scale`, from which the largest number of missing ones would follow."""
        least = self._args.plan.least_replicas
        workload.budget(f"{self._logical}-budget", self._meta(), self._selector, self.child(), min_available=least)

    def _network_policy(self) -> kubernetes.networking.v1.NetworkPolicy:
        own = networking.NetworkPolicyPeerArgs(pod_selector=meta.LabelSelectorArgs(match_labels=self._selector))
        operator = self._args.ray_operator
        dashboard = network_policy.port(FACTS.ports["dashboard"])
        inward = [networking.NetworkPolicyIngressRuleArgs(from_=[own])]
        if operator is not None:
            inward.append(
                networking.NetworkPolicyIngressRuleArgs(from_=[network_policy.namespace(operator)], ports=[dashboard])
            )
        # Ray's processes listen on ports of their own choice.
        self._policy("-ray", {}, inward, [networking.NetworkPolicyEgressRuleArgs(to=[own])])
        if isinstance(self._args.plan.spec.scaling, RayScaling):
            ports = [network_policy.port(each) for each in (network_policy.HTTPS_PORT, network_policy.ACK_API_PORT)]
            outward = networking.NetworkPolicyEgressRuleArgs(to=[network_policy.elsewhere()], ports=ports)
            self._policy("-ray-head", _HEAD, [], [outward])
        return super()._network_policy()

    def _policy(
        self,
        suffix: str,
        chosen: dict[str, str],
        inward: list[networking.NetworkPolicyIngressRuleArgs],
        outward: list[networking.NetworkPolicyEgressRuleArgs],
    ) -> None:
        networking.NetworkPolicy(
            f"{self._logical}-network{suffix}",
            metadata=self._meta(suffix),
            spec=networking.NetworkPolicySpecArgs(
                pod_selector=meta.LabelSelectorArgs(match_labels=self._selector | chosen),
                policy_types=[*(["Ingress"] if inward else []), "Egress"],
                ingress=inward or None,
                egress=outward,
            ),
            opts=self.child(),
        )

    def _service_monitor(self, *, of_pods: bool = True) -> None:
        """Of the pods: KubeRay's Service has no port of the metrics, and selects no head."""
        super()._service_monitor(of_pods=of_pods)

    def _scaled(self, made: Workload) -> None:
        """Ray scales it."""


_AWAITED = {"pulumi.com/waitFor": '["condition=Ready","condition=UpgradeInProgress=False"]'}
"""An update ends when the model is served, and by no cluster that another is to replace: while there are two, the old
one keeps the RayService ready. All of a list are awaited (pulumi-kubernetes, provider/pkg/metadata/overrides.go,
ReadyCondition), and only as of the newest generation (provider/pkg/await/condition, checkCondition); conditions:
KubeRay v1.7.0, controllers/ray/rayservice_controller.go, calculateConditions."""
