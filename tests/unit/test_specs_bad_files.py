"""Wrong stack files: each is the dev file with a few words replaced, and the exact lines that a user reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from llmplatform.specs import check_stack_file
from llmplatform.specs.rules import clusters

DEV = Path(__file__).parents[2] / "Pulumi.dev.yaml"


@dataclass(frozen=True)
class Case:
    name: str
    edits: Sequence[tuple[str, str]]
    lines: Sequence[str]


CASES = (
    Case(
        "a misspelt key",
        [("    region: us-east-1\n", "    regoin: us-east-1\n")],
        ["cloud.regoin: unknown key 'regoin'; did you mean 'region'?"],
    ),
    Case(
        "a misspelt section",
        [("llmplatform:addons:", "llmplatform:adons:")],
        ["adons: unknown key 'adons'; did you mean 'addons'?"],
    ),
    Case(
        "a key that is missing",
        [("    owner: platform-team\n", "")],
        ["environment.owner: required key is missing; add 'owner:' (Team that answers for the environment)"],
    ),
    Case(
        "numbers that are names",
        [
            ('account_id: "111122223333"', "account_id: 111122223333"),
            ('kubernetes_version: "1.35"', "kubernetes_version: 1.35"),
        ],
        [
            'cloud.account_id: 111122223333 is a number; put it in quotes: "111122223333"',
            'cluster.kubernetes_version: 1.35 is a number; put it in quotes: "1.35"',
        ],
    ),
    Case(
        "a choice that does not exist",
        [("    kind: new\n    cidr", "    kind: neww\n    cidr")],
        ["network.kind: 'neww' is not known; did you mean 'new'?"],
    ),
    Case(
        "a zone of another region",
        [("zones: [us-east-1a, us-east-1b]", "zones: [us-east-1a, us-west-2b]")],
        [
            (
                "cloud.zones[1]: 'us-west-2b' is not in region 'us-east-1'; "
                "write a zone like 'us-east-1b', or change the region"
            )
        ],
    ),
    Case(
        "a region that does not exist",
        [("region: us-east-1", "region: us-esat-1")],
        ["cloud.region: 'us-esat-1' is not a region of aws; did you mean 'us-east-1'?"],
    ),
    Case(
        "addresses that are too few and overlap",
        [("cidr: 10.20.0.0/16", "cidr: 172.20.0.0/22")],
        [
            (
                "network.cidr: a /22 is too small: every pod takes an address of its zone's private subnet, and the range is divided "
                "for six zones; use a /16 (8,192 addresses for each zone's pods), at least a /20 (512)"
            ),
            (
                "cluster.service_cidr: 172.20.0.0/16 overlaps the network's 172.20.0.0/22: a Service would hide a machine; "
                "use 10.100.0.0/16, or another network.cidr"
            ),
        ],
    ),
    Case(
        "a Kubernetes version whose support has ended",
        [('kubernetes_version: "1.35"', 'kubernetes_version: "1.33"')],
        [
            (
                "cluster.kubernetes_version: standard support of 1.33 ended on 2026-07-29, and EKS refuses or surcharges it; "
                "use '1.34', '1.35' or '1.36'"
            )
        ],
    ),
    Case(
        "a Kubernetes version that does not exist",
        [('kubernetes_version: "1.35"', 'kubernetes_version: "1.53"')],
        ["cluster.kubernetes_version: EKS does not offer 1.53; use '1.34', '1.35' or '1.36'"],
    ),
    Case(
        "an instance type that does not exist",
        [("instance_types: [g5.2xlarge]", "instance_types: [g5.2xlrage]")],
        ["pools.gpu.instance_types[0]: instance type 'g5.2xlrage' is not known; did you mean 'g5.2xlarge'?"],
    ),
    Case(
        "two shapes in a pool",
        [("instance_types: [g5.2xlarge]", "instance_types: [g5.2xlarge, g6.2xlarge]")],
        [
            (
                "pools.gpu.instance_types[1]: 'g6.2xlarge' (1 x L4, 8 vCPU, 32 GiB) has another shape than 'g5.2xlarge' "
                "(1 x A10G, 8 vCPU, 32 GiB), with which the autoscaler plans; make a pool of its own for it"
            )
        ],
    ),
    Case(
        "a slice of a GPU",
        [("instance_types: [g5.2xlarge]", "instance_types: [g6f.2xlarge]")],
        [
            (
                "pools.gpu.instance_types[0]: 'g6f.2xlarge' offers a slice of a GPU, which needs another driver than the EKS node "
                "images carry; use a type with whole GPUs, such as g5.2xlarge or g6.2xlarge"
            )
        ],
    ),
    Case(
        "a GPU that the engine cannot use",
        [("instance_types: [g5.2xlarge]", "instance_types: [p3.2xlarge]")],
        [
            (
                "models.qwen3-8b.pool: vllm 0.33.0 has no kernels for the V100-16GB of pool 'gpu' (compute capability 7.0; "
                "it needs 7.5); use a pool of newer GPUs, such as T4, A10G or L4"
            )
        ],
    ),
    Case(
        "more nodes at least than at most",
        [("      max: 3\n", "      min: 5\n      max: 3\n")],
        ["pools.gpu: min (5) is above max (3); raise max or lower min"],
    ),
    Case(
        "a disk that an engine's image does not fit",
        [("      max: 3\n", "      max: 3\n      disk_gib: 50\n")],
        [
            (
                "pools.gpu.disk_gib: 50 GiB are too few for a GPU node: an engine's image alone unpacks to 30 GiB; "
                "write 200 or more"
            )
        ],
    ),
    Case(
        "nowhere for the add-ons to run",
        [("      min: 2\n      max: 4\n", "      min: 0\n      max: 4\n")],
        [
            (
                "pools.system.min: no pool without GPUs keeps a node, so that the autoscaler itself has nowhere to run; "
                "write 'min: 2'"
            )
        ],
    ),
    Case(
        "a pool called like another one's group",
        [("    system:\n", "    gpu-spot:\n")],
        ["pools.gpu-spot: a node group of the spot_first pool 'gpu' has that name; give this pool another name"],
    ),
    Case(
        "a pool that does not exist",
        [("      pool: gpu\n", "      pool: gpus\n")],
        ["models.qwen3-8b.pool: there is no pool 'gpus'; did you mean 'gpu'?"],
    ),
    Case(
        "a pool without GPUs",
        [("      pool: gpu\n", "      pool: system\n")],
        ["models.qwen3-8b.pool: pool 'system' has no GPUs; use 'gpu'"],
    ),
    Case(
        "a model that nobody knows",
        [("source: Qwen/Qwen3-8B", "source: Qwen/Qwen3-88B")],
        [
            (
                "models.qwen3-8b.source: the catalog does not know 'Qwen/Qwen3-88B'; did you mean 'Qwen/Qwen3-8B'? "
                "Else add 'shape:' with the values of its config.json"
            )
        ],
    ),
    Case(
        "a model that does not fit",
        [("context_length: 16384", "context_length: 40960")],
        [
            (
                "models.qwen3-8b: 'Qwen/Qwen3-8B' with a context of 40960 tokens needs 23.3 GiB on each A10G of pool 'gpu', which has "
                "20.3 GiB for it (weights 15.3, engine 2.4); set context_length to 18432"
            )
        ],
    ),
    Case(
        "a model that no node of the pool holds",
        [("source: Qwen/Qwen3-8B", "source: Qwen/Qwen3-32B")],
        [
            (
                "models.qwen3-8b: 'Qwen/Qwen3-32B' with a context of 16384 tokens needs 67.4 GiB on each A10G of pool 'gpu', which has "
                "20.3 GiB for it (weights 61.0, engine 2.4); use a pool of 'g7e.2xlarge' with tensor_parallel 1, or quantized weights"
            )
        ],
    ),
    Case(
        "heads that cannot be spread",
        [("      pool: gpu\n", "      pool: gpu\n      tensor_parallel: 3\n")],
        [
            (
                "models.qwen3-8b.tensor_parallel: 32 attention heads and 8 key-value heads cannot be spread over 3 GPUs; "
                "use 1, 2, 4, 8 or 16"
            )
        ],
    ),
    Case(
        "a replica that is larger than a node",
        [("      pool: gpu\n", "      pool: gpu\n      tensor_parallel: 2\n")],
        [
            (
                "models.qwen3-8b.tensor_parallel: a replica of 2 GPUs is larger than a node of pool 'gpu', whose g5.2xlarge has 1; "
                "write 1, or use a pool of larger nodes"
            )
        ],
    ),
    Case(
        "more replicas than the pool can ever hold",
        [("      pool: gpu\n", "      pool: gpu\n      replicas: 9\n")],
        [
            (
                "pools.gpu.max: the replicas of its models need 9 GPUs on 9 nodes, and it has at most 6; "
                "write 5 or more, or lower the replicas"
            )
        ],
    ),
    Case(
        "a parser that the engine does not have",
        [("tool_call_parser: hermes", "tool_call_parser: hermse")],
        ["models.qwen3-8b.engine.tool_call_parser: vllm has no parser 'hermse'; did you mean 'hermes'?"],
    ),
    Case(
        "gated weights without a token",
        [("      pool: gpu\n", "      pool: gpu\n      gated: true\n")],
        [
            (
                "models.qwen3-8b.gated: gated weights need a token, and secrets.huggingface_token is not set; "
                "run pulumi config set --secret --path 'llmplatform:secrets.huggingface_token'"
            )
        ],
    ),
    Case(
        "an authority with nothing to certify",
        [
            ("        kind: self_signed\n", "        kind: acme\n        email: a@example.org\n"),
            ("    gateway:\n      host: llm.dev.example.org\n", ""),
        ],
        [
            (
                "addons.gateway.host: an ACME issuer has nothing to certify without a host; "
                "write the gateway's host name, or set addons.cert_manager.issuer.kind to 'self_signed'"
            )
        ],
    ),
    Case(
        "GPUs that nothing offers",
        [("    cert_manager:\n", "    gpu_operator:\n      enabled: false\n    cert_manager:\n")],
        [
            (
                "addons.gpu_operator.enabled: without it nothing offers the GPUs of pool 'gpu' to Kubernetes; "
                "write true, or set the pool's image to 'bottlerocket', which has a device plugin of its own"
            )
        ],
    ),
    Case(
        "a key that is written twice",
        [("      max: 3\n", "      max: 3\n      max: 4\n")],
        ["Pulumi.dev.yaml: line 37, column 7: the key 'max' is written twice; remove one"],
    ),
    Case(
        "mistakes of all kinds at once, in the order of the file",
        [
            ("    name: dev\n", "    name: Dev\n"),
            ('account_id: "111122223333"', 'account_id: "1111"'),
            ("nat: single", "nat: one"),
            ("capacity: spot_first", "capacity: spot-first"),
            ("tool_call_parser: hermes", "tool_call_parser: hermse"),
            ("retention_days: 7\n      storage", "retention_days: 0\n      storage"),
        ],
        [
            "environment.name: 'Dev' is not valid; use lower-case letters, digits and '-', beginning with a letter",
            "cloud.account_id: '1111' is not valid; an AWS account id has exactly 12 digits, in quotes",
            "network.nat: 'one' is not a choice; use 'single' or 'per_zone'",
            "pools.gpu.capacity: 'spot-first' is not a choice; did you mean 'spot_first'?",
            "models.qwen3-8b.engine.tool_call_parser: vllm has no parser 'hermse'; did you mean 'hermes'?",
            "addons.monitoring.retention_days: 0 is out of range; write more than 0",
        ],
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_wrong_file_is_told_in_one_line_for_each_mistake(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "today", lambda: date(2026, 11, 21))
    text = DEV.read_text(encoding="utf-8")
    for old, new in case.edits:
        assert text.count(old) == 1, f"the edit '{old.strip()}' must name one place of {DEV.name}"
        text = text.replace(old, new)
    path = tmp_path / DEV.name
    path.write_text(text, encoding="utf-8")
    assert check_stack_file(path) == list(case.lines), "a user acts on these very words"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("", "it.yaml: the file is empty; start from Pulumi.dev.yaml"),
        ("- a\n", "it.yaml: the file is not a group of keys; write the settings below 'config:'"),
        ("confg: {}\n", "it.yaml: there is no 'config:' key; rename 'confg:' to 'config:'"),
        (
            "config: 3\n",
            "it.yaml: 'config:' is not a group of keys; write 'llmplatform:environment:' and so on below it",
        ),
        (
            "config:\n  aws:region: us-east-1\n",
            "it.yaml: there is no 'llmplatform:' key below 'config:'; add 'llmplatform:environment:' and the other sections",
        ),
        ("config:\n  pools: {}\n", "config.pools: the key has no namespace; write 'llmplatform:pools'"),
        ("config:\n  a: [\n", "it.yaml: line 3, column 1: did not find expected node content; correct the YAML there"),
        ("config: !!python/object:os.system {}\n", None),
        (
            'config: {"llmplatform:pools": &a [*a]}\n',
            "the stack: a value contains itself; write it out instead of using an alias",
        ),
        ('config: {"llmplatform:pools": {2026-11-21: 1}}\n', "the stack: a key is not text; put it in quotes"),
    ],
)
def test_a_file_that_holds_no_settings_is_told_in_one_line(content: str, line: str | None, tmp_path: Path) -> None:
    path = tmp_path / "it.yaml"
    path.write_text(content, encoding="utf-8")
    lines = check_stack_file(path)
    assert len(lines) == 1, "one mistake is one line, without a traceback"
    assert line is None or lines == [line]


def test_a_file_that_is_not_there_names_the_nearest_one(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").touch()
    assert check_stack_file(tmp_path / "Pulumi.deev.yaml") == [
        "Pulumi.deev.yaml: cannot be read: No such file or directory; did you mean 'Pulumi.dev.yaml'?"
    ]


def test_a_file_that_is_not_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "it.yaml").write_bytes(b"\xff\xfe\x00")
    assert check_stack_file(tmp_path / "it.yaml") == ["it.yaml: it is not text; save it as UTF-8"]


SECRETS = ("hf_" + "a1" * 12, "AKIA" + "ABCDEFGH12345678", "sk-" + "x9" * 12, "ghp_" + "Z3" * 12)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "place", ["      host: llm.dev.example.org", "    owner: platform-team", "      source: Qwen/Qwen3-8B"]
)
def test_a_token_is_found_wherever_it_stands_and_never_repeated(secret: str, place: str, tmp_path: Path) -> None:
    key = place.partition(":")[0]
    path = tmp_path / DEV.name
    path.write_text(DEV.read_text(encoding="utf-8").replace(place, f"{key}: {secret}"), encoding="utf-8")
    lines = check_stack_file(path)
    assert any("in clear text" in line for line in lines), "a token in a file that is committed is a leak"
    assert not any(secret in line for line in lines), "error lines end in logs"


def test_a_secret_in_clear_text_is_refused_with_the_command_that_encrypts_it(tmp_path: Path) -> None:
    path = tmp_path / DEV.name
    text = DEV.read_text(encoding="utf-8") + "  llmplatform:secrets:\n    huggingface_token: plain-words\n"
    path.write_text(text, encoding="utf-8")
    assert check_stack_file(path) == [
        (
            "secrets.huggingface_token: the secret is in clear text; revoke it, and run pulumi config set --secret --path "
            "'llmplatform:secrets.huggingface_token'"
        )
    ]


def test_an_encrypted_secret_is_taken(tmp_path: Path) -> None:
    path = tmp_path / DEV.name
    text = DEV.read_text(encoding="utf-8").replace("      pool: gpu\n", "      pool: gpu\n      gated: true\n")
    text += "  llmplatform:secrets:\n    huggingface_token:\n      secure: AAABAKx3c2VjcmV0\n"
    path.write_text(text, encoding="utf-8")
    assert check_stack_file(path) == []
