"""The output `platform` from end to end: the platform's program writes it, `use-platform` puts it into the file of a
stack of models, and that one's objects are what the platform's are. A field that is lost on the way fails here."""

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args

import pytest
import yaml
from support.existing_things import CLUSTERS, NETWORKS
from support.program import run_program, stack_config
from typer.testing import CliRunner

from llmplatform.checks import load_stack, parse, parse_platform_ref
from llmplatform.cli.app import app
from llmplatform.specs import AlicloudPlatformRef, AwsPlatformRef, PlatformRef
from llmplatform.specs.section import Section
from llmplatform.specs.stack import Stack
from llmplatform.testing import RecordingEngine

Document = dict[str, Any]

REGISTRIES = ("docker.io", "ghcr.io", "nvcr.io", "quay.io", "registry.k8s.io")
MIRRORS: Mapping[str, Document] = {
    "dev": {
        "images": {registry: f"mirror.example.org/{registry}" for registry in REGISTRIES},
        "charts": {"https://helm.ngc.nvidia.com": "https://charts.example.org/jetstack"},
        "huggingface": "https://weights.example.org",
    },
    "dev-ack": {
        "images": {registry: f"acme.cn-hangzhou.cr.aliyuncs.com/{registry}" for registry in REGISTRIES},
        "charts": {"https://helm.ngc.nvidia.com": "https://charts.example.cn/jetstack"},
        "models": "modelscope",
        "acr": "cri-abcdefgh12345678",
        "acr_link": "existing",
    },
}
MORE_OF_THE_NETWORK: Mapping[str, Document] = {
    "dev": {
        "public_subnets": {"us-east-1a": "subnet-0123456789abcdefa", "us-east-1b": "subnet-0123456789abcdefb"},
        "private_subnet_cidrs": {"us-east-1a": "10.20.0.0/19", "us-east-1b": "10.20.32.0/19"},
    },
    "dev-ack": {
        "pod_vswitches": {
            zone: {"id": f"vsw-bp12mw1f8k3jgygk9ab{zone[-1]}p", "cidr": cidr}
            for zone, cidr in (("cn-hangzhou-j", "10.40.64.0/19"), ("cn-hangzhou-k", "10.40.96.0/19"))
        }
    },
}
OWN = """\
config:
  llmplatform:environment: {name: %s, owner: search, cost_center: "1", protection: none}
  llmplatform:models:
    small: {source: Qwen/Qwen3-4B, pool: gpu}
"""


@dataclass(frozen=True)
class Scenario:
    """A platform's stack and what came of it. Network and cluster exist, so that their ids are known."""

    name: str
    stack: Stack
    engine: RecordingEngine

    @property
    def told(self) -> Document:
        """The output as `pulumi stack output --json` prints it."""
        return json.loads(json.dumps(self.engine.result["platform"]))

    @property
    def ref(self) -> PlatformRef:
        return parse_platform_ref(self.told)

    def spec(self, kind: str, name: str = "") -> Document:
        (found,) = [each for each in self.engine.all(kind) if name in ("", each.inputs["metadata"]["name"])]
        return found.inputs


@cache
def scenario(name: str) -> Scenario:
    config = deepcopy(stack_config(name))
    config["llmplatform:network"] = {**NETWORKS[name], **MORE_OF_THE_NETWORK[name]}
    config["llmplatform:cluster"] = CLUSTERS[name]
    config["llmplatform:platform"] = {"kind": "new", "models_namespace": "inference"}
    config["llmplatform:mirrors"] = MIRRORS[name]
    config["llmplatform:outside"] = {"proxy": "http://proxy.example.org:3128"}
    plain = {key.removeprefix("llmplatform:"): value for key, value in config.items()}
    return Scenario(name, parse(plain, name), run_program(config, name))


@pytest.fixture(params=["dev", "dev-ack"])
def platform(request: pytest.FixtureRequest) -> Scenario:
    return scenario(request.param)


def groups(annotated: object, told: Any, path: str = "") -> Iterator[tuple[str, type[Section], Document]]:
    """Every group of fields of a reference: where it is, its model, and what the program has said of it."""
    if isinstance(annotated, UnionType):
        if told is not None:
            (annotated,) = (each for each in get_args(annotated) if each is not NoneType)
            yield from groups(annotated, told, path)
    elif isinstance(annotated, type) and issubclass(annotated, Section):
        yield path, annotated, told
        for name, field in annotated.model_fields.items():
            yield from groups(field.annotation, told.get(name), f"{path}.{name}".removeprefix("."))
    elif isinstance(told, dict):
        for name, each in told.items():
            yield from groups(get_args(annotated)[-1], each, f"{path}.{name}")
    elif isinstance(told, list):
        for each in told:
            yield from groups(get_args(annotated)[0], each, f"{path}[]")


