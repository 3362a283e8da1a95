"""A served model: a Deployment of an inference engine with its own objects, without shared ones.

Makes: service account, API key, the weights, the engine's files, Deployment (or groups of pods) and Service (or an
InferenceService), disruption budget, network policy, a ServiceMonitor if metrics are scraped, and what scales it. Makes
no namespace, no nodes, no gateway.
Dangerous to replace: the API key (every client needs the new one, and all pods restart), and the weights.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as kubernetes
import pulumi_random as random

from llmplatform.base.component import PlatformComponent
from llmplatform.base.contracts import WorkloadIdentity
from llmplatform.base.labels import MODEL_LABEL, labels, selector
from llmplatform.base.ordering import after
from llmplatform.catalog.versions import HYDRATION_IMAGE
from llmplatform.planning import hydration
from llmplatform.planning.models import ModelPlan
from llmplatform.planning.outside import OutsidePlan
from llmplatform.serving import (
    autoscaling,
    engines,
    files,
    hydrators,
    inference_service,
    leader_worker_set,
    network,
    pods,
    workload,
)
from llmplatform.serving.autoscaling import AutoscalingArgs
from llmplatform.serving.hydrators import Command, Hydration, HydrationArgs
from llmplatform.serving.monitoring import monitor
from llmplatform.serving.weights import Weights, WeightsArgs
from llmplatform.serving.workload import Workload, WorkloadArgs
from llmplatform.specs.mirrors import Mirrors

COMPONENT = "model-server"
KEY = "api-key"

core = kubernetes.core.v1
meta = kubernetes.meta.v1


@dataclass(frozen=True, kw_only=True)
class ModelServerArgs:
    """Arguments of `ModelServer`."""

    plan: ModelPlan
    namespace: pulumi.Input[str]
    """Existing namespace of all objects, whose network policy allows DNS."""
    mirrors: Mirrors = field(default_factory=Mirrors)
    storage_class: pulumi.Input[str] = "shared"
    """Class of volumes that several nodes can write."""
    huggingface_token: pulumi.Input[str] | None = None
    """Hugging Face token, for a gated model. Servers never see it."""
    region: str | None = None
    """Region of the cluster on Alibaba Cloud; None elsewhere."""
    identity: WorkloadIdentity | None = None
    """Identity that reads the buckets of the plan: of the account `weights.account`. None: the plan has no buckets."""
    hydration: pulumi.Input[str] | None = None
    """Name of the objects of a `Hydration` in the same namespace. None: it creates its own."""
    registry_password: pulumi.Input[str] | None = None
    """Password of the mirrors' login, for its own `Hydration`. None: there is no login."""
    outside: OutsidePlan = field(default_factory=OutsidePlan)
    """Proxy and certificates, for downloads and for servers with `egress`."""
    monitoring_namespace: pulumi.Input[str] | None = None
    """Namespace of the Prometheus that scrapes the metrics. None: no scraping."""
    monitoring_crds: pulumi.Resource | None = None
    """Release that installs the ServiceMonitor CRD; None if it exists already."""
    prometheus_url: pulumi.Input[str] | None = None
    """Address of that Prometheus, for KEDA; needed to scale by the engine's metrics."""
    keda: pulumi.Resource | None = None
    """Release that installs KEDA; None if it exists already."""
    kserve: pulumi.Resource | None = None
    """Release that installs KServe; None if it exists already."""
    lws: pulumi.Resource | None = None
    """Release that installs LeaderWorkerSet; None if it exists already, or if no replica needs several nodes."""
    ray: pulumi.Resource | None = None
    """Release that installs KubeRay; None if it exists already."""
    ray_operator: pulumi.Input[str] | None = None
    """Namespace of KubeRay's operator. None: there is none."""


@dataclass(frozen=True, kw_only=True)
class Key:
    """The key that clients send."""

    secret: pulumi.Output[str]
    """Name of the Secret that holds it."""
    mark: pulumi.Output[str]
    """Changes with it, and does not tell it."""


