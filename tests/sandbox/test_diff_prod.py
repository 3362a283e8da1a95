"""A change to the platform itself: one model of the production stack, and a default of the components it is made of."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.program import ROOT

pytestmark = pytest.mark.sandbox

IMAGE = "registry.example.org/vllm-openai:v0.33.0-fix1"
CONTEXT = "      context_length: 32768\n"
"""The line of the larger model before its engine."""
INSTALLED, COMMITTED, EDITED = "30", "45", "60"


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text, f"{file.name} has no {old!r} to change"
    file.write_text(text.replace(old, new, 1))


def difference(checkout: Path, caches: Path) -> dict[str, Any]:
    users = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    (caches / "llmplatform").mkdir(parents=True)
    (caches / "llmplatform" / "tools").symlink_to(users / "llmplatform" / "tools")
    path = [str(checkout / "components"), str(checkout / "sandbox"), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path).rstrip(os.pathsep),
        "XDG_CACHE_HOME": str(caches),
    }
    command = [sys.executable, "-m", "llmplatform_sandbox.commands", "diff", "prod", "--against", "HEAD", "--json"]
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_exactly_what_a_change_of_the_stack_file_and_of_a_default_does_to_prod_is_found(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(checkout)], check=True)
    default = checkout / "components/llmplatform/aws/flow_logs.py"
    edit(default, f"RETENTION_DAYS = {INSTALLED}\n", f"RETENTION_DAYS = {COMMITTED}\n")
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *identity, "commit", "--quiet", "--all", "--message", "first"], cwd=checkout, check=True)
    edit(default, f"RETENTION_DAYS = {COMMITTED}\n", f"RETENTION_DAYS = {EDITED}\n")
    stack_file = checkout / "Pulumi.prod.yaml"
    edit(stack_file, "        min_replicas: 3\n", "        min_replicas: 4\n")
    edit(stack_file, "      replicas: 2\n", "      replicas: 1\n")
    edit(stack_file, f"{CONTEXT}      engine:\n", f"{CONTEXT}      engine:\n        image: {IMAGE}\n")

    found = difference(checkout, tmp_path / "caches")

    properties = {
        one["urn"].removeprefix("urn:pulumi:prod::llmplatform::"): {
            each["path"]: (each["before"], each["after"]) for each in one["properties"]
        }
        for one in found["changes"]
    }
    flow_logs = properties.pop("llmplatform:aws:Network$aws:cloudwatch/logGroup:LogGroup::core-flow-logs")
    assert flow_logs == {"retentionInDays": (COMMITTED, EDITED)}, "each side runs with the components of its own"
    model = properties.pop("llmplatform:serving:ModelServer$kubernetes:apps/v1:Deployment::qwen3-32b-deployment")
    images = [model.pop(f"spec.template.spec.{kind}[0].image") for kind in ("containers", "initContainers")]
    assert {after for _, after in images} == {IMAGE}, "the server, and what looks for its weights before it"
    assert {path: after for path, (_, after) in model.items()} == {
        "spec.replicas": "1",
        # Its node is not to be had twice, and the autoscaler must not take it away.
        "spec.strategy.type": "Recreate",
        "spec.strategy.rollingUpdate": "(none)",
        'spec.template.metadata.annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"]': "false",
    }
    scaler = "llmplatform:serving:ModelServer$kubernetes:keda.sh/v1alpha1:ScaledObject::qwen3-8b-scaled-object"
    bounds = dict.fromkeys(("spec.minReplicaCount", "spec.fallback.replicas"), ("3", "4"))
    assert properties.pop(scaler) == bounds, "what there is at least, and while it does not know the load"
    [(_, rules)] = [(urn, properties.pop(urn)) for urn in list(properties) if urn.endswith("::model-rules-rule")]
    assert sorted(rules.values()) == [("vector(2 * 1)", "vector(1 * 1)"), ("vector(3 * 1)", "vector(4 * 1)")]
    assert properties == {}, "nothing else of the stack is touched"
    assert {one["op"] for one in found["changes"]} == {"update"}
    assert (found["outputs"], found["unprotected"], found["notes"]) == ([], [], [])
