"""A model of a bucket or a claim in the committed stacks: the rights, the ways and the pods of its download."""

import json
from copy import deepcopy
from functools import cache
from typing import Any

import kubernetes_validate
import pytest
from support import iam_linter, ram_linter
from support.program import run_program, stack_config

from llmplatform.testing import RecordingEngine

PLACE = {"dev": "s3://acme-models/qwen/qwen3-8b", "dev-ack": "oss://acme-models/qwen/qwen3-8b"}
ADAPTER = {stack: place.replace("qwen/qwen3-8b", "lora/sql") for stack, place in PLACE.items()}
KEY = {
    "dev": "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "dev-ack": "key-hzz65f1c2d3e4f5a6b7c8",
}
JOB, DEPLOYMENT = "kubernetes:batch/v1:Job", "kubernetes:apps/v1:Deployment"
ACCOUNT, POLICY = "kubernetes:core/v1:ServiceAccount", "kubernetes:networking.k8s.io/v1:NetworkPolicy"
AGENT = {"ipBlock": {"cidr": "169.254.170.23/32"}}
each_stack = pytest.mark.parametrize("stack", PLACE)


@cache
def made(stack: str, cache: str = "shared") -> RecordingEngine:
    """The stack with its first model from a bucket, with an adapter from another prefix."""
    return _made(stack, {"source": PLACE[stack], "cache": cache, "buckets": {"kms_key": KEY[stack]}}, ADAPTER[stack])


def _made(stack: str, weights: dict[str, Any], adapter: str | None = None) -> RecordingEngine:
    config = deepcopy(stack_config(stack))
    config["llmplatform:services"] = {}
    models = config["llmplatform:models"]
    name = model_name(stack)
    config["llmplatform:models"] = {name: {**models[name], "weights": weights}}
    if adapter:
        config["llmplatform:models"][name]["lora"] = {"adapters": {"sql": {"source": adapter, "rank": 8}}}
    config["llmplatform:models"][name].pop("revision", None)
    return run_program(config, stack, may_warn=True)


def model_name(stack: str) -> str:
    return next(iter(stack_config(stack)["llmplatform:models"]))


def pod(engine: RecordingEngine, kind: str) -> dict[str, Any]:
    return engine.one(kind).inputs["spec"]["template"]["spec"]


@each_stack
def test_the_download_alone_has_an_account_that_may_read(stack: str) -> None:
    engine, account = made(stack), f"{model_name(stack)}-weights"
    assert pod(engine, JOB)["serviceAccountName"] == account
    assert pod(engine, DEPLOYMENT)["serviceAccountName"] == model_name(stack), "servers need no right"
    (found,) = [each for each in engine.all(ACCOUNT) if each.inputs["metadata"]["name"] == account]
    role = engine.named(f"{account}-role")
    assert engine.waits_for(engine.one(JOB), found)
    assert engine.waits_for(found, role)
    trusted = json.dumps(role.inputs)
    assert account in trusted
    if stack == "dev":
        association = engine.named(f"{account}-association")
        assert (association.inputs["namespace"], association.inputs["serviceAccount"]) == ("models", account)
        assert engine.waits_for(found, association), "a pod that starts earlier gets no credentials"
        assert "annotations" not in found.inputs["metadata"], "the API server drops an empty map"
    else:
        assert found.inputs["metadata"]["annotations"] == {
            "pod-identity.alibabacloud.com/role-name": role.inputs["roleName"]
        }
        labels = engine.named("models-namespace").inputs["metadata"]["labels"]
        assert labels["pod-identity.alibabacloud.com/injection"] == "on"


@each_stack
def test_the_rights_are_those_prefixes_and_the_key(stack: str) -> None:
    engine, account = made(stack), f"{model_name(stack)}-weights"
    kind, field = (
        ("aws:iam/rolePolicy:RolePolicy", "policy")
        if stack == "dev"
        else ("alicloud:ram/policy:Policy", "policyDocument")
    )
    documents = [each.inputs[field] for each in engine.all(kind) if each.name.startswith(f"{account}-read-")]
    assert len(documents) == 2, "one for the weights, one for the adapter"
    linter = iam_linter if stack == "dev" else ram_linter
    assert [linter.findings(document) for document in documents] == [[], []]
    statements = [statement for document in documents for statement in json.loads(document)["Statement"]]
    allowed = {action for statement in statements for action in statement["Action"]}
    service = PLACE[stack].partition("://")[0]
    listing = {"s3": "s3:ListBucket", "oss": "oss:ListObjects"}[service]
    assert allowed == {listing, f"{service}:GetObject", "kms:Decrypt"}
    prefixes = {"s3": "s3:prefix", "oss": "oss:Prefix"}[service]
    asked = [
        statement["Condition"]["StringEquals"][prefixes] for statement in statements if listing in statement["Action"]
    ]
    assert asked == ["qwen/qwen3-8b/", "lora/sql/"]
    read = [
        each
        for statement in statements
        if f"{service}:GetObject" in statement["Action"]
        for each in statement["Resource"]
    ]
    assert [each.partition(":acme-models/")[2] for each in read] == ["qwen/qwen3-8b/*", "lora/sql/*"]


