"""The environment in which a user's own `pulumi` and `kubectl` work on a sandbox, leaving the user's files alone."""

import os
import shlex
import sys
from pathlib import Path

from llmplatform_sandbox.endpoints import Endpoints
from llmplatform_sandbox.engine import environment
from llmplatform_sandbox.interfaces import KubeAccess
from llmplatform_sandbox.paths import SandboxPaths

_AWS = '''#!{python}
"""Stands in for the AWS CLI of a sandbox: answers `aws eks get-token` with the sandbox's certificate."""
import json, os, sys
words = [word for word in sys.argv[1:] if not word.startswith("-")]
if "eks" not in words or "get-token" not in words:
    sys.exit("aws: this is the sandbox's stand-in; it knows only `aws eks get-token`")
asked = json.loads(os.environ.get("KUBERNETES_EXEC_INFO") or "{{}}")
status = {{"clientCertificateData": open({certificate!r}).read(), "clientKeyData": open({key!r}).read()}}
version = asked.get("apiVersion", "client.authentication.k8s.io/v1beta1")
print(json.dumps({{"kind": "ExecCredential", "apiVersion": version, "spec": {{}}, "status": status}}))
'''


def variables(paths: SandboxPaths, stack: str, endpoints: Endpoints, kube: KubeAccess, pulumi: Path) -> dict[str, str]:
    """Name → value of what has to be exported; also writes the stand-in for the cloud's CLI."""
    _write_shims(paths)
    return {
        **environment(paths),
        "PULUMI_STACK": stack,
        # The CLI reads --config-file from here; with it, it neither reads nor salts the user's stack file.
        "PULUMI_OPTION_CONFIG_FILE": str(paths.project / f"Pulumi.{stack}.yaml"),
        "PULUMI_DEBUG_PROVIDERS": endpoints.debug_providers,
        "PULUMI_DEBUG_LANGUAGES": f"python:{endpoints.language}",
        "KUBECONFIG": str(kube.kubeconfig),
        "PATH": os.pathsep.join([str(paths.shims), str(pulumi.parent), os.environ.get("PATH", "")]),
    }


def exports(values: dict[str, str]) -> str:
    """Lines for a POSIX shell's `eval`."""
    # A passphrase of the user's own would win over the sandbox's file.
    return "\n".join(
        ["unset PULUMI_CONFIG_PASSPHRASE", *(f"export {name}={shlex.quote(value)}" for name, value in values.items())]
    )


def _write_shims(paths: SandboxPaths) -> None:
    pki = paths.kube / "pki"
    aws = paths.shims / "aws"
    aws.write_text(_AWS.format(python=sys.executable, certificate=str(pki / "admin.crt"), key=str(pki / "admin.key")))
    aws.chmod(0o755)
