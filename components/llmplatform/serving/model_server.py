"""A served model: a Deployment of an inference engine, with all that it needs and nothing of what is shared.

Makes: service account, API key, token for gated weights, weights' volume, Deployment, Service, disruption budget,
network policy, and a ServiceMonitor where metrics are scraped. Makes no namespace, no nodes, no gateway.
Dangerous to replace: the claim of the weights (they are downloaded again) and the API key (every client needs the new
one).
"""

from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as kubernetes
import pulumi_random as random

from llmplatform.base.component import PlatformComponent
from llmplatform.base.labels import labels, selector
from llmplatform.base.ordering import after
from llmplatform.planning.models import ModelPlan
from llmplatform.serving import network, pods
from llmplatform.serving.engines import vllm
from llmplatform.specs.mirrors import Mirrors

COMPONENT = "model-server"
KEY = "api-key"
TOKEN = "token"  # noqa: S105 the name of a key
NODE_SECONDS = 1200
"""Time for a node that does not exist yet: spot refused, bought on demand, started, image of 10 GB and more pulled."""

core = kubernetes.core.v1
meta = kubernetes.meta.v1


@dataclass(frozen=True, kw_only=True)
class ModelServerArgs:
    """Arguments of `ModelServer`."""

    plan: ModelPlan
    namespace: pulumi.Input[str]
    """Namespace of all objects; it exists, and its network policy lets DNS through."""
    mirrors: Mirrors = field(default_factory=Mirrors)
    storage_class: pulumi.Input[str] = "shared"
    """Class of volumes that several nodes can write."""
    huggingface_token: pulumi.Input[str] | None = None
    """Token for gated weights; needed when the model says that it is gated."""
    monitoring_namespace: pulumi.Input[str] | None = None
    """Namespace of the Prometheus that scrapes the metrics. None: nobody does."""
    monitoring_kinds: pulumi.Resource | None = None
    """What brings the kind ServiceMonitor into the cluster; None when it is there already."""


