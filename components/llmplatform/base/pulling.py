"""Logins to private registries, for pods."""

import base64
import json
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.base.labels import labels
from llmplatform.specs.mirrors import Mirrors

_DOCKER_HUB = "https://index.docker.io/v1/"
"""The kubelet's name of docker.io in a login: pkg/credentialprovider/keyring.go, `defaultRegistryKey`."""


@dataclass(frozen=True, kw_only=True)
class RegistryLogin:
    """User and password."""

    registry: str
    user: str
    password: pulumi.Input[str]


def login(mirrors: Mirrors, password: pulumi.Input[str] | None) -> RegistryLogin | None:
    """The login of the settings; None without one. Raises ValueError without its password."""
    wanted = mirrors.login
    if wanted is None:
        return None
    if password is None:
        raise ValueError("mirrors.login: it needs secrets.registry_password")
    return RegistryLogin(registry=wanted.registry, user=wanted.user, password=password)


def pull_secret(
    resource: str,
    name: str,
    namespace: pulumi.Input[str],
    wanted: RegistryLogin,
    opts: pulumi.ResourceOptions,
) -> kubernetes.core.v1.Secret:
    """A Secret for `imagePullSecrets` of pods."""

    def document(password: str) -> str:
        host = _DOCKER_HUB if wanted.registry == "docker.io" else wanted.registry
        pair = base64.b64encode(f"{wanted.user}:{password}".encode()).decode()
        return json.dumps({"auths": {host: {"username": wanted.user, "password": password, "auth": pair}}})

    return kubernetes.core.v1.Secret(
        resource,
        metadata=kubernetes.meta.v1.ObjectMetaArgs(
            name=name, namespace=namespace, labels=labels("registry-login", instance=name)
        ),
        type="kubernetes.io/dockerconfigjson",
        string_data={".dockerconfigjson": pulumi.Output.secret(wanted.password).apply(document)},
        opts=opts,
    )
