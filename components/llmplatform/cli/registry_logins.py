"""Logins to registries, as `helm registry login` and `docker login` keep them.

Helm: `registry/config.json` in its configuration folder (helm.sh/docs/helm/helm, HELM_REGISTRY_CONFIG); Docker:
`config.json` (docs.docker.com/reference/cli/docker/login, "Credential stores"). Both have the same form. What a program
of Docker's keeps (`credsStore`, `credHelpers`) is not asked for: Helm can, and can fetch the chart itself.
"""

import base64
import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

Login = tuple[str, str]
"""User and password."""


def login_of(host: str) -> Login | None:
    """The login to a registry; None where there is none that can be read."""
    for path in _files():
        if found := _in_file(path, host):
            return found
    return None


def _files() -> list[Path]:
    home = Path(os.environ.get("HOME") or "~").expanduser()
    config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "helm"
    if sys.platform == "darwin" and "XDG_CONFIG_HOME" not in os.environ:
        config = home / "Library" / "Preferences" / "helm"
    config = Path(os.environ.get("HELM_CONFIG_HOME") or config)
    helm = os.environ.get("HELM_REGISTRY_CONFIG") or config / "registry" / "config.json"
    docker = Path(os.environ.get("DOCKER_CONFIG") or home / ".docker") / "config.json"
    return [Path(helm), docker]


def _in_file(path: Path, host: str) -> Login | None:
    with suppress(OSError, ValueError, RecursionError):
        read: Any = json.loads(path.read_text(encoding="utf-8"))
        auths: Any = cast(dict[str, Any], read).get("auths") if isinstance(read, dict) else None
        for name, each in cast(dict[str, Any], auths if isinstance(auths, dict) else {}).items():
            if _host(name) == host and isinstance(each, Mapping):
                return _login(cast(Mapping[str, Any], each))
    return None


def _host(name: str) -> str:
    """Docker writes some with a scheme and a path."""
    return name.partition("://")[2].partition("/")[0] if "://" in name else name.partition("/")[0]


def _login(entry: Mapping[str, Any]) -> Login | None:
    if entry.get("username") and entry.get("password"):
        return str(entry["username"]), str(entry["password"])
    user, colon, password = base64.b64decode(str(entry.get("auth") or "")).decode().partition(":")
    return (user, password) if colon else None
