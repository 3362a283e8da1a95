"""A model server: its objects, its pod, and where the weights come from."""

from dataclasses import replace
from typing import Any

import pytest
from support.model_servers import DEPLOYMENT, JOB, container, pod, policy, served
from support.plans import ON_DEMAND, SPOT_FIRST, model_plan

from llmplatform.serving import ModelServer, ModelServerArgs
from llmplatform.testing import RecordingEngine, walk

CLAIM = "kubernetes:core/v1:PersistentVolumeClaim"


def test_a_model_server_is_exactly_these_objects() -> None:
    assert sorted(found.type.rpartition(":")[2] for found in served().registered) == [
        "ConfigMap",
        "Deployment",
        "Hydration",
        "Job",
        "ModelServer",
        "NetworkPolicy",
        "NetworkPolicy",
        "PersistentVolumeClaim",
        "PodDisruptionBudget",
        "RandomPassword",
        "Secret",
        "Service",
        "ServiceAccount",
        "ServiceAccount",
        "ServiceMonitor",
        "Weights",
    ]


def test_its_outputs_say_where_it_is_and_how_to_ask() -> None:
    outputs = served().result
    assert outputs == {"url": "http://chat.models.svc:8000", "model": "chat", "secret": "chat-api-key"}


def test_the_pod_asks_for_whole_gpus_and_no_more_memory_than_its_limit() -> None:
    resources = container(served())["resources"]
    assert resources["requests"]["nvidia.com/gpu"] == resources["limits"]["nvidia.com/gpu"] == "1"
    assert resources["requests"]["memory"] == resources["limits"]["memory"], (
        "a server must not be the first to be evicted"
    )
    assert "cpu" not in resources["limits"], "throttling costs latency"
    assert "ephemeral-storage" not in resources["requests"], "a group of no nodes has none, as far as autoscalers know"


def test_the_pod_goes_to_its_pool_and_tolerates_its_taints_and_no_others() -> None:
    spec = pod(served())
    (term,) = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert term["matchExpressions"] == [{"key": "llmplatform.dev/pool", "operator": "In", "values": ["gpu"]}]
    assert spec["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists"}], (
        "each tool that makes such nodes gives the taint a value of its own"
    )


def test_a_pod_bears_the_taints_that_its_model_names_and_goes_to_nodes_that_others_make() -> None:
    borne = [{"key": "team", "value": "search"}, {"key": "example.org/spot", "effect": "NoExecute"}]
    plan = model_plan(tolerations=borne)
    karpenters = replace(plan.pool, selector={"karpenter.sh/nodepool": "gpu", "zone": "a"})
    args = ModelServerArgs(plan=replace(plan, pool=karpenters), namespace="models")
    spec = pod(RecordingEngine().run(lambda: ModelServer("chat", args).url))
    (term,) = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert term["matchExpressions"] == [
        {"key": "karpenter.sh/nodepool", "operator": "In", "values": ["gpu"]},
        {"key": "zone", "operator": "In", "values": ["a"]},
    ]
    assert spec["tolerations"][1:] == [
        {"key": "team", "operator": "Equal", "value": "search"},
        {"key": "example.org/spot", "operator": "Exists", "effect": "NoExecute"},
    ]


def test_replicas_are_spread_where_possible_and_never_kept_waiting_for_it() -> None:
    constraints = pod(served())["topologySpreadConstraints"]
    assert {each["topologyKey"] for each in constraints} == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}
    assert {each["whenUnsatisfiable"] for each in constraints} == {"ScheduleAnyway"}
    assert all(each["matchLabelKeys"] == ["pod-template-hash"] for each in constraints)


