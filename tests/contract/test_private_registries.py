"""With a login to a registry, every pod that the program makes pulls with it, and the password is nowhere else."""

import base64
import json
from collections import defaultdict
from copy import deepcopy
from functools import cache
from typing import Any

import pytest
from support.program import STACKS, run_program, stack_config

from llmplatform.testing import RecordingEngine, Registered, walk

REGISTRY, USER, PASSWORD = "registry.example.org", "robot$pull", "the-password"
RELEASE, SECRET = "kubernetes:helm.sh/v3:Release", "kubernetes:core/v1:Secret"
WORKLOADS = ("kubernetes:apps/v1:Deployment", "kubernetes:batch/v1:Job")
NO_IMAGES = ("prometheus-operator-crds",)
KNOWS_NO_LOGIN = ("cert-manager-alidns-webhook",)
"""A warning says so: its chart has no value for it."""


@cache
def made(stack: str) -> RecordingEngine:
    config = deepcopy(stack_config(stack))
    mirrors = config.setdefault("llmplatform:mirrors", {})
    mirrors.pop("acr", None)
    mirrors["images"] = {host: f"{REGISTRY}/{host}" for host in ("docker.io", "ghcr.io", "nvcr.io", "quay.io")}
    mirrors["images"]["registry.k8s.io"] = f"{REGISTRY}/k8s"
    mirrors["login"] = {"registry": REGISTRY, "user": USER}
    secrets = config.get("llmplatform:secrets", {})
    config["llmplatform:secrets"] = {
        **dict.fromkeys(secrets, "https://hooks.example.org/x"),
        "registry_password": PASSWORD,
    }
    return run_program(config, stack, may_warn=True)


def logins(engine: RecordingEngine) -> dict[str, set[str]]:
    """Namespace to the Secrets in it that pods can pull with."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for each in engine.all(SECRET):
        if each.inputs.get("type") == "kubernetes.io/dockerconfigjson":
            found[each.inputs["metadata"]["namespace"]].add(each.inputs["metadata"]["name"])
    return found


def named(values: Any) -> set[str]:
    """Names of pull secrets anywhere in an object or in a chart's values, whichever way they are written."""
    return {
        value
        for path, value in walk(values)
        if "imagepullsecrets" in path.lower() or "image.pullsecrets" in path.lower()
    }


def test_a_login_is_what_docker_would_have_kept() -> None:
    # kubernetes.io, "Pull an Image from a Private Registry": `auth` is user and password, a colon between, as base64.
    secret = next(each for each in made("dev").all(SECRET) if each.inputs.get("type", "").endswith("dockerconfigjson"))
    document = json.loads(secret.inputs["stringData"][".dockerconfigjson"])
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    assert document == {"auths": {REGISTRY: {"username": USER, "password": PASSWORD, "auth": auth}}}


@pytest.mark.parametrize("stack", STACKS)
def test_every_pod_pulls_with_a_secret_of_its_namespace(stack: str) -> None:
    engine = made(stack)
    there = logins(engine)
    pods = [each for kind in WORKLOADS for each in engine.all(kind)]
    assert len(pods) >= 2
    for each in pods:
        spec = each.inputs["spec"]["template"]["spec"]
        asked = {one["name"] for one in spec.get("imagePullSecrets") or []}
        assert asked, f"{each.name} pulls without a login"
        assert asked <= there[each.inputs["metadata"]["namespace"]], each.name


@pytest.mark.parametrize("stack", STACKS)
def test_every_release_is_told_of_a_secret_of_its_namespace(stack: str) -> None:
    engine = made(stack)
    there = logins(engine)
    for each in engine.all(RELEASE):
        chart = each.inputs["name"]
        if chart in NO_IMAGES or chart in KNOWS_NO_LOGIN:
            continue
        asked = named(each.inputs["values"])
        assert asked, f"{chart} pulls without a login"
        assert asked <= there[each.inputs["namespace"]], chart


@pytest.mark.parametrize("stack", STACKS)
def test_the_password_is_in_encrypted_properties_alone(stack: str) -> None:
    def plain(each: Registered) -> bool:
        return any(PASSWORD in str(value) for key, value in each.inputs.items() if key not in each.secrets)

    assert [each.name for each in made(stack).registered if plain(each)] == []
