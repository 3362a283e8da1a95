"""Folders and deadlines of downloads of weights."""

import hashlib
import json
import math
from collections.abc import Mapping
from urllib.parse import quote

from llmplatform.catalog.gpus import GIB
from llmplatform.planning.network import ALICLOUD_EGRESS_MBITS
from llmplatform.specs.lora import Repository
from llmplatform.specs.mirrors import Mirrors
from llmplatform.specs.models import Model

ROOT = "/models"
"""Mount path of the volume."""
ADAPTERS = "/adapters"
"""Mount path of a claim with adapters that clients load."""

EGRESS_MBITS: Mapping[str, float] = {"aws": 840, "alicloud": ALICLOUD_EGRESS_MBITS}
"""Bandwidth of a stack's route to the internet. AWS: a NAT gateway has 5 Gbit/s or more, so hub and file system limit
it to about 100 MiB/s, a careful assumption. Alibaba Cloud: the bandwidth of the NAT gateway's address, which all
downloads may share."""
_MARGIN = 2.0
"""Margin for repeated downloads, a hub that asks to wait, and the final verification."""
_SHORTEST = 900

_DEFAULT_REVISIONS = {"huggingface": "main", "modelscope": "master"}


def hub(mirrors: Mirrors) -> str:
    """Hub of the weights."""
    return mirrors.models


def revision(repository: Repository, mirrors: Mirrors) -> str:
    """The requested revision. A branch is fixed at the first download, until the setting changes."""
    return repository.revision or _DEFAULT_REVISIONS[mirrors.models]


def folder(model: Model, mirrors: Mirrors) -> str:
    """The folder of the weights below the volume's root: hub, organization, model, revision."""
    return f"{mirrors.models}/{mirrors.model(model.source)}/{quote(revision(model, mirrors), safe='')}"


def beside(repository: Repository) -> str:
    """The folder of a repository that a server reads beside its model: the same at every hub."""
    return f"beside/{repository.source}/{quote(repository.revision or 'main', safe='')}"


def fingerprint(facts: object) -> str:
    """Eight characters that change with the facts."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]


def seconds(gib: float, provider: str) -> int:
    """Deadline of a download of that size, in whole minutes."""
    return max(_SHORTEST, math.ceil(expected_seconds(gib, provider) * _MARGIN / 60) * 60)


def expected_seconds(gib: float, provider: str) -> float:
    """Time of a download of that size that has the route for itself."""
    return gib * GIB * 8 / (EGRESS_MBITS[provider] * 1e6)
