"""Where a model's weights lie on its volume, and how long it may take until they are there."""

import hashlib
import json
import math
from collections.abc import Mapping
from urllib.parse import quote

from llmplatform.planning.network import ALICLOUD_EGRESS_MBITS
from llmplatform.specs.mirrors import Mirrors
from llmplatform.specs.models import Model

ROOT = "/models"
"""Where the volume is mounted."""

EGRESS_MBITS: Mapping[str, float] = {"aws": 840, "alicloud": ALICLOUD_EGRESS_MBITS}
"""What comes through a stack's way to the internet. AWS: a NAT gateway does 5 Gbit/s and more, so that hub and file
system are the narrow place: about 100 MiB/s, an assumption on the careful side. Alibaba Cloud: the NAT gateway's
address, which all that is hydrated at the same time may have to share."""
_MARGIN = 2.0
"""For what is downloaded twice, for a hub that asks to wait, and for reading everything again to verify it."""
_SHORTEST = 900

_DEFAULT_REVISIONS = {"huggingface": "main", "modelscope": "master"}


def hub(mirrors: Mirrors) -> str:
    """The hub that weights come from."""
    return mirrors.models


def revision(model: Model, mirrors: Mirrors) -> str:
    """The revision that is asked for. A branch is what it was when the weights were hydrated, until another is set."""
    return model.revision or _DEFAULT_REVISIONS[mirrors.models]


def folder(model: Model, mirrors: Mirrors) -> str:
    """The folder of the weights below the volume's root: hub, organization, model, revision."""
    return f"{mirrors.models}/{mirrors.model(model.source)}/{quote(revision(model, mirrors), safe='')}"


def fingerprint(facts: object) -> str:
    """Eight characters that change with the facts."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]


def seconds(gib: float, provider: str) -> int:
    """Longest time for so much to come, in whole minutes."""
    expected = gib * (1 << 30) * 8 / (EGRESS_MBITS[provider] * 1e6) * _MARGIN
    return max(_SHORTEST, math.ceil(expected / 60) * 60)
