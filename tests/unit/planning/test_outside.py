"""A proxy, and certificates of one's own: what a stack file may say, and what comes of it."""

from typing import Any

import pytest
from support.plans import SPOT_FIRST, model_plan
from support.stack_settings import ROOT, dev, problems

from llmplatform.checks import parse
from llmplatform.checks.files import read
from llmplatform.planning.outside import OutsidePlan, plan_outside
from llmplatform.serving import ModelServer, ModelServerArgs
from llmplatform.testing import RecordingEngine

PROXY = "http://proxy.example.org:3128"


@pytest.fixture
def raw() -> dict[str, Any]:
    return dev()


@pytest.mark.parametrize("stack", ["dev", "dev-ack"])
def test_the_proxy_is_not_asked_for_what_is_within(stack: str) -> None:
    raw = read(ROOT / f"Pulumi.{stack}.yaml")
    raw["outside"] = {"proxy": PROXY, "no_proxy": [".corp.example.org", "192.168.0.0/16"]}
    way = plan_outside(parse(raw))
    metadata = {"dev": "169.254.0.0/16", "dev-ack": "100.100.100.200"}[stack]
    ranges = {"dev": {"10.20.0.0/16", "172.20.0.0/16"}, "dev-ack": {"10.40.0.0/16", "172.20.0.0/16"}}[stack]
    assert {metadata, ".svc", ".cluster.local", "localhost", *ranges} <= set(way.no_proxy)
    near = {
        "dev": {".s3.us-east-1.amazonaws.com"},
        "dev-ack": {".oss-cn-hangzhou-internal.aliyuncs.com", "sts-vpc.cn-hangzhou.aliyuncs.com"},
    }
    assert near[stack] <= set(way.no_proxy), "buckets of the region have ways that cost nothing"
    assert way.no_proxy[-2:] == (".corp.example.org", "192.168.0.0/16")
    assert way.variables["NO_PROXY"] == ",".join(way.no_proxy)
    assert plan_outside(parse({**raw, "outside": {}})).variables == {}


@pytest.mark.parametrize(
    "address", ["proxy.example.org:3128", "https://proxy.example.org:3128", "http://proxy.example.org", f"{PROXY}/path"]
)
def test_a_proxy_is_host_and_port(raw: dict[str, Any], address: str) -> None:
    raw["outside"] = {"proxy": address}
    (line,) = problems(raw)
    assert line.startswith("outside.proxy: ")
    assert line.endswith("write host and port, like http://proxy.example.org:3128, with neither a password nor a path")


def test_a_password_in_a_proxys_address_is_not_repeated(raw: dict[str, Any]) -> None:
    raw["outside"] = {"proxy": "http://robot:hunter2secret@proxy.example.org:3128"}
    found = problems(raw)
    assert found
    assert "hunter2secret" not in "".join(found)


@pytest.mark.parametrize(
    "text", ["nothing", "vertraut Ümlauten", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_certificate_is_refused(raw: dict[str, Any], text: str) -> None:
    raw["outside"] = {"certificates": text}
    assert problems(raw) == [
        "outside.certificates: it is no certificate (PEM); write what begins with -----BEGIN CERTIFICATE-----"
    ]


def test_an_exception_is_from_something_and_nodes_are_told_something(raw: dict[str, Any]) -> None:
    raw["outside"] = {"no_proxy": [".example.org"], "nodes": True}
    assert problems(raw) == [
        "outside.no_proxy: there is no proxy; write outside.proxy, or remove it",
        "outside.nodes: there is nothing to tell them; write outside.proxy or certificates, or false",
    ]


def test_nodes_on_alibaba_cloud_are_not_told() -> None:
    raw = read(ROOT / "Pulumi.dev-ack.yaml")
    raw["outside"] = {"proxy": PROXY, "nodes": True}
    (line,) = problems(raw)
    assert line.startswith("outside.nodes: ")
    assert "aws" in line.lower()


def served(way: OutsidePlan, **settings: Any) -> RecordingEngine:
    args = ModelServerArgs(plan=model_plan(SPOT_FIRST, **settings), namespace="models", outside=way)
    return RecordingEngine().run(lambda: ModelServer("chat", args).url)


def test_downloads_take_the_way_and_servers_trust_its_authorities_where_they_go_somewhere() -> None:
    way = OutsidePlan(proxy=PROXY, no_proxy=(".svc",), certificates="PEM")
    engine = served(way, egress=[{"cidr": "10.9.0.0/16"}])
    job = engine.one("kubernetes:batch/v1:Job").inputs["spec"]["template"]["spec"]
    (container,) = job["containers"]
    assert {each["name"]: each["value"] for each in container["env"]}.items() >= way.variables.items()
    assert container["args"][-2:] == ["--certificates", "/opt/hydration/certificates.pem"]
    (volume,) = [each for each in job["volumes"] if each["name"] == "hydration"]
    assert {"key": "certificates.pem", "path": "certificates.pem"} in volume["configMap"]["items"]
    program = engine.one("kubernetes:core/v1:ConfigMap").inputs["data"]
    assert program["certificates.pem"] == "PEM"
    policy = engine.named("chat-hydration-network").inputs["spec"]
    assert [port["port"] for port in policy["egress"][-1]["ports"]] == [443, 3128]
    pod = engine.one("kubernetes:apps/v1:Deployment").inputs["spec"]["template"]["spec"]
    (server,) = pod["containers"]
    variables = {each["name"]: each.get("value") for each in server["env"]}
    assert variables["SSL_CERT_FILE"] == variables["REQUESTS_CA_BUNDLE"] == "/etc/outside/certificates.pem"
    assert not {"HTTPS_PROXY", "HTTP_PROXY"} & variables.keys(), "a server goes where its settings name a range"


def test_servers_that_go_nowhere_are_told_nothing() -> None:
    pod = (
        served(OutsidePlan(certificates="PEM")).one("kubernetes:apps/v1:Deployment").inputs["spec"]["template"]["spec"]
    )
    (server,) = pod["containers"]
    assert "SSL_CERT_FILE" not in {each["name"] for each in server["env"]}


def test_another_way_is_another_job() -> None:
    def job(way: OutsidePlan) -> str:
        return served(way).one("kubernetes:batch/v1:Job").inputs["metadata"]["name"]

    # What a Job cannot change has to be in its name.
    ways = (OutsidePlan(), OutsidePlan(proxy=PROXY), OutsidePlan(certificates="PEM"))
    assert len({job(way) for way in ways}) == 3
