from typing import Any

import pytest
from engine import Engine, walk
from plans import ON_DEMAND, SPOT_FIRST, model_plan

from llmplatform.base.labels import MODEL_CLIENT
from llmplatform.serving import ModelServer, ModelServerArgs
from llmplatform.serving.engines import vllm
from llmplatform.specs.mirrors import Mirrors

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
SECRET = "kubernetes:core/v1:Secret"
CLAIM = "kubernetes:core/v1:PersistentVolumeClaim"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
MONITOR = "kubernetes:monitoring.coreos.com/v1:ServiceMonitor"


def served(pool: dict[str, Any] = SPOT_FIRST, *, args: dict[str, Any] | None = None, **settings: Any) -> Engine:
    plan = model_plan(pool, **settings)
    wiring = {"namespace": "models", "monitoring_namespace": "monitoring", **(args or {})}

    def program() -> dict[str, Any]:
        server = ModelServer("chat", ModelServerArgs(plan=plan, **wiring))
        return {"url": server.url, "model": server.model, "secret": server.api_key_secret}

    return Engine().run(program)


def pod(engine: Engine) -> dict[str, Any]:
    return engine.one(DEPLOYMENT).inputs["spec"]["template"]["spec"]


def container(engine: Engine) -> dict[str, Any]:
    (only,) = pod(engine)["containers"]
    return only


def test_a_model_server_is_exactly_these_objects() -> None:
    assert sorted(found.type.rpartition(":")[2] for found in served().registered) == [
        "Deployment",
        "ModelServer",
        "NetworkPolicy",
        "PersistentVolumeClaim",
        "PodDisruptionBudget",
        "RandomPassword",
        "Secret",
        "Service",
        "ServiceAccount",
        "ServiceMonitor",
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
    assert spec["tolerations"] == [
        {"key": "nvidia.com/gpu", "operator": "Equal", "value": "present", "effect": "NoSchedule"}
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


def test_its_local_volumes_do_not_keep_a_node() -> None:
    annotations = served().one(DEPLOYMENT).inputs["spec"]["template"]["metadata"]["annotations"]
    assert annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "true"


def test_shared_memory_is_memory_with_a_bound() -> None:
    volume = next(each for each in pod(served())["volumes"] if each["name"] == "shared-memory")
    assert volume["emptyDir"] == {"medium": "Memory", "sizeLimit": "2048Mi"}


def test_weights_are_kept_on_a_volume_that_all_replicas_share() -> None:
    engine = served(weights={"size_gib": 80})
    claim = engine.one(CLAIM).inputs["spec"]
    assert claim["accessModes"] == ["ReadWriteMany"]
    assert claim["storageClassName"] == "shared"
    assert claim["resources"]["requests"]["storage"] == "80Gi"
    volume = next(each for each in pod(engine)["volumes"] if each["name"] == "cache")
    assert volume["persistentVolumeClaim"]["claimName"] == "chat-weights"


def test_another_model_does_not_replace_the_claim_that_pods_use() -> None:
    claim = served().one(CLAIM)
    assert claim.ignore_changes == ("spec.resources",), "the deletion would hang until the last pod is gone"


def test_weights_on_the_node_need_no_claim() -> None:
    engine = served(weights={"cache": "node"})
    assert not engine.all(CLAIM)
    volume = next(each for each in pod(engine)["volumes"] if each["name"] == "cache")
    assert volume["emptyDir"]["sizeLimit"] == "50Gi"


def test_secrets_reach_the_container_only_by_reference() -> None:
    engine = served(gated=True, args={"huggingface_token": "hf_do_not_print"})
    assert all(secret.secrets == {"stringData"} for secret in engine.all(SECRET)), "the state would hold it in plain"
    variables = {each["name"]: each for each in container(engine)["env"]}
    assert variables["VLLM_API_KEY"]["valueFrom"]["secretKeyRef"] == {"name": "chat-api-key", "key": "api-key"}
    assert variables["HF_TOKEN"]["valueFrom"]["secretKeyRef"] == {"name": "chat-huggingface", "key": "token"}
    leaks = [
        path
        for path, value in walk(engine.one(DEPLOYMENT).inputs)
        if value in ("hf_do_not_print", "generated-password")
    ]
    assert not leaks


def test_an_open_model_does_not_get_the_token() -> None:
    engine = served(args={"huggingface_token": "hf_do_not_print"})
    assert [secret.name for secret in engine.all(SECRET)] == ["chat-api-key-secret"], "it has no use for it"


def test_a_gated_model_without_a_token_is_refused() -> None:
    with pytest.raises(ValueError, match=r"set secrets\.huggingface_token"):
        served(gated=True)


def test_only_clients_and_the_scraper_get_in() -> None:
    policy = served().one(POLICY).inputs["spec"]
    (rule,) = policy["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": vllm.PORT}]
    assert rule["from"] == [
        {"podSelector": {"matchLabels": MODEL_CLIENT}},
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}},
    ]
    assert policy["policyTypes"] == ["Ingress", "Egress"]


