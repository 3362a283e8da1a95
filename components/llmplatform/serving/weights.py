"""The weights of one model for its servers: complete, verified, and below one path.

Makes: for weights on a shared volume its claim, and a download Job, with an account of its own where they come from a
bucket; for weights on the node only parts of the server's pod; for an existing claim nothing. Either download may have
a Secret with the hub's token, which no server sees. The Job's name contains its inputs: another
revision is another Job, which completes before that revision's servers start. A completed Job stays, because the next
update would create a missing one again; a Job without work completes at once. A refusal fails it at once; other faults
are retried until its deadline. The next update replaces a Job that is not complete: it uses the present token, and
continues with the files on the volume.
Dangerous to replace: the claim, because the weights are deleted with it.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.base.component import PlatformComponent
from llmplatform.base.contracts import WorkloadIdentity
from llmplatform.base.labels import MODEL_LABEL, labels, selector
from llmplatform.base.ordering import after
from llmplatform.catalog.models import EXTRAS, ExtraFile, extra_files
from llmplatform.catalog.versions import HYDRATION_IMAGE
from llmplatform.planning import hydration
from llmplatform.planning.models import EVICTABLE, ModelPlan
from llmplatform.planning.outside import OutsidePlan
from llmplatform.serving import hydrators, network
from llmplatform.serving.hydration.faults import TIRED_CODE
from llmplatform.serving.hydrators import Command
from llmplatform.specs.lora import Repository
from llmplatform.specs.mirrors import Mirrors
from llmplatform.specs.models import Model
from llmplatform.specs.sources import address

_RETRIED = (TIRED_CODE, 137, 143)
"""Exit codes after which another try continues: the program's own, killed (also for memory), terminated."""
_HOUR = 3600
_SLACK = 300
"""Beyond the deadline: until the pod is gone and the Job has its reason."""
_KEY = "token"
_ANEW = {"pulumi.com/replaceUnready": "true"}
"""An update replaces the Job until it is complete (pulumi-kubernetes 4.34.2, provider/pkg/provider, `Diff`); else it
would wait for a permanently failed one. So a new token needs no mark on the Job: a digest of the token would be in the
plain state, where guesses can be compared with it, and would replace completed Jobs, too.
"""

core = kubernetes.core.v1
meta = kubernetes.meta.v1
batch = kubernetes.batch.v1


@dataclass(frozen=True, kw_only=True)
class WeightsArgs:
    """Arguments of `Weights`."""

    plan: ModelPlan
    namespace: pulumi.Input[str]
    hydration: pulumi.Input[str]
    """Name of the objects of a `Hydration` in the same namespace."""
    mirrors: Mirrors = field(default_factory=Mirrors)
    region: str | None = None
    """Region of Alibaba Cloud, where ModelScope redirects to storage of the region. None elsewhere."""
    storage_class: pulumi.Input[str] = "shared"
    """Class of volumes that several nodes can write."""
    token: pulumi.Input[str] | None = None
    """Token of Hugging Face."""
    identity: WorkloadIdentity | None = None
    """Identity that reads the buckets of the plan: of the account `planning.hydration.account`. None: it has none."""
    outside: OutsidePlan = field(default_factory=OutsidePlan)