AS_IN_THE_STACK_FILE = ("cloud", "pools", "mirrors", "outside")
"""Sections that are told as they are written: what has its default is left out."""


def test_the_program_tells_every_field_of_every_group(platform: Scenario) -> None:
    kind = AwsPlatformRef if platform.name == "dev" else AlicloudPlatformRef
    found = [each for each in groups(kind, platform.told) if not each[0].startswith(AS_IN_THE_STACK_FILE)]
    assert {path for path, _, _ in found} >= {"", "network", "cluster", "platform", "namespace", "workload_identity"}
    for path, model, told in found:
        assert set(told) == set(model.model_fields), f"{path}: a reader would take the default for the rest"


def test_what_is_told_is_what_the_platform_is(platform: Scenario) -> None:
    ref, stack = platform.ref, platform.stack
    assert (ref.environment, ref.cloud, ref.mirrors) == (stack.environment.name, stack.cloud, stack.mirrors)
    assert (ref.network, ref.cluster) == (stack.network, stack.cluster)
    assert ref.pools == {name: pool.model_copy(update={"existing": True}) for name, pool in stack.pools.items()}
    assert ref.platform.models_namespace == "inference"
    assert ref.platform.monitoring_namespace == "monitoring"
    classes = {
        each.inputs["metadata"]["name"] for each in platform.engine.all("kubernetes:storage.k8s.io/v1:StorageClass")
    }
    assert {ref.platform.shared_storage_class, ref.block_storage_class} <= classes
    issuers = {
        each.inputs["metadata"]["name"]: each.inputs["spec"]
        for each in platform.engine.all("kubernetes:cert-manager.io/v1:ClusterIssuer")
    }
    assert ref.certificate_issuer in issuers
    assert "selfSigned" not in issuers[ref.certificate_issuer], "each of its certificates would be a stranger"


def test_the_quota_and_the_labels_that_are_told_are_those_of_the_namespace(platform: Scenario) -> None:
    told = platform.ref.namespace
    quotas = [
        each.inputs["spec"]["hard"]
        for each in platform.engine.all("kubernetes:core/v1:ResourceQuota")
        if each.inputs["metadata"]["namespace"] == "inference"
    ]
    assert [int(each["requests.nvidia.com/gpu"]) for each in quotas] == [told.gpu_quota]
    namespace = platform.spec("kubernetes:core/v1:Namespace", "inference")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == told.pod_security
    model = platform.spec("kubernetes:networking.k8s.io/v1:NetworkPolicy", "qwen3-8b")
    admitted = [
        peer["podSelector"]["matchLabels"]
        for peer in model["spec"]["ingress"][0]["from"]
        if "namespaceSelector" not in peer
    ]
    assert admitted == [told.client_labels]


def test_nodes_are_told_as_the_pods_on_them_have_it(platform: Scenario) -> None:
    gpu = platform.ref.nodes["gpu"]
    pod = platform.spec("kubernetes:apps/v1:Deployment", "qwen3-8b")["spec"]["template"]["spec"]
    tolerated = {each["key"] for each in pod["tolerations"]}
    assert {taint.key for taint in gpu.taints} <= tolerated
    (term,) = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert {each["key"]: each["values"][0] for each in term["matchExpressions"]}.items() <= gpu.labels.items()
    assert gpu.gpus * gpu.most == platform.ref.namespace.gpu_quota
    assert gpu.gpu, "its kind is told"
    # Of four nodes at most for each of two zones, and of two nodes that stay.
    most = {"dev": 8, "dev-ack": 2}[platform.name]
    assert (platform.ref.nodes["system"].gpu, platform.ref.nodes["system"].most) == (None, most)


def test_identities_are_told_as_the_cluster_gives_them(platform: Scenario) -> None:
    told = platform.ref.workload_identity
    if told.kind == "pod_identity":
        assert platform.engine.all("aws:eks/podIdentityAssociation:PodIdentityAssociation")
        return
    trusts = [each.inputs["assumeRolePolicyDocument"] for each in platform.engine.all("alicloud:ram/role:Role")]
    trusting = [each for each in trusts if told.provider_arn in each and told.issuer in each]
    assert trusting, "the platform's own workloads trust the issuer that others are told of"