def test_the_startup_probe_waits_as_long_as_the_plan_says() -> None:
    probe = container(served(startup_minutes=30))["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] == 1800


def test_a_rollout_is_given_longer_than_a_node_and_a_start_take() -> None:
    deployment = served(startup_minutes=30).one(DEPLOYMENT).inputs["spec"]
    assert deployment["progressDeadlineSeconds"] > 1800 + 900, "a cold GPU node takes minutes before the start begins"


@pytest.mark.parametrize("pool", [SPOT_FIRST, ON_DEMAND])
def test_the_drain_fits_the_grace_period(pool: dict[str, Any]) -> None:
    engine = served(pool)
    sleep = container(engine)["lifecycle"]["preStop"]["sleep"]["seconds"]
    arguments = container(engine)["args"]
    drain = int(arguments[arguments.index("--shutdown-timeout") + 1])
    assert sleep + drain < pod(engine)["terminationGracePeriodSeconds"]


@pytest.mark.parametrize(("replicas", "strategy"), [(0, "Recreate"), (1, "Recreate"), (2, "RollingUpdate")])
def test_a_rollout_never_needs_a_gpu_more(replicas: int, strategy: str) -> None:
    found = served(replicas=replicas).one(DEPLOYMENT).inputs["spec"]["strategy"]
    assert found["type"] == strategy
    if strategy == "RollingUpdate":
        assert found["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}, "a surge waits for a GPU for ever"


def test_where_the_settings_say_that_there_is_room_no_replica_is_missed() -> None:
    found = served(surge=True).one(DEPLOYMENT).inputs["spec"]["strategy"]
    assert found == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def test_the_pod_has_no_privilege() -> None:
    engine = served()
    security, context = pod(engine)["securityContext"], container(engine)["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] == 2000
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert pod(engine)["automountServiceAccountToken"] is False
    assert not [path for path, _ in walk(pod(engine)) if "hostPath" in path or "hostNetwork" in path]


def test_a_service_named_like_the_engine_cannot_break_it() -> None:
    assert pod(served())["enableServiceLinks"] is False, "the kubelet would set VLLM_PORT=tcp://…"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "false"),
        ({"replicas": 2}, "true"),
        ({"evictable": True}, "true"),
        ({"replicas": 2, "evictable": False}, "false"),
    ],
)
def test_an_autoscaler_moves_no_server_that_is_alone(settings: dict[str, Any], says: str) -> None:
    """Cluster Autoscaler's FAQ: local volumes keep a node unless the annotation is `true`; `false` always does."""
    annotations = served(**settings).one(DEPLOYMENT).inputs["spec"]["template"]["metadata"]["annotations"]
    assert annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] == says, "it would be away for minutes"


def test_shared_memory_is_memory_with_a_bound() -> None:
    volume = next(each for each in pod(served())["volumes"] if each["name"] == "shared-memory")
    assert volume["emptyDir"] == {"medium": "Memory", "sizeLimit": "2048Mi"}


def test_servers_read_the_weights_from_a_volume_that_they_cannot_write() -> None:
    engine = served(weights={"size_gib": 80})
    claim = engine.one(CLAIM).inputs["spec"]
    assert claim["accessModes"] == ["ReadWriteMany"]
    assert claim["storageClassName"] == "shared"
    assert claim["resources"]["requests"]["storage"] == "80Gi"
    volume = next(each for each in pod(engine)["volumes"] if each["name"] == "weights")
    assert volume["persistentVolumeClaim"] == {"claimName": "chat-weights", "readOnly": True}
    for each in (container(engine), *pod(engine)["initContainers"]):
        mount = next(mount for mount in each["volumeMounts"] if mount["name"] == "weights")
        assert mount == {"name": "weights", "mountPath": "/models", "readOnly": True}


def test_nothing_that_a_server_writes_lies_on_a_volume_that_others_write_to() -> None:
    """Compilers' caches: flashinfer#4062, sglang#27604, DeepEP#683; memory and the node's disk are the pod's own."""
    for settings in ({}, {"weights": {"cache": "node"}}):
        engine = served(**settings)
        volumes = {each["name"]: each for each in pod(engine)["volumes"]}
        writable = [mount for mount in container(engine)["volumeMounts"] if not mount.get("readOnly")]
        assert writable
        assert all("emptyDir" in volumes[mount["name"]] for mount in writable)


def test_another_model_does_not_replace_the_claim_that_pods_use() -> None:
    claim = served().one(CLAIM)
    assert claim.ignore_changes == ("spec.resources",), "the deletion would hang until the last pod is gone"


