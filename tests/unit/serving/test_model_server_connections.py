"""What a model server talks to: clients and their keys, hubs and registries, the scraper of its metrics."""

import pytest
from support.model_servers import DEPLOYMENT, JOB, container, policy, served

from llmplatform.base.labels import MODEL_CLIENT
from llmplatform.specs.mirrors import Mirrors
from llmplatform.testing import walk

SECRET = "kubernetes:core/v1:Secret"
MONITOR = "kubernetes:monitoring.coreos.com/v1:ServiceMonitor"


def test_secrets_reach_the_container_only_by_reference() -> None:
    engine = served(gated=True, args={"huggingface_token": "hf_do_not_print"})
    assert all(secret.secrets == {"stringData"} for secret in engine.all(SECRET)), "the state would hold it in plain"
    variables = {each["name"]: each for each in container(engine)["env"]}
    assert variables["VLLM_API_KEY"]["valueFrom"]["secretKeyRef"] == {"name": "chat-api-key", "key": "api-key"}
    leaks = [
        path
        for each in engine.registered
        if each.type != SECRET
        for path, value in walk(each.inputs)
        if value in ("hf_do_not_print", "Generated-passw0rd")
    ]
    assert not leaks


def test_another_key_is_another_pod() -> None:
    """Pods read a Secret when they start, so the template has to change with it; its mark tells nothing of the key."""

    def mark(key: str) -> str:
        engine = served(args={}, key=key)
        annotations = engine.one(DEPLOYMENT).inputs["spec"]["template"]["metadata"]["annotations"]
        return annotations["llmplatform.dev/secrets"]

    assert mark("one") == mark("one")
    assert mark("one") != mark("two"), "half of the replicas would keep the old key"
    assert "one" not in mark("one")


def test_a_gated_model_without_a_token_is_refused() -> None:
    with pytest.raises(ValueError, match=r"set secrets\.huggingface_token"):
        served(gated=True)


def test_only_clients_and_the_scraper_get_in() -> None:
    (rule,) = policy(served())["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": 8000}]
    assert rule["from"] == [
        {"podSelector": {"matchLabels": MODEL_CLIENT}},
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}},
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}},
        },
    ], "Grafana, with its plugins, has no business with paths that ask for no key"
    assert policy(served())["policyTypes"] == ["Ingress", "Egress"]


def test_a_server_reaches_dns_and_what_its_settings_name() -> None:
    (dns,) = policy(served())["egress"]
    assert dns["to"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}]
    assert {port["port"] for port in dns["ports"]} == {53}
    _, pictures = policy(served(egress=[{"cidr": "10.9.0.0/24", "ports": [8443]}]))["egress"]
    assert pictures["to"] == [{"ipBlock": {"cidr": "10.9.0.0/24"}}]
    assert pictures["ports"] == [{"protocol": "TCP", "port": 8443}]


def test_mirrors_stand_in_for_registries() -> None:
    engine = served(args={"mirrors": Mirrors(images={"docker.io": "registry.example.org/hub"})})
    assert container(engine)["image"].startswith("registry.example.org/hub/vllm/vllm-openai:v")
    job = engine.one(JOB).inputs["spec"]["template"]["spec"]["containers"][0]
    assert job["image"].startswith("registry.example.org/hub/library/python:")


def test_a_server_starts_from_a_folder_and_asks_no_hub() -> None:
    """vLLM 0.33 asks the hub for a list of files, cached or not, unless it is offline (repo_utils.py, config.py)."""
    engine = served(revision="a" * 40)
    assert container(engine)["args"][0] == f"/models/huggingface/Qwen/Qwen3-8B/{'a' * 40}"
    variables = {each["name"]: each.get("value") for each in container(engine)["env"]}
    assert (variables["HF_HUB_OFFLINE"], variables["TRANSFORMERS_OFFLINE"]) == ("1", "1")
    assert not {"HF_ENDPOINT", "HF_TOKEN", "VLLM_USE_MODELSCOPE"} & set(variables)
    assert "command" not in container(engine), "the image knows what to run"


def test_metrics_are_scraped_every_15_seconds_with_a_prometheus() -> None:
    engine = served()
    monitor = engine.one(MONITOR).inputs["spec"]
    (endpoint,) = monitor["endpoints"]
    assert (endpoint["port"], endpoint["path"], endpoint["interval"]) == ("http", "/metrics", "15s")
    labels = engine.one("kubernetes:core/v1:Service").inputs["metadata"]["labels"]
    assert monitor["selector"]["matchLabels"].items() <= labels.items(), "the monitor would find no Service"
    assert {monitor["jobLabel"], *monitor["targetLabels"]} <= labels.keys(), "series would not say whose they are"


def test_a_server_that_loads_is_no_target_that_is_down() -> None:
    """TargetDown of kubernetes-mixin fires after ten minutes; a first start takes longer."""
    (endpoint,) = served().one(MONITOR).inputs["spec"]["endpoints"]
    assert endpoint["relabelings"] == [
        {"sourceLabels": ["__meta_kubernetes_pod_ready"], "regex": "true", "action": "keep"}
    ]


def test_without_monitoring_there_is_no_monitor_and_no_way_in_for_one() -> None:
    engine = served(args={"monitoring_namespace": None})
    assert not engine.all(MONITOR)
    assert len(policy(engine)["ingress"][0]["from"]) == 1
