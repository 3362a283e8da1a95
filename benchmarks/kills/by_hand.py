"""A user's recovery after a kill: `llmplatform recover`, its commands, and again until it has none."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from llmplatform_sandbox.kube import helm
from llmplatform_sandbox.kube.client import Kube
from llmplatform_sandbox.lifecycle import Sandbox
from llmplatform_sandbox.recovery import Unclean

_ROUNDS = 6
_HELM = re.compile(r"run `(helm [^`]+)`")
_NEW_HALF = "is the new half of a replacement"


def recovered(sandbox: Sandbox) -> tuple[list[str], list[str]]:
    """Commands that the user ran beside `recover`, and the last output of an unfinished one."""
    variables = sandbox.shell_variables(recovered=False)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
    environment |= {**variables, "COLUMNS": "250"}
    typed, options, said = list[str](), list[str](), ""
    for _ in range(_ROUNDS):
        code, said, document = _recover(sandbox, options, environment)
        if code == 0:
            Unclean(sandbox.paths).clear()
            return typed, []
        options = _decisions(sandbox, document.get("creates") or ())
        commands = [each for line in document.get("releases") or () for each in _HELM.findall(line)]
        with closing(Kube(sandbox.control_plane().access())) as kube:
            for command in commands:
                helm.run(kube, command)
        typed += [*options, *commands]
        time.sleep(1)
    return typed, said.splitlines()[-12:]


def _recover(
    sandbox: Sandbox, options: Sequence[str], environment: Mapping[str, str]
) -> tuple[int, str, dict[str, Any]]:
    command = [sys.executable, "-m", "benchmarks.kills.recovering", "recover", sandbox.stack, "--yes", "--json"]
    command += [*options, "--project", str(sandbox.project.folder)]
    done = subprocess.run(command, env={**environment}, capture_output=True, text=True, check=False, timeout=300)
    try:
        document = json.loads(done.stdout)
    except ValueError:
        document = {}
    return done.returncode, f"{done.stderr}\n{done.stdout}", document


def _decisions(sandbox: Sandbox, creates: Sequence[Mapping[str, Any]]) -> list[str]:
    """The answer of a user who follows the table."""
    options: list[str] = []
    for each in creates:
        if each["action"] != "refuse":
            continue
        everything = [(cloud, item) for cloud in sandbox.clouds().values() for item in cloud.objects()]
        made = [(cloud, item) for cloud, item in everything if item.made_by == each["urn"]]
        if _NEW_HALF in each["reason"]:
            for cloud, item in made:
                if f"{item.id} " in each["reason"]:
                    cloud.remove_object(item.id, item.made_by)
        elif made:
            options += ["--adopt", f"{each['urn']}={made[-1][1].id}"]
        else:
            options += ["--forget", str(each["urn"])]
    return options
