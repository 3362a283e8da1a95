"""Ray Serve: its RayService, who reaches what, how versions change, and what vLLM is told."""

from typing import Any

from support.plans import SPOT_OF_FOUR, T4
from support.ray_servers import SCALING, application, cluster, llm, plan, served, spec, usual, workers

from llmplatform.catalog import engine_flags, engines
from llmplatform.serving.engines import ray_serve
from llmplatform.testing import RecordingEngine

MONITOR = "kubernetes:monitoring.coreos.com/v1:PodMonitor"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
BUDGET = "kubernetes:policy/v1:PodDisruptionBudget"
WEIGHTS = "/models/huggingface/Qwen/Qwen3-8B/main"


def policies(engine: RecordingEngine) -> dict[str, dict[str, Any]]:
    return {each.inputs["metadata"]["name"]: each.inputs["spec"] for each in engine.all(POLICY)}


def test_it_has_no_deployment_and_no_service_beside_those_that_kuberay_makes() -> None:
    kinds = {each.type for each in usual().registered}
    assert "kubernetes:apps/v1:Deployment" not in kinds
    assert "kubernetes:core/v1:Service" not in kinds


def test_its_service_is_called_as_the_model_and_leaves_the_head_out() -> None:
    found = spec(usual())
    assert found["serveService"]["metadata"]["name"] == "chat"
    assert [port["port"] for port in found["serveService"]["spec"]["ports"]] == [8000]
    assert found["excludeHeadPodFromServeSvc"] is True
    assert usual().result["url"] == "http://chat.models.svc:8000"


def test_the_application_is_ray_serves_own_for_language_models() -> None:
    assert application(usual())["import_path"] == "ray.serve.llm:build_openai_app"
    assert llm(usual())["model_loading_config"] == {"model_id": "chat", "model_source": WEIGHTS}


def test_weights_come_from_the_volume_and_no_hub_is_asked() -> None:
    (first,) = workers(usual())["template"]["spec"]["initContainers"]
    assert "--check" in first["args"]
    for template in (workers(usual())["template"], cluster(usual())["headGroupSpec"]["template"]):
        variables = {each["name"]: each.get("value") for each in template["spec"]["containers"][0]["env"]}
        assert variables["HF_HUB_OFFLINE"] == "1"
        assert variables["RAY_USAGE_STATS_ENABLED"] == "0"


def test_it_asks_for_no_key_since_its_release_checks_none() -> None:
    assert usual().result["secret"] is None
    assert not usual().all("random:index/randomPassword:RandomPassword")


def test_head_and_workers_are_admitted_as_restricted() -> None:
    for template in (workers(usual())["template"], cluster(usual())["headGroupSpec"]["template"]):
        pod = template["spec"]
        assert (pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsGroup"]) == (1000, 100)
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_the_head_has_no_gpu_and_places_nothing_on_itself() -> None:
    head = cluster(usual())["headGroupSpec"]
    assert head["rayStartParams"]["num-cpus"] == head["rayStartParams"]["num-gpus"] == "0"
    (container,) = head["template"]["spec"]["containers"]
    assert container["resources"] == {"requests": {"cpu": "2000m", "memory": "8192Mi"}, "limits": {"memory": "8192Mi"}}
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"serve": 8000, "metrics": 8080, "gcs-server": 6379, "dashboard": 8265, "client": 10001}