def test_it_reaches_dns_and_downloads_and_no_credentials_of_the_node() -> None:
    dns, downloads = served().one(POLICY).inputs["spec"]["egress"]
    assert dns["to"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}]
    assert {port["port"] for port in dns["ports"]} == {53}
    assert downloads["ports"] == [{"protocol": "TCP", "port": 443}]
    assert downloads["to"][0]["ipBlock"]["except"] == ["169.254.0.0/16", "100.100.100.200/32"]


def test_mirrors_stand_in_for_registry_and_hub() -> None:
    mirrors = Mirrors(images={"docker.io": "registry.example.org/hub"}, huggingface="https://hub.example.org:8443")
    engine = served(args={"mirrors": mirrors})
    assert container(engine)["image"].startswith("registry.example.org/hub/vllm/vllm-openai:v")
    assert {"name": "HF_ENDPOINT", "value": "https://hub.example.org:8443"} in container(engine)["env"]
    ports = [port["port"] for port in engine.one(POLICY).inputs["spec"]["egress"][1]["ports"]]
    assert ports == [443, 8443], "the mirror would be out of reach"


def test_weights_come_from_modelscope_under_their_name_there() -> None:
    engine = served(args={"mirrors": Mirrors(models="modelscope")}, source="meta-llama/Llama-3.2-3B-Instruct")
    assert container(engine)["args"][0] == "LLM-Research/Llama-3.2-3B-Instruct", "the hub knows no other"
    assert {"name": "VLLM_USE_MODELSCOPE", "value": "True"} in container(engine)["env"]
    assert "command" not in container(engine), "the image knows what to run"


def test_metrics_are_scraped_every_15_seconds_where_somebody_scrapes() -> None:
    engine = served()
    (endpoint,) = engine.one(MONITOR).inputs["spec"]["endpoints"]
    assert endpoint == {"port": "http", "path": "/metrics", "interval": "15s"}
    labels = engine.one("kubernetes:core/v1:Service").inputs["metadata"]["labels"]
    wanted = engine.one(MONITOR).inputs["spec"]["selector"]["matchLabels"]
    assert wanted.items() <= labels.items(), "the monitor would find no Service"


def test_without_monitoring_there_is_no_monitor_and_no_way_in_for_one() -> None:
    engine = served(args={"monitoring_namespace": None})
    assert not engine.all(MONITOR)
    assert len(engine.one(POLICY).inputs["spec"]["ingress"][0]["from"]) == 1


def test_a_preview_knows_every_name_before_the_cluster_exists() -> None:
    plan = model_plan(gated=True)
    args = ModelServerArgs(plan=plan, namespace="models", huggingface_token="hf_x")
    engine = Engine(preview=True).run(lambda: ModelServer("chat", args))
    spec = engine.one(DEPLOYMENT).inputs["spec"]["template"]["spec"]
    assert spec["serviceAccountName"] == "chat"
    assert next(each for each in spec["volumes"] if each["name"] == "cache")["persistentVolumeClaim"]["claimName"]
    references = [
        each["valueFrom"]["secretKeyRef"]["name"] for each in spec["containers"][0]["env"] if "valueFrom" in each
    ]
    assert references == ["chat-api-key", "chat-huggingface"], "a reviewer sees names, not unknowns"


def test_the_pod_comes_after_what_it_needs() -> None:
    engine = served()
    for earlier in ("chat-account", "chat-api-key-secret", "chat-weights"):
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
        engine.one(POLICY).inputs["spec"]["podSelector"]["matchLabels"],
    ]
    for selector in selectors:
        assert selector.items() <= labels.items()
        assert selector["app.kubernetes.io/instance"] == "chat", "it would select another model's pods"
