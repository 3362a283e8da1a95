"""A replica over several nodes: its LeaderWorkerSet, its pods' command lines, and who reaches them."""

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from support.model_servers import DEPLOYMENT, policy, served
from support.pace import PATIENCE
from support.plans import model_plan

from llmplatform.planning.models import plan_model
from llmplatform.serving import ModelServer, ModelServerArgs
from llmplatform.serving.engines.groups import WHILE_CONNECTED
from llmplatform.testing import RecordingEngine

FOUR = {"instance_types": ["g6.12xlarge"], "max": 8, "zones": ["us-east-1a"]}
GROUPS = "kubernetes:leaderworkerset.x-k8s.io/v1:LeaderWorkerSet"
SGLANG = {"engine": {"kind": "sglang"}}


def grouped(stages: int = 2, **settings: Any) -> RecordingEngine:
    spread = {"source": "Qwen/Qwen2.5-72B-Instruct", "tensor_parallel": 4, "pipeline_parallel": stages}
    return served(FOUR, args={"prometheus_url": "http://prometheus:9090"}, **{**spread, **settings})


def groups(engine: RecordingEngine) -> dict[str, Any]:
    assert not engine.all(DEPLOYMENT), "one workload has the pods"
    return engine.one(GROUPS).inputs["spec"]


def pods(engine: RecordingEngine) -> tuple[dict[str, Any], dict[str, Any]]:
    """Leader and worker."""
    template = groups(engine)["leaderWorkerTemplate"]
    return template["leaderTemplate"]["spec"], template["workerTemplate"]["spec"]


def words(pod: dict[str, Any]) -> list[str]:
    (container,) = pod["containers"]
    return container["args"]


def value(pod: dict[str, Any], flag: str) -> str:
    return words(pod)[words(pod).index(flag) + 1]


@pytest.mark.parametrize("stages", [2, 4])
def test_a_group_has_a_pod_for_each_node_and_lives_and_ends_as_a_whole(stages: int) -> None:
    found = groups(grouped(stages, replicas=2))
    template = found["leaderWorkerTemplate"]
    assert found["replicas"] == 2
    assert template["size"] == stages
    assert template["restartPolicy"] == "RecreateGroupOnPodRestart"
    assert found["startupPolicy"] == "LeaderCreated", "the leader is ready only after the workers have loaded"
    assert found["networkConfig"] == {"subdomainPolicy": "UniquePerReplica"}, "the set's name is the Service's"
    for pod in pods(grouped(stages)):
        assert pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "4"
        (memory,) = [each for each in pod["volumes"] if each["name"] == "shared-memory"]
        assert memory["emptyDir"]["medium"] == "Memory"


def test_vllm_meets_at_the_leader_and_only_the_leader_has_the_api() -> None:
    """vLLM 0.33.0, wheel: config/parallel.py, entrypoints/cli/serve.py (run_headless)."""
    leader, worker = pods(grouped())
    for pod in (leader, worker):
        assert value(pod, "--tensor-parallel-size") == "4"
        assert value(pod, "--pipeline-parallel-size") == "2"
        assert value(pod, "--nnodes") == "$(LWS_GROUP_SIZE)"
        assert value(pod, "--node-rank") == "$(LWS_WORKER_INDEX)"
        assert value(pod, "--master-addr") == "$(LWS_LEADER_ADDRESS)"
        assert value(pod, "--master-port") == "29501"
        assert int(value(pod, "--distributed-timeout-seconds")) >= 1800, "the other nodes may be bought first"
    assert "--headless" in words(worker)
    assert "--headless" not in words(leader)


def test_sglang_meets_at_the_leader() -> None:
    """SGLang 0.5.23, wheel: srt/arg_groups/fields, and docs/examples/sglang/lws.yaml of LeaderWorkerSet v0.10.0."""
    for pod in pods(grouped(4, **SGLANG)):
        assert value(pod, "--tp-size") == "4"
        assert value(pod, "--pp-size") == "4"
        assert value(pod, "--nnodes") == "$(LWS_GROUP_SIZE)"
        assert value(pod, "--node-rank") == "$(LWS_WORKER_INDEX)"
        assert value(pod, "--dist-init-addr") == "$(LWS_LEADER_ADDRESS):20000"


@pytest.mark.parametrize("settings", [{}, SGLANG])
def test_probes_ports_and_the_key_are_the_leaders(settings: dict[str, Any]) -> None:
    leader, worker = (pod["containers"][0] for pod in pods(grouped(4, **settings)))
    probes = ("startupProbe", "readinessProbe", "livenessProbe")
    assert all(leader.get(each) for each in probes)
    assert not any(worker.get(each) for each in (*probes, "ports"))
    assert not [each for each in worker["env"] if "valueFrom" in each], "a worker is asked by no client"