@dataclass(frozen=True)
class Models:
    """The stack of models that `use-platform` makes of the output."""

    stack: Stack
    engine: RecordingEngine

    def all(self, kind: str) -> list[Document]:
        found = [each.inputs for each in self.engine.all(kind)]
        assert found, kind
        return found


@cache
def models_on(name: str, folder: Path) -> Models:
    file = folder / f"Pulumi.{name}.yaml"
    file.write_text(OWN % name)
    used = CliRunner().invoke(
        app, ["use-platform", name, "--project", str(folder)], input=json.dumps(scenario(name).told)
    )
    assert used.exit_code == 0, used.output
    return Models(load_stack(file), run_program(yaml.safe_load(file.read_text())["config"], name))


@pytest.fixture
def models(platform: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Models:
    return models_on(platform.name, tmp_path_factory.getbasetemp())


def test_the_stack_of_models_has_every_section_of_the_platform(platform: Scenario, models: Models) -> None:
    ref, stack = platform.ref, models.stack
    assert (stack.cloud, stack.network, stack.cluster) == (ref.cloud, ref.network, ref.cluster)
    assert (stack.platform, stack.pools, stack.mirrors) == (ref.platform, ref.pools, ref.mirrors)
    assert stack.outside == ref.outside


def test_its_images_and_weights_come_through_the_mirrors_of_the_platform(platform: Scenario, models: Models) -> None:
    (deployment,) = models.all("kubernetes:apps/v1:Deployment")
    (job,) = models.all("kubernetes:batch/v1:Job")
    pods = [each["spec"]["template"]["spec"] for each in (deployment, job)]
    containers = [one for pod in pods for one in (*pod["containers"], *pod.get("initContainers", []))]
    prefix = MIRRORS[platform.name]["images"]["docker.io"].rpartition("/")[0]
    assert [each["image"] for each in containers if not each["image"].startswith(f"{prefix}/")] == []
    (hydrated,) = [container["args"] for container in pods[1]["containers"]]
    if platform.name == "dev":
        assert hydrated[hydrated.index("--endpoint") + 1] == "https://weights.example.org"
    else:
        assert hydrated[hydrated.index("--hub") + 1] == "modelscope"


def test_its_objects_are_where_the_platform_has_room_for_them(platform: Scenario, models: Models) -> None:
    ref = platform.ref
    objects = [each for each in models.engine.registered if each.type.startswith("kubernetes:")]
    assert {each.inputs["metadata"]["namespace"] for each in objects} == {"inference"}
    (claim,) = models.all("kubernetes:core/v1:PersistentVolumeClaim")
    assert claim["spec"]["storageClassName"] == ref.platform.shared_storage_class
    assert models.all("kubernetes:monitoring.coreos.com/v1:ServiceMonitor"), "the platform's Prometheus scrapes it"
    policies = models.all("kubernetes:networking.k8s.io/v1:NetworkPolicy")
    (network,) = [each for each in policies if each["spec"].get("ingress")]
    assert str(ref.platform.monitoring_namespace) in json.dumps(network["spec"]["ingress"])
    (provider,) = models.all("pulumi:providers:kubernetes")
    kubeconfig = json.loads(provider["kubeconfig"])
    cluster = kubeconfig["clusters"][0]["cluster"]
    assert (cluster["server"], cluster["certificate-authority-data"]) == (
        ref.cluster.endpoint_url,
        ref.cluster.certificate_authority,
    )
    (deployment,) = models.all("kubernetes:apps/v1:Deployment")
    pod = deployment["spec"]["template"]["spec"]
    assert {taint.key for taint in ref.nodes["gpu"].taints} <= {each["key"] for each in pod["tolerations"]}
    limits = [int(each["resources"]["limits"]["nvidia.com/gpu"]) for each in pod["containers"]]
    assert sum(limits) <= (ref.namespace.gpu_quota or 0)


def test_every_mirror_that_a_stack_file_can_name_is_named_here() -> None:
    stacks = [scenario(name).stack for name in MIRRORS]
    fields = {field for stack in stacks for field in type(stack.mirrors).model_fields}
    # A login needs a password, which no reference has: it is told as part of its section, like the others.
    fields -= {"login"}
    assert fields == {field for each in MIRRORS.values() for field in each}, "a field that is not here could be dropped"