def test_weights_on_the_node_are_fetched_before_the_server_starts() -> None:
    engine = served(weights={"cache": "node"}, gated=True, args={"huggingface_token": "hf_do_not_print"})
    assert not engine.all(CLAIM)
    assert not engine.all(JOB)
    volume = next(each for each in pod(engine)["volumes"] if each["name"] == "weights")
    assert volume["emptyDir"]["sizeLimit"] == "50Gi"
    (first,) = pod(engine)["initContainers"]
    assert "--check" not in first["args"]
    assert first["args"][-2:] == ["--token-file", "/var/run/hub/token"]
    assert not any(mount["name"] == "hub-token" for mount in container(engine)["volumeMounts"]), "it has no use for it"
    assert {port["port"] for port in policy(engine)["egress"][-1]["ports"]} == {443}
    assert engine.one(DEPLOYMENT).inputs["spec"]["progressDeadlineSeconds"] >= 1200 + 900 + 600


def test_a_server_says_when_its_weights_are_not_there() -> None:
    """vLLM takes a folder that does not exist for the name of a model (`transformers_utils.config`)."""
    (first,) = pod(served())["initContainers"]
    assert first["args"][-1] == "--check"
    assert first["image"] == container(served())["image"], "another image would be pulled to the node"
    assert first["terminationMessagePolicy"] == "FallbackToLogsOnError"
    # The image asks for every GPU; NVIDIA's runtime would mount them, and write where a file system cannot be written.
    assert {"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"} in first["env"]
    assert first["securityContext"]["readOnlyRootFilesystem"] is False


def test_a_preview_knows_every_name_before_the_cluster_exists() -> None:
    plan = model_plan(gated=True)
    args = ModelServerArgs(plan=plan, namespace="models", huggingface_token="hf_x")
    engine = RecordingEngine(preview=True).run(lambda: ModelServer("chat", args))
    spec = engine.one(DEPLOYMENT).inputs["spec"]["template"]["spec"]
    assert spec["serviceAccountName"] == "chat"
    assert next(each for each in spec["volumes"] if each["name"] == "weights")["persistentVolumeClaim"]["claimName"]
    references = [
        each["valueFrom"]["secretKeyRef"]["name"] for each in spec["containers"][0]["env"] if "valueFrom" in each
    ]
    assert references == ["chat-api-key"], "a reviewer sees names, not unknowns"
    job = engine.one(JOB).inputs["spec"]["template"]["spec"]
    assert {each["name"] for each in job["volumes"]} == {"weights", "hydration", "hub-token"}


def test_the_pod_comes_after_what_it_needs() -> None:
    engine = served()
    for earlier in ("chat-account", "chat-api-key-secret", "chat-weights-volume", "chat-weights-job"):
        assert engine.waits_for(engine.one(DEPLOYMENT), engine.named(earlier))


def test_the_service_is_not_waited_for() -> None:
    annotations = served().one("kubernetes:core/v1:Service").inputs["metadata"]["annotations"]
    assert annotations == {"pulumi.com/skipAwait": "true"}, "a cold GPU node takes longer than Services are waited for"


def test_the_budget_lets_broken_pods_go() -> None:
    budget = served().one("kubernetes:policy/v1:PodDisruptionBudget").inputs["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow", "a pod that never got ready would hold its node"


def test_selectors_match_the_pods_and_two_models_stay_apart() -> None:
    engine = served()
    labels = engine.one(DEPLOYMENT).inputs["spec"]["template"]["metadata"]["labels"]
    selectors = [
        engine.one(DEPLOYMENT).inputs["spec"]["selector"]["matchLabels"],
        engine.one("kubernetes:core/v1:Service").inputs["spec"]["selector"],
        engine.one("kubernetes:policy/v1:PodDisruptionBudget").inputs["spec"]["selector"]["matchLabels"],
        policy(engine)["podSelector"]["matchLabels"],
    ]
    for selector in selectors:
        assert selector.items() <= labels.items()
        assert selector["app.kubernetes.io/instance"] == "chat", "it would select another model's pods"
    hydrated = engine.one(JOB).inputs["spec"]["template"]["metadata"]["labels"]
    assert not any(selector.items() <= hydrated.items() for selector in selectors), "a Job would get requests"
