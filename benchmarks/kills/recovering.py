"""`python -m benchmarks.kills.recovering`: `llmplatform` with the simulated accounts in place of real ones."""

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from llmplatform.catalog.tags import ENVIRONMENT_TAG, RESOURCE_TAG
from llmplatform.cli.app import app
from llmplatform.recovery.survey import survey
from llmplatform_sandbox.interfaces import Cloud, CloudObject
from llmplatform_sandbox.lifecycle import Sandbox
from llmplatform_sandbox.progress import silent


class SimulatedAccount:
    """Answers as a real account does: by tags, and by calls of its services."""

    def __init__(self, cloud: Cloud) -> None:
        self._objects = cloud.objects

    def tagged(self, environment: str, resource: str) -> Sequence[str]:
        """ARNs of the objects with both tags, as far as ids are taken from them."""
        wanted = {ENVIRONMENT_TAG: environment, RESOURCE_TAG: resource}.items()
        return [f"arn/{each.id}" for each in self._objects() if wanted <= _tags(each).items()]

    def found(self, type_: str, inputs: Mapping[str, Any], resource: str) -> Sequence[str]:
        """Ids of the objects of a type that were made from the same properties."""
        wanted = {key: value for key, value in inputs.items() if isinstance(value, str)}.items()
        return [each.id for each in self._objects() if each.type == type_ and wanted <= _plain(each).items()]


def _tags(item: CloudObject) -> Mapping[str, str]:
    return item.inputs.get("tags") or {}


def _plain(item: CloudObject) -> Mapping[str, str]:
    return {key: value for key, value in item.inputs.items() if isinstance(value, str)}


def main() -> None:
    """Run the command of the arguments, whose second is the stack and whose last the project's folder."""
    sandbox = Sandbox(Path(sys.argv[-1]), sys.argv[2], silent)

    def opened(package: str, *_: object) -> SimulatedAccount:
        return SimulatedAccount(sandbox.clouds()[package])

    # The simulated accounts have no index of tags that lags, and the killed run was of this machine.
    with (
        patch("llmplatform.recovery.accounts.open_account", opened),
        patch("llmplatform.recovery.survey.survey", partial(survey, waits=(0.5,))),
        patch("llmplatform.recovery.locks.sees_all_processes", lambda: True),
    ):
        app()


if __name__ == "__main__":
    main()
