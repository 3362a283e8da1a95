"""The kubeconfig of a cluster whose user runs a program for its credentials, so that no token is stored."""

import json
from collections.abc import Sequence


def document(name: str, endpoint: str, certificate_authority: str, command: Sequence[str]) -> str:
    """JSON kubeconfig. `certificate_authority` is base64 of its PEM; `command` prints an ExecCredential (v1beta1)."""
    user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": command[0],
            "args": list(command[1:]),
            "interactiveMode": "Never",
        }
    }
    server = {"server": endpoint, "certificate-authority-data": certificate_authority}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": server}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        }
    )
