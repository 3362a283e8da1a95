"""The environment for a user's own `pulumi` and `kubectl` on a sandbox, without changes to the user's files."""

import os
import shlex
import sys
from pathlib import Path

from llmplatform_sandbox.endpoints import Endpoints
from llmplatform_sandbox.engine import environment
from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.interfaces import KubeAccess
from llmplatform_sandbox.paths import SandboxPaths
from llmplatform_sandbox.project import copy_project, read_project

_SHIMS = {"aws": ("eks", "get-token"), "ack-ram-tool": ("credential-plugin", "get-credential")}
"""Cloud command that kubeconfigs call → its words to get credentials."""
_SHIM = """
import json, os, sys
words = [word for word in sys.argv[1:] if not word.startswith("-")]
if not {words!r}.issubset(words):
    sys.exit("this is the sandbox's stand-in; it knows only `{usage}`")
asked = json.loads(os.environ.get("KUBERNETES_EXEC_INFO") or "{{}}")
status = {{"clientCertificateData": open({certificate!r}).read(), "clientKeyData": open({key!r}).read()}}
version = asked.get("apiVersion", "client.authentication.k8s.io/v1beta1")
print(json.dumps({{"kind": "ExecCredential", "apiVersion": version, "spec": {{}}, "status": status}}))
"""


_PULUMI = """
import os, subprocess, sys
source, copy = {source!r}, {copy!r}
before = ["", *sys.argv[1:]]
words = [word for last, word in zip(before, sys.argv[1:]) if not word.startswith("-") and last not in {valued!r}]
if words[:1] == ["config"] and words[1:2] and words[1] not in ("get", "env"):
    sys.exit(
        source + ": this shell's pulumi works on the sandbox's copy of it, and what it sets there is lost with the next"
        " change of the file; edit the file, or set the value in a shell without the sandbox's variables"
    )
if os.path.exists(source) and os.stat(source).st_mtime_ns >= os.stat(copy).st_mtime_ns:
    failed = subprocess.run({refresh!r}).returncode
    if failed:
        sys.exit(failed)
os.execv({pulumi!r}, [{pulumi!r}, *sys.argv[1:]])
"""
_VALUED = frozenset({"-s", "--stack", "-C", "--cwd", "--color", "-v", "--verbose"})
"""Options before the command that have a separate value."""


def variables(
    paths: SandboxPaths, project: Path, stack: str, endpoints: Endpoints, kube: KubeAccess, pulumi: Path
) -> dict[str, str]:
    """Name → value of the variables to export; also writes the stand-ins for the clouds' commands and for pulumi."""
    write_shims(paths)
    _write(
        paths.shims / "pulumi",
        _PULUMI.format(
            source=str(read_project(project).stack_file(stack)),
            copy=str(paths.project / f"Pulumi.{stack}.yaml"),
            refresh=[sys.executable, "-P", "-m", __name__, str(project), stack, str(paths.folder)],
            pulumi=str(pulumi),
            valued=set(_VALUED),
        ),
    )
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
    # The user's own passphrase would override the sandbox's file.
    return "\n".join(
        ["unset PULUMI_CONFIG_PASSPHRASE", *(f"export {name}={shlex.quote(value)}" for name, value in values.items())]
    )


def write_shims(paths: SandboxPaths) -> None:
    """Stand-ins for the commands by which kubeconfigs get credentials."""
    pki = paths.kube / "pki"
    for command, words in _SHIMS.items():
        _write(
            paths.shims / command,
            _SHIM.format(
                usage=" ".join((command, *words)),
                words=set(words),
                certificate=str(pki / "admin.crt"),
                key=str(pki / "admin.key"),
            ),
        )


def _write(shim: Path, code: str) -> None:
    # The kernel ends an interpreter's path at a space, and reads 255 bytes of it; a shell has neither limit.
    shim.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -I -c {shlex.quote(code)} "$@"\n')
    shim.chmod(0o755)


def _refresh(project: Path, stack: str, folder: Path) -> None:
    try:
        copy_project(read_project(project), stack, SandboxPaths(folder))
    except SandboxError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    _refresh(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