def test_the_head_is_in_its_own_pool_and_stays_there() -> None:
    template = cluster(usual())["headGroupSpec"]["template"]
    (term,) = template["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][
        "nodeSelectorTerms"
    ]
    assert term["matchExpressions"][0]["values"] == ["system"]
    assert template["metadata"]["annotations"]["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "false"


def test_a_worker_has_the_gpus_of_a_replica_which_is_within_it() -> None:
    engine = served(SPOT_OF_FOUR, tensor_parallel=4)
    limits = workers(engine)["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert limits["nvidia.com/gpu"] == "4"
    assert llm(engine)["engine_kwargs"]["tensor_parallel_size"] == 4
    assert llm(engine)["placement_group_config"] == {"bundles": [{"GPU": 1}] * 4, "strategy": "STRICT_PACK"}


def test_whole_experts_reach_the_engine() -> None:
    four = {"instance_types": ["g6e.12xlarge"], "capacity": "on_demand", "max": 1}
    engine = served(four, source="Qwen/Qwen3-30B-A3B-FP8", tensor_parallel=4, expert_parallel=True)
    assert llm(engine)["engine_kwargs"]["enable_expert_parallel"] is True
    assert "enable_expert_parallel" not in llm(usual())["engine_kwargs"]


def test_kuberay_adds_the_start_and_the_probe_of_rays_node() -> None:
    (container,) = workers(usual())["template"]["spec"]["containers"]
    assert not {"command", "startupProbe", "livenessProbe"} & {key for key, value in container.items() if value}


def test_a_worker_is_not_taken_from_the_service_for_one_bad_answer() -> None:
    """KubeRay's own probe: two seconds, one failure (controllers/ray/utils/constant.go)."""
    (container,) = workers(usual())["template"]["spec"]["containers"]
    probe = container["readinessProbe"]
    assert (probe["timeoutSeconds"], probe["periodSeconds"], probe["failureThreshold"]) == (5, 5, 3)
    (shell, flag, script) = probe["exec"]["command"]
    assert (shell, flag) == ("bash", "-c")
    asked = [part.split("http://localhost:")[1] for part in script.split(" && ")]
    assert asked == ["52365/api/local_raylet_healthz | grep success", "8000/-/healthz | grep success"]
    assert script.count(" -T 2 ") == 2, "both within the time of the probe"


def test_a_fixed_number_is_one_of_workers_and_of_replicas() -> None:
    engine = served(replicas=2)
    assert [workers(engine)[key] for key in ("replicas", "minReplicas", "maxReplicas")] == [2, 2, 2]
    assert llm(engine)["deployment_config"]["num_replicas"] == 2
    assert "enableInTreeAutoscaling" not in cluster(engine)
    assert cluster(engine)["headGroupSpec"]["template"]["spec"]["automountServiceAccountToken"] is False


def test_ray_scales_replicas_and_workers() -> None:
    engine = served(scaling=SCALING)
    assert [workers(engine)[key] for key in ("replicas", "minReplicas", "maxReplicas")] == [1, 1, 2]
    wanted = {"min_replicas": 1, "max_replicas": 2, "target_ongoing_requests": 16, "downscale_delay_s": 300}
    assert llm(engine)["deployment_config"]["autoscaling_config"] == wanted
    assert cluster(engine)["enableInTreeAutoscaling"] is True
    security = cluster(engine)["autoscalerOptions"]["securityContext"]
    assert security == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}, "Pod Security"
    mounts = cluster(engine)["autoscalerOptions"]["volumeMounts"]
    head = cluster(engine)["headGroupSpec"]["template"]["spec"]
    assert [mount["name"] for mount in mounts] == ["cache-session"]
    assert mounts[0] in head["containers"][0]["volumeMounts"], "the folder whose logs the head shows"
    assert head["automountServiceAccountToken"] is True
    (rule,) = policies(engine)["chat-ray-head"]["egress"]
    assert [port["port"] for port in rule["ports"]] == [443, 6443], "its autoscaler calls the API server"
    assert policies(engine)["chat-ray-head"]["podSelector"]["matchLabels"]["ray.io/node-type"] == "head"


def test_a_switched_off_model_has_no_pods() -> None:
    assert spec(served(replicas=0))["suspend"] is True
    assert spec(usual())["suspend"] is False


def test_prometheus_reads_the_pods_and_knows_the_model() -> None:
    found = usual().one(MONITOR).inputs["spec"]
    assert found["podTargetLabels"] == ["llmplatform.dev/model"]
    (endpoint,) = found["podMetricsEndpoints"]
    assert (endpoint["port"], endpoint["path"]) == ("metrics", "/metrics")


def test_clients_reach_the_api_alone_and_the_operator_the_dashboard_too() -> None:
    clients, scraper = policies(usual())["chat"]["ingress"]
    assert [port["port"] for port in clients["ports"]] == [8000]
    assert [port["port"] for port in scraper["ports"]] == [8080]
    own, operator = policies(usual())["chat-ray"]["ingress"]
    assert "ports" not in own, "Ray's processes listen on ports of their own choice"
    assert [port["port"] for port in operator["ports"]] == [8265], "it asks no proxy of a head that serves nothing"
    assert operator["from"] == [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kuberay"}}},
    ]


def test_nothing_outside_the_cluster_is_reached_without_scaling() -> None:
    found = {name: spec for name, spec in policies(usual()).items() if not name.endswith("-hydration")}
    assert set(found) == {"chat", "chat-ray"}
    reached = [rule["to"] for spec in found.values() for rule in spec["egress"]]
    assert not [peer for peers in reached for peer in peers if "ipBlock" in peer]


def test_a_drain_takes_one_pod_at_a_time() -> None:
    found = served(replicas=2).one(BUDGET).inputs["spec"]
    assert found["minAvailable"] == 2, "of a head and two workers; RayCluster has no scale for maxUnavailable"
    assert "maxUnavailable" not in found


def test_a_stopping_worker_tells_ray_and_has_its_time_for_answers() -> None:
    """ray 2.60.0, scripts/scripts.py, `drain_node`: without an id it is the node that the command runs on."""
    pod, times = workers(usual())["template"]["spec"], plan().drain
    (shell, flag, script) = pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    assert (shell, flag) == ("bash", "-c")
    asked, waits = script.split("; ")
    assert asked.startswith(f"timeout {times.pre_stop} ray drain-node --reason DRAIN_NODE_REASON_PREEMPTION ")
    assert asked.endswith(f"--deadline-remaining-seconds {times.pre_stop + times.shutdown}")
    assert waits == f"sleep {times.shutdown}", "with the command it ends before the signal"
    assert pod["terminationGracePeriodSeconds"] == times.grace
    for deployment in (llm(usual())["deployment_config"], application(usual())["args"]["ingress_deployment_config"]):
        assert deployment["graceful_shutdown_timeout_s"] == times.shutdown, "Ray's own 20 seconds cut streams off"


def test_what_vllm_owns_is_owned_here_too() -> None:
    facts, vllm = engines.facts("ray_serve"), engines.facts("vllm")
    taken = engine_flags.flags("ray_serve", facts.release().version)
    assert taken & set(vllm.owned_flags) - set(facts.owned_flags) == {"--chat-template"}, "no setting of this engine"
    free = {"VLLM_SERVER_DEV_MODE"}  # Of vLLM's own server: Ray Serve's has no such paths.
    assert set(vllm.owned_variables) - set(facts.owned_variables) == free


ENGINE = {
    "gpu_memory_utilization": 0.9,
    "max_num_seqs": 32,
    "kv_cache_dtype": "fp8",
    "tool_call_parser": "hermes",
    "reasoning_parser": "qwen3",
    "extra_args": [
        "--max-num-batched-tokens=8k",
        "--no-enable-prefix-caching",
        "--enforce-eager",
        '--compilation-config={"level": 3}',
        "--hf-overrides.rope_theta=10000",
        "--seed=None",
    ],
}


def test_settings_and_flags_become_fields_of_vllms_classes() -> None:
    found = ray_serve.engine_kwargs(plan(engine=ENGINE, context_length=4096, trust_remote_code=True))
    assert found == {
        "tensor_parallel_size": 1,
        "trust_remote_code": True,
        "max_model_len": 4096,
        "gpu_memory_utilization": 0.9,
        "max_num_seqs": 32,
        "kv_cache_dtype": "fp8",
        "enable_auto_tool_choice": True,
        "tool_call_parser": "hermes",
        "reasoning_parser": "qwen3",
        "max_num_batched_tokens": 8000,
        "enable_prefix_caching": False,
        "enforce_eager": True,
        "compilation_config": {"level": 3},
        "hf_overrides": {"rope_theta": 10000},
        "seed": None,
    }


def test_every_field_is_one_that_the_vllm_of_the_image_has() -> None:
    known = engine_flags.flags("ray_serve", engines.facts("ray_serve").release().version)
    plans = (
        plan(engine=ENGINE, context_length=4096, trust_remote_code=True),
        plan(T4, source="Qwen/Qwen2.5-1.5B-Instruct"),
    )
    fields = {field for each in plans for field in ray_serve.engine_kwargs(each)}
    assert {f"--{field.replace('_', '-')}" for field in fields} <= known