class ModelServer(PlatformComponent):
    """One model behind an OpenAI-compatible API."""

    url: pulumi.Output[str]
    """Address within the cluster, without `/v1`."""
    model: pulumi.Output[str]
    """Name that requests give as `model`."""
    api_key_secret: pulumi.Output[str | None]
    """Secret with the key that clients send, under `api-key`. None: the engine asks for no key."""

    def __init__(self, name: str, args: ModelServerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:serving:ModelServer", name, opts)
        self._logical, self._args = name, args
        self._labels = labels(COMPONENT, instance=args.plan.name) | {MODEL_LABEL: args.plan.name}
        self._selector = selector(COMPONENT, args.plan.name)

        self._server = engines.server(args.plan, weights=hydration.path(args.plan.spec, args.mirrors))
        account = self._service_account()
        key = self._api_key() if self._server.api_key_variable else None
        self._hydration = self._own_hydration() if args.hydration is None else args.hydration
        self._weights = self._hydrated() if args.plan.spec.weights.cache != "image" else None
        made = self._workload(account, key)
        self._disruption_budget()
        self._network_policy()
        self._service_monitor()
        self._scaled(made)

        self.url = pulumi.Output.format("http://{0}.{1}.svc:{2}", made.service, args.namespace, made.port)
        self.model = pulumi.Output.from_input(args.plan.name)
        self.api_key_secret = key.secret if key else pulumi.Output.from_input(None)
        self.finish()

    def _meta(self, suffix: str = "", annotations: dict[str, str] | None = None) -> meta.ObjectMetaArgs:
        name = f"{self._args.plan.name}{suffix}"
        return meta.ObjectMetaArgs(
            name=name, namespace=self._args.namespace, labels=self._labels, annotations=annotations
        )

    def _service_account(self) -> pulumi.Output[str]:
        # A pod that downloads its own weights reads their bucket.
        identity = self._args.identity if self._args.plan.spec.weights.cache == "node" else None
        name = self._args.plan.name
        return hydrators.account(f"{self._logical}-account", name, self._meta(), identity, self.child())

    def _api_key(self) -> Key:
        key = random.RandomPassword(f"{self._logical}-api-key", length=40, special=False, opts=self.child())
        secret = core.Secret(
            f"{self._logical}-api-key-secret",
            metadata=self._meta("-api-key"),
            string_data={KEY: pulumi.Output.secret(key.result)},
            opts=self.child(),
        )
        # Pods read a Secret when they start: without a mark on them, a new key would reach one after the other.
        mark = pulumi.Output.secret(key.result.apply(_mark))
        return Key(secret=after(f"{self._args.plan.name}-api-key", secret), mark=mark)

    def _own_hydration(self) -> pulumi.Output[str]:
        args = self._args
        own = HydrationArgs(
            objects=f"{args.plan.name}-hydration",
            namespace=args.namespace,
            mirrors=args.mirrors,
            registry_password=args.registry_password,
            outside=args.outside,
        )
        return Hydration(f"{self._logical}-hydration", own, self.child()).objects

    def _hydrated(self) -> Weights:
        args = self._args
        wanted = WeightsArgs(
            plan=args.plan,
            namespace=args.namespace,
            hydration=self._hydration,
            mirrors=args.mirrors,
            region=args.region,
            storage_class=args.storage_class,
            token=args.huggingface_token,
            identity=args.identity,
            outside=args.outside,
        )
        return Weights(f"{self._logical}-weights", wanted, self.child())

    def _workload(self, account: pulumi.Output[str], key: Key | None) -> Workload:
        plan, pod = self._args.plan, self._pod_args(account, key)
        args = WorkloadArgs(
            plan=plan,
            metadata=self._meta(annotations=workload.OWNED),
            selector=self._selector,
            template=pods.pod_template(pod),
            patience=plan.patience_seconds,
        )
        # A GPU node is bought when there is something to load onto it. No property leans on the Job: another one would
        # make the whole Deployment look replaced.
        weights = [self._weights] if self._weights else []
        if self._by_kserve:
            kserve = [self._args.kserve] if self._args.kserve else []
            return inference_service.workload(self._logical, args, self.child(depends_on=[*weights, *kserve]))
        name, port, worker = plan.name, self._server.api.number, leader_worker_set.worker_template(pod)
        if worker:
            lws = [self._args.lws] if self._args.lws else []
            group = leader_worker_set.groups(self._logical, args, worker, self.child(depends_on=[*weights, *lws]))
            service = after(name, self._service(leader_worker_set.LEADER))
            return Workload(target=after(name, group), form=leader_worker_set.FORM, service=service, port=port)
        made = workload.deployment(f"{self._logical}-deployment", args, self.child(depends_on=weights))
        return Workload(target=after(name, made), service=after(name, self._service()), port=port)

    @property
    def _by_kserve(self) -> bool:
        """Whether KServe makes its pods."""
        return self._args.plan.spec.workload == "kserve"

    @property
    def _downloads(self) -> bool:
        """Whether each pod downloads its weights."""
        return self._weights is not None and self._weights.claim is None

    def _pod_args(self, account: pulumi.Output[str], key: Key | None) -> pods.PodArgs:
        plan, mirrors, weights = self._args.plan, self._args.mirrors, self._weights
        nothing = Command(words=(), program=self._hydration, token=None, outside=self._args.outside)
        variable = self._server.api_key_variable
        return pods.PodArgs(
            plan=plan,
            server=self._server,
            image=mirrors.image(plan.image),
            hydration_image=mirrors.image(HYDRATION_IMAGE),
            labels=self._labels,
            selector=self._selector,
            service_account=account,
            secrets={variable: core.SecretKeySelectorArgs(name=key.secret, key=KEY)} if variable and key else {},
            weights=weights is not None,
            claim=weights.claim if weights else None,
            files=files.config_map(self._logical, self._meta("-files"), self._server.files, self.child()),
            pull_secrets=hydrators.pull_secrets(mirrors, self._hydration),
            hydration=weights.command() if weights else nothing,
            secrets_hash=key.mark if key else None,
            container=inference_service.CONTAINER if self._by_kserve else pods.CONTAINER,
            python_path=not self._by_kserve,
        )

    def _service(self, chosen: Mapping[str, str] | None = None) -> core.Service:
        """`chosen`: further labels of the pods that get requests."""
        return core.Service(
            f"{self._logical}-service",
            # The engine would wait ten minutes for its pods; the Deployment has its own, longer time limit.
            metadata=self._meta(annotations={"pulumi.com/skipAwait": "true"}),
            spec=network.service({**self._selector, **(chosen or {})}, self._server),
            opts=self.child(),
        )

    def _disruption_budget(self) -> None:
        workload.budget(f"{self._logical}-budget", self._meta(), self._selector, self.child(), max_unavailable=1)

    def _network_policy(self) -> kubernetes.networking.v1.NetworkPolicy:
        return kubernetes.networking.v1.NetworkPolicy(
            f"{self._logical}-network",
            metadata=self._meta(),
            spec=network.policy(
                self._selector,
                self._server,
                self._args.monitoring_namespace,
                egress=self._args.plan.spec.egress,
                ways=network.fetching(self._args.mirrors.huggingface, self._args.outside.proxy, self._args.identity)
                if self._downloads
                else (),
            ),
            opts=self.child(),
        )

    def _service_monitor(self, *, of_pods: bool = False) -> None:
        name, metrics, crds = f"{self._logical}-monitor", self._server.metrics, self._args.monitoring_crds
        if metrics and self._args.monitoring_namespace is not None:
            monitor(name, self._meta(), self._selector, metrics, crds, self.child(), of_pods=of_pods)

    def _scaled(self, made: Workload) -> None:
        plan, metrics = self._args.plan, self._server.metrics
        wanted = AutoscalingArgs(
            metadata=self._meta(),
            target=made.target,
            form=made.form,
            model=plan.name,
            most_replicas=plan.most_replicas,
            ranks=plan.spec.data_parallel,
            metrics=metrics.names if metrics else None,
            prometheus_url=self._args.prometheus_url,
            keda=self._args.keda,
        )
        autoscaling.scaler(self._logical, wanted, plan.spec.scaling, self.child())


def _mark(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:16]