class ModelServer(PlatformComponent):
    """One model behind an OpenAI-compatible API."""

    url: pulumi.Output[str]
    """Address within the cluster, without `/v1`."""
    model: pulumi.Output[str]
    """Name that requests give as `model`."""
    api_key_secret: pulumi.Output[str]
    """Secret with the key that clients send, under `api-key`."""

    def __init__(self, name: str, args: ModelServerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:serving:ModelServer", name, opts)
        self._logical, self._args = name, args
        self._labels = labels(COMPONENT, instance=args.plan.name) | {"llmplatform.dev/model": args.plan.name}
        self._selector = selector(COMPONENT, args.plan.name)

        account = self._service_account()
        secrets = self._secrets()
        claim = self._weights_claim()
        self._deployment(account, secrets, claim)
        service = self._service()
        self._disruption_budget()
        self._network_policy()
        self._service_monitor()

        address = pulumi.Output.format("http://{0}.{1}.svc:{2}", args.plan.name, args.namespace, vllm.PORT)
        self.url = after(address, service)
        self.model = pulumi.Output.from_input(args.plan.name)
        self.api_key_secret = secrets[vllm.API_KEY_VARIABLE]
        self.finish()

    def _meta(self, suffix: str = "") -> meta.ObjectMetaArgs:
        name = f"{self._args.plan.name}{suffix}"
        return meta.ObjectMetaArgs(name=name, namespace=self._args.namespace, labels=self._labels)

    def _service_account(self) -> pulumi.Output[str]:
        account = core.ServiceAccount(
            f"{self._logical}-account",
            metadata=self._meta(),
            automount_service_account_token=False,
            opts=self.child(),
        )
        return after(self._args.plan.name, account)

    def _secrets(self) -> dict[str, pulumi.Output[str]]:
        """Environment variable to the name of the Secret that holds its value."""
        password = random.RandomPassword(f"{self._logical}-api-key", length=40, special=False, opts=self.child())
        found = {vllm.API_KEY_VARIABLE: self._secret("api-key", KEY, password.result)}
        if self._args.plan.spec.gated:
            if self._args.huggingface_token is None:
                raise ValueError(f"models.{self._args.plan.name}: its weights are gated; set secrets.huggingface_token")
            found[vllm.TOKEN_VARIABLE] = self._secret("huggingface", TOKEN, self._args.huggingface_token)
        return found

    def _secret(self, role: str, key: str, value: pulumi.Input[str]) -> pulumi.Output[str]:
        secret = core.Secret(
            f"{self._logical}-{role}-secret",
            metadata=self._meta(f"-{role}"),
            string_data={key: pulumi.Output.secret(value)},
            opts=self.child(),
        )
        return after(f"{self._args.plan.name}-{role}", secret)

    def _weights_claim(self) -> pulumi.Output[str] | None:
        if self._args.plan.spec.weights.cache == "node":
            return None
        size = core.VolumeResourceRequirementsArgs(requests={"storage": f"{self._args.plan.volume_gib}Gi"})
        claim = core.PersistentVolumeClaim(
            f"{self._logical}-weights",
            metadata=self._meta("-weights"),
            spec=core.PersistentVolumeClaimSpecArgs(
                access_modes=["ReadWriteMany"], storage_class_name=self._args.storage_class, resources=size
            ),
            # Another size, which follows from another model, would replace a claim that pods use and that hangs until
            # they are gone; a shared file system grows by itself and ignores the size.
            opts=self.child(ignore_changes=["spec.resources"]),
        )
        return after(f"{self._args.plan.name}-weights", claim)

    def _deployment(
        self,
        account: pulumi.Output[str],
        secrets: dict[str, pulumi.Output[str]],
        claim: pulumi.Output[str] | None,
    ) -> kubernetes.apps.v1.Deployment:
        plan = self._args.plan
        patience = NODE_SECONDS + plan.startup_seconds
        seconds = f"{patience * max(1, plan.spec.replicas)}s"
        return kubernetes.apps.v1.Deployment(
            f"{self._logical}-deployment",
            metadata=self._meta(),
            spec=kubernetes.apps.v1.DeploymentSpecArgs(
                replicas=plan.spec.replicas,
                selector=meta.LabelSelectorArgs(match_labels=self._selector),
                strategy=_strategy(plan.spec.replicas),
                progress_deadline_seconds=patience,
                revision_history_limit=3,
                template=pods.pod_template(self._pod_args(account, secrets, claim)),
            ),
            opts=self.child(custom_timeouts=pulumi.CustomTimeouts(create=seconds, update=seconds)),
        )

    def _pod_args(
        self,
        account: pulumi.Output[str],
        secrets: dict[str, pulumi.Output[str]],
        claim: pulumi.Output[str] | None,
    ) -> pods.PodArgs:
        plan, mirrors = self._args.plan, self._args.mirrors
        keys = {vllm.API_KEY_VARIABLE: KEY, vllm.TOKEN_VARIABLE: TOKEN}
        return pods.PodArgs(
            plan=plan,
            source=mirrors.model(plan.spec.source),
            image=mirrors.image(vllm.image(plan)),
            labels=self._labels,
            selector=self._selector,
            service_account=account,
            environment=vllm.environment(
                plan, huggingface=mirrors.huggingface, modelscope=mirrors.models == "modelscope"
            ),
            secrets={
                variable: core.SecretKeySelectorArgs(name=secret, key=keys[variable])
                for variable, secret in secrets.items()
            },
            claim=claim,
        )

    def _service(self) -> core.Service:
        described = self._meta()
        # The engine would wait ten minutes for its pods, which may take longer and for which the Deployment waits.
        described.annotations = {"pulumi.com/skipAwait": "true"}
        return core.Service(
            f"{self._logical}-service",
            metadata=described,
            spec=core.ServiceSpecArgs(
                type="ClusterIP",
                selector=self._selector,
                ports=[
                    core.ServicePortArgs(
                        name=pods.PORT_NAME, port=vllm.PORT, target_port=pods.PORT_NAME, app_protocol="http"
                    )
                ],
            ),
            opts=self.child(),
        )

    def _disruption_budget(self) -> kubernetes.policy.v1.PodDisruptionBudget:
        return kubernetes.policy.v1.PodDisruptionBudget(
            f"{self._logical}-budget",
            metadata=self._meta(),
            spec=kubernetes.policy.v1.PodDisruptionBudgetSpecArgs(
                max_unavailable=1,
                selector=meta.LabelSelectorArgs(match_labels=self._selector),
                # A server that never got ready must not keep its node from being drained.
                unhealthy_pod_eviction_policy="AlwaysAllow",
            ),
            opts=self.child(),
        )

    def _network_policy(self) -> kubernetes.networking.v1.NetworkPolicy:
        return kubernetes.networking.v1.NetworkPolicy(
            f"{self._logical}-network",
            metadata=self._meta(),
            spec=network.policy(
                self._selector, self._args.monitoring_namespace, huggingface=self._args.mirrors.huggingface
            ),
            opts=self.child(),
        )

    def _service_monitor(self) -> None:
        if self._args.monitoring_namespace is None:
            return
        kinds = self._args.monitoring_kinds
        kubernetes.apiextensions.CustomResource(
            f"{self._logical}-monitor",
            api_version="monitoring.coreos.com/v1",
            kind="ServiceMonitor",
            metadata=self._meta(),
            spec={
                "selector": {"matchLabels": self._selector},
                "endpoints": [{"port": pods.PORT_NAME, "path": vllm.METRICS_PATH, "interval": "15s"}],
            },
            # The kind is unknown to the API server before; no output of the release tells.
            opts=self.child(depends_on=[kinds] if kinds else []),
        )


def _strategy(replicas: int) -> kubernetes.apps.v1.DeploymentStrategyArgs:
    """Never a pod more than before: it would wait for a GPU that only the old one can free."""
    if replicas <= 1:
        # The new pod is made only when the old one has gone, so that the autoscaler buys no node for it.
        return kubernetes.apps.v1.DeploymentStrategyArgs(type="Recreate")
    return kubernetes.apps.v1.DeploymentStrategyArgs(
        type="RollingUpdate",
        rolling_update=kubernetes.apps.v1.RollingUpdateDeploymentArgs(max_surge=0, max_unavailable=1),
    )