def test_a_worker_outlives_the_leaders_answers() -> None:
    engine = grouped()
    leader, worker = pods(engine)
    assert leader["containers"][0]["lifecycle"]["preStop"] == {"sleep": {"seconds": 15}}
    command = worker["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    answers = int(value(leader, "--shutdown-timeout"))
    assert command[:2] == ["python3", "-c"]
    assert command[-2:] == ["29501", str(15 + answers)]
    assert worker["terminationGracePeriodSeconds"] == leader["terminationGracePeriodSeconds"] > 15 + answers


CONNECTED = """
import socket, sys, threading, time
server = socket.create_server(("127.0.0.1", 0))
port = server.getsockname()[1]
client = socket.create_connection(("127.0.0.1", port))
leader = server.accept()[0]
def end():
    leader.close()
    client.close()
timer = threading.Timer(float(sys.argv[1]), end)
timer.daemon = True
timer.start()
sys.argv = ["-c", str(port), sys.argv[2]]
begun = time.monotonic()
PROGRAM
print(time.monotonic() - begun)
"""
"""The program in a process that is connected to a leader, which ends after some seconds."""


@pytest.mark.parametrize(("leader_ends", "most", "waited"), [(2, 60, (1, 30)), (30, 1, (1, 20)), (0, 60, (0, 20))])
def test_a_worker_waits_while_it_is_connected_to_its_leader_and_not_longer_than_it_may(
    leader_ends: int, most: int, waited: tuple[int, int]
) -> None:
    program = CONNECTED.replace("PROGRAM", f"exec({WHILE_CONNECTED!r})")
    arguments = [sys.executable, "-c", program, str(leader_ends), str(most)]
    ended = subprocess.run(arguments, capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert waited[0] <= float(ended.stdout) < waited[1]


def test_clients_reach_the_leader_alone_and_pods_of_the_model_each_other() -> None:
    engine = grouped()
    own = {"app.kubernetes.io/name": "model-server", "app.kubernetes.io/instance": "chat"}
    service = engine.named("chat-service").inputs["spec"]
    assert service["selector"] == {**own, "leaderworkerset.sigs.k8s.io/worker-index": "0"}
    peer = [{"podSelector": {"matchLabels": own}}]
    assert {"from": peer} in policy(engine)["ingress"]
    assert {"to": peer} in policy(engine)["egress"]
    assert {"from": peer} not in policy(served())["ingress"], "a replica of one pod talks to no other"


def test_an_update_waits_for_the_groups_and_takes_its_fields_over() -> None:
    annotations = grouped().one(GROUPS).inputs["metadata"]["annotations"]
    assert annotations == {"pulumi.com/patchForce": "true", "pulumi.com/waitFor": "condition=Available"}


@pytest.mark.parametrize("cache", ["shared", "node"])
def test_a_group_waits_for_its_weights_and_is_not_made_anew_for_each_try(cache: str) -> None:
    """kubernetes-sigs/lws v0.10.0, pod_controller.go, handleRestartPolicy: init containers count, without a pause."""
    for pod in pods(grouped(weights={"cache": cache})):
        (first,) = pod["initContainers"]
        assert ("--check" in first["args"]) == (cache == "shared")
        assert first["args"][first["args"].index("--again") + 1] == "10"
    (alone,) = served().one(DEPLOYMENT).inputs["spec"]["template"]["spec"]["initContainers"]
    assert "--again" not in alone["args"], "the kubelet waits between starts"


@pytest.mark.parametrize("surge", [False, True])
def test_a_further_group_is_made_only_where_there_is_room(surge: bool) -> None:
    rollout = groups(grouped(surge=surge))["rolloutStrategy"]["rollingUpdateConfiguration"]
    assert rollout == {"maxSurge": int(surge), "maxUnavailable": int(not surge)}


def test_a_group_has_a_place_of_its_own_where_the_settings_say_so() -> None:
    annotations = grouped(exclusive_topology="example.org/rack").one(GROUPS).inputs["metadata"]["annotations"]
    assert annotations["leaderworkerset.sigs.k8s.io/exclusive-topology"] == "example.org/rack"


def test_keda_scales_groups() -> None:
    engine = grouped(scaling={"requests": 20, "max_replicas": 2})
    target = engine.named("chat-scaled-object").inputs["spec"]["scaleTargetRef"]
    assert target == {"apiVersion": "leaderworkerset.x-k8s.io/v1", "kind": "LeaderWorkerSet", "name": "chat"}


def test_pods_of_a_group_are_not_spread_over_zones() -> None:
    assert not any("topologySpreadConstraints" in pod for pod in pods(grouped()))


def test_nccl_and_gloo_use_the_pods_network_unless_the_settings_say_otherwise() -> None:
    engine = grouped(engine={"env": {"NCCL_SOCKET_IFNAME": "net1"}})
    for pod in pods(engine):
        env = {each["name"]: each.get("value") for each in pod["containers"][0]["env"]}
        assert env["NCCL_SOCKET_IFNAME"] == "net1"
        assert env["GLOO_SOCKET_IFNAME"] == "eth0"


@pytest.mark.parametrize(("stages", "share"), [(2, "4"), (1, None)])
def test_pods_of_a_group_have_their_share_of_the_nodes_network(stages: int, share: str | None) -> None:
    known = model_plan(FOUR, source="Qwen/Qwen3-8B", tensor_parallel=4, pipeline_parallel=stages)
    fast = known.pool.spec.model_copy(update={"devices": {"vpc.amazonaws.com/efa": 4}})
    plan = plan_model("chat", known.spec, replace(known.pool, spec=fast))

    def program() -> None:
        ModelServer("chat", ModelServerArgs(plan=plan, namespace="models"))

    engine = RecordingEngine().run(program)
    found = [engine.one(DEPLOYMENT).inputs["spec"]["template"]["spec"]] if stages == 1 else pods(engine)
    for pod in found:
        resources = pod["containers"][0]["resources"]
        assert resources["limits"].get("vpc.amazonaws.com/efa") == share
        assert resources["requests"].get("vpc.amazonaws.com/efa") == share


def test_a_model_whose_heads_do_not_divide_has_its_stages_on_one_node() -> None:
    shape = {
        "parameters_billion": 3.0, "layers": 28, "hidden_size": 3072, "attention_heads": 6, "kv_heads": 6,
        "head_dim": 128, "vocabulary": 32000, "context_length": 8192,
    }  # fmt: skip
    engine = served(FOUR, source="acme/odd", shape=shape, tensor_parallel=1, pipeline_parallel=4)
    (container,) = engine.one(DEPLOYMENT).inputs["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "4"
    assert container["args"][container["args"].index("--pipeline-parallel-size") + 1] == "4"
    assert "--nnodes" not in container["args"]