@each_stack
def test_only_the_way_to_the_credentials_is_opened_and_for_the_download_alone(stack: str) -> None:
    engine = made(stack)
    opened = [
        (each.inputs["metadata"]["name"], each.inputs["spec"])
        for each in engine.all(POLICY)
        if AGENT in [peer for rule in each.inputs["spec"].get("egress", []) for peer in rule.get("to", [])]
        and each.inputs["metadata"]["namespace"] == "models"
    ]
    if stack == "dev-ack":
        assert opened == [], "credentials come over HTTPS"
        return
    ((name, spec),) = opened
    assert name == f"{model_name(stack)}-weights"
    assert spec["policyTypes"] == ["Egress"]
    assert spec["egress"] == [{"to": [AGENT], "ports": [{"protocol": "TCP", "port": 80}]}]
    labels = engine.one(JOB).inputs["spec"]["template"]["metadata"]["labels"]
    assert spec["podSelector"]["matchLabels"].items() <= labels.items()
    others = engine.one(DEPLOYMENT).inputs["spec"]["template"]["metadata"]["labels"]
    assert not spec["podSelector"]["matchLabels"].items() <= others.items()


@each_stack
def test_the_words_of_the_download_name_service_and_region(stack: str) -> None:
    (container,) = pod(made(stack), JOB)["containers"]
    words = container["args"]
    told = {flag: words[words.index(flag) + 1] for flag in words if flag.startswith("--bucket") or flag == "--source"}
    region = stack_config(stack)["llmplatform:cloud"]["region"]
    endpoint = {"dev": f"s3.{region}.amazonaws.com", "dev-ack": f"oss-{region}-internal.aliyuncs.com"}[stack]
    assert told == {"--source": PLACE[stack], "--bucket-region": region, "--bucket-endpoint": endpoint}
    assert words[words.index("--target") + 1] == f"{PLACE[stack][:3].strip(':')}/acme-models/qwen%2Fqwen3-8b/main"
    assert container["args"].count("--adapter") == 1


@each_stack
def test_a_server_that_downloads_its_own_weights_has_the_account(stack: str) -> None:
    engine, name = made(stack, "node"), model_name(stack)
    assert engine.all(JOB) == []
    assert pod(engine, DEPLOYMENT)["serviceAccountName"] == name
    assert engine.waits_for(engine.named(f"{name}-account"), engine.named(f"{name}-weights-role"))
    egress = engine.named(f"{name}-network").inputs["spec"]["egress"]
    assert ([AGENT] in [rule.get("to") for rule in egress]) == (stack == "dev")


@each_stack
def test_every_object_is_one_that_the_api_server_takes(stack: str) -> None:
    for engine in (made(stack), made(stack, "node")):
        for each in engine.registered:
            if each.type.startswith("kubernetes:") and model_name(stack) in each.name and "monitoring" not in each.type:
                kubernetes_validate.validate(each.inputs, "1.35", strict=True)


def test_a_claim_is_mounted_as_it_is() -> None:
    engine = _made("dev", {"source": "pvc://team-models/qwen/qwen3-8b"})
    assert engine.all(JOB) == []
    assert engine.all("kubernetes:core/v1:PersistentVolumeClaim") == []
    found = pod(engine, DEPLOYMENT)
    assert {"name": "weights", "persistentVolumeClaim": {"claimName": "team-models", "readOnly": True}} in found[
        "volumes"
    ]
    (container,), (look,) = found["containers"], found["initContainers"]
    assert container["args"][0] == "/models/qwen/qwen3-8b"
    mounts = [mount for each in (container, look) for mount in each["volumeMounts"] if mount["name"] == "weights"]
    assert [mount["readOnly"] for mount in mounts] == [True, True]
    assert look["args"][look["args"].index("--source") + 1] == "pvc://team-models/qwen/qwen3-8b"
    assert "--check" in look["args"]


def test_the_root_of_a_claim_has_no_slash_at_its_end() -> None:
    (container,) = pod(_made("dev", {"source": "pvc://team-models"}), DEPLOYMENT)["containers"]
    assert container["args"][0] == "/models"