class Weights(PlatformComponent):
    """A model's weights on a volume, or the download before each server."""

    folder: pulumi.Output[str]
    """Folder in the pods."""

    def __init__(self, name: str, args: WeightsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:serving:Weights", name, opts)
        self._logical, self._args = name, args
        self._name = f"{args.plan.name}-weights"
        self._labels = labels(hydrators.COMPONENT, instance=args.plan.name) | {MODEL_LABEL: args.plan.name}
        self._former = [pulumi.Alias(name=name, parent=opts.parent)] if opts and opts.parent else []
        """Former parent of the claim."""
        if args.plan.spec.buckets and args.identity is None:
            raise ValueError(f"models.{args.plan.name}: its bucket needs an identity that may read it")
        self._token = self._secret()
        self.claim = self._existing() or (self._claim() if args.plan.spec.weights.cache == "shared" else None)
        """Claim of the volume. Depends on the Job. None if each node has its own weights."""
        if self.claim is not None and self._existing() is None:
            self._job(self.claim)
        self.folder = pulumi.Output.from_input(hydration.path(args.plan.spec, args.mirrors))
        self.finish()

    def command(self) -> Command:
        """Call of the download program, with its mounts."""
        args, model = self._args, self._args.plan.spec
        place = hydration.source(model, args.mirrors)
        return Command(
            words=(
                "--hub",
                hydration.hub(args.mirrors),
                "--source",
                place,
                "--revision",
                hydration.revision(model, place, args.mirrors),
                "--root",
                hydration.ROOT,
                "--target",
                hydration.folder(model, args.mirrors),
                *(word for extra in extra_files(model.source) for word in ("--extra", _described(extra))),
                *(word for words in _beside(model, args.mirrors) for word in words),
                *(("--endpoint", args.mirrors.huggingface) if args.mirrors.huggingface else ()),
                *(("--region", args.region) if args.region and args.mirrors.models == "modelscope" else ()),
                *_buckets(args.plan),
            ),
            program=args.hydration,
            token=self._token,
            outside=args.outside,
        )

    def _meta(self, suffix: str = "", annotations: Mapping[str, str] | None = None) -> meta.ObjectMetaArgs:
        return meta.ObjectMetaArgs(
            name=f"{self._name}{suffix}", namespace=self._args.namespace, labels=self._labels, annotations=annotations
        )

    def _secret(self) -> pulumi.Output[str] | None:
        """The token if the hub needs it, and always at huggingface.co: anonymous callers are limited first.

        A mirror gets the token only for gated models.
        """
        args, model = self._args, self._args.plan.spec
        if not _hub_is_asked(model):
            return None
        if model.gated and args.token is None:
            raise ValueError(f"models.{args.plan.name}: its weights are gated; set secrets.huggingface_token")
        elsewhere = args.mirrors.models != "huggingface" or args.mirrors.huggingface
        if args.token is None or (elsewhere and not model.gated):
            return None
        secret = core.Secret(
            f"{self._logical}-token",
            metadata=self._meta("-token"),
            string_data={_KEY: pulumi.Output.secret(args.token)},
            opts=self.child(),
        )
        return after(f"{self._name}-token", secret)

    def _claim(self) -> pulumi.Output[str]:
        size = core.VolumeResourceRequirementsArgs(requests={"storage": f"{self._args.plan.volume_gib}Gi"})
        claim = core.PersistentVolumeClaim(
            f"{self._logical}-volume",
            metadata=self._meta(),
            spec=core.PersistentVolumeClaimSpecArgs(
                access_modes=["ReadWriteMany"], storage_class_name=self._args.storage_class, resources=size
            ),
            # Another size, which may follow from another model, would replace a claim in use, which hangs until its
            # pods are gone. A shared file system grows by itself and ignores the size.
            opts=self.child(ignore_changes=["spec.resources"], aliases=self._former),
        )
        return after(self._name, claim)

    def _existing(self) -> pulumi.Output[str] | None:
        claim = self._args.plan.spec.weights.claim
        return pulumi.Output.from_input(claim) if claim else None

    def _account(self) -> pulumi.Input[str]:
        """The account of the Job: without rights, unless it reads a bucket. No server has the rights."""
        identity = self._args.identity
        if identity is None:
            return self._args.hydration
        if ways := network.credentials(identity):
            chosen = meta.LabelSelectorArgs(match_labels=selector(hydrators.COMPONENT, self._args.plan.name))
            kubernetes.networking.v1.NetworkPolicy(
                f"{self._logical}-network",
                metadata=self._meta(),
                spec=kubernetes.networking.v1.NetworkPolicySpecArgs(
                    pod_selector=chosen, policy_types=["Egress"], egress=ways
                ),
                opts=self.child(),
            )
        return hydrators.account(f"{self._logical}-account", self._name, self._meta(), identity, self.child())

    def _unchangeable(self, command: Command, image: str) -> list[object]:
        login = ["login"] if self._args.mirrors.login else []
        outside = command.outside
        way = [outside.variables, outside.certificates is not None] if outside != OutsidePlan() else []
        # The API server refuses another failure policy, and Pulumi's provider does not know that.
        return [command.words, image, command.token is not None, _RETRIED, *login, *way]

    def _job(self, claim: pulumi.Output[str]) -> batch.Job:
        command, image = self.command(), self._args.mirrors.image(HYDRATION_IMAGE)
        volumes, mounts = hydrators.volumes(command)
        container = core.ContainerArgs(
            **hydrators.container(command, image),
            volume_mounts=[core.VolumeMountArgs(name="weights", mount_path=hydration.ROOT), *mounts],
        )
        source = core.PersistentVolumeClaimVolumeSourceArgs(claim_name=claim)
        pod = core.PodSpecArgs(
            service_account_name=self._account(),
            automount_service_account_token=False,
            enable_service_links=False,
            image_pull_secrets=hydrators.pull_secrets(self._args.mirrors, self._args.hydration),
            restart_policy="Never",
            security_context=hydrators.pod_security(),
            containers=[container],
            volumes=[core.VolumeArgs(name="weights", persistent_volume_claim=source), *volumes],
        )
        deadline = _deadline(self._args.plan.start.node_seconds + self._args.plan.hydration_seconds)
        seconds = f"{deadline + _SLACK}s"
        return batch.Job(
            f"{self._logical}-job",
            # Everything immutable of a Job is in its name: another one is created beside it, and nothing waits for its
            # end.
            metadata=self._meta(f"-{hydration.fingerprint(self._unchangeable(command, image))}", _ANEW),
            spec=batch.JobSpecArgs(
                backoff_limit=0,
                active_deadline_seconds=deadline,
                pod_failure_policy=_failures(),
                template=core.PodTemplateSpecArgs(
                    metadata=meta.ObjectMetaArgs(
                        labels=self._labels,
                        # Removing the node now would repeat the download.
                        annotations={EVICTABLE: "false"},
                    ),
                    spec=pod,
                ),
            ),
            opts=self.child(custom_timeouts=pulumi.CustomTimeouts(create=seconds, update=seconds)),
        )


def _described(extra: ExtraFile) -> str:
    return f"{EXTRAS}/{extra.name}={extra.sha256}={extra.url}"


def _buckets(plan: ModelPlan) -> tuple[str, ...]:
    found = plan.buckets
    if found is None:
        return ()
    sts = ("--sts", found.sts) if found.sts else ()
    return ("--bucket-region", found.region, "--bucket-endpoint", found.endpoint, *sts)


def _hub_is_asked(model: Model) -> bool:
    """Whether anything comes from a hub."""
    adapters = model.lora.adapters.values() if model.lora else ()
    places = [model.weights.source or model.source, *(each.source for each in adapters)]
    return model.engine.draft is not None or any(address(each) is None for each in places)


def _beside(model: Model, mirrors: Mirrors) -> Iterator[tuple[str, ...]]:
    def described(each: Repository) -> tuple[str, ...]:
        place = each.source if address(each.source) else mirrors.model(each.source)
        return place, hydration.revision(each, place, mirrors), hydration.beside(each)

    for adapter in model.lora.adapters.values() if model.lora else ():
        yield "--adapter", *described(adapter), str(adapter.rank), adapter.base or model.source
    if model.engine.draft:
        yield "--beside", *described(model.engine.draft)


def _deadline(seconds: int) -> int:
    """Whole hours: mostly unchanged for a completed Job when the stack gets another model."""
    return math.ceil(seconds / _HOUR) * _HOUR


def _failures() -> batch.PodFailurePolicyArgs:
    """Failures that cost no try, because there is only one: all others, such as a refusal, fail the Job at once.

    An update learns of an end for one of two reasons alone, the last try and the deadline; after `FailJob` it would
    wait for good (pulumi-kubernetes, provider/pkg/await/checker/job/check.go, `collectJobConditionErrors`). Tries that
    cost nothing come after 10 s, 20 s and so on to 10 minutes (Kubernetes 1.35, pkg/controller/job, `backoffRecord`).
    """
    again = batch.PodFailurePolicyOnExitCodesRequirementArgs(
        container_name=hydrators.CONTAINER, operator="In", values=list(_RETRIED)
    )
    disrupted = batch.PodFailurePolicyOnPodConditionsPatternArgs(type="DisruptionTarget", status="True")
    return batch.PodFailurePolicyArgs(
        rules=[
            batch.PodFailurePolicyRuleArgs(action="Ignore", on_pod_conditions=[disrupted]),
            batch.PodFailurePolicyRuleArgs(action="Ignore", on_exit_codes=again),
        ]
    )
