"""Folders, sources and deadlines of downloads of weights."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from llmplatform.catalog import hosts
from llmplatform.catalog.gpus import GIB
from llmplatform.planning.network import ALICLOUD_EGRESS_MBITS
from llmplatform.specs.cloud import Alicloud, Aws
from llmplatform.specs.lora import Repository
from llmplatform.specs.mirrors import Mirrors
from llmplatform.specs.models import Model
from llmplatform.specs.sources import Address, address

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


@dataclass(frozen=True, kw_only=True)
class BucketPlan:
    """The buckets that a model is copied from."""

    places: tuple[Address, ...]
    """What the download may read, and nothing else."""
    region: str
    endpoint: str
    """Host of the service, before which the bucket's name goes."""
    sts: str | None
    """Address of the token service within the network of the machines; None on AWS, whose nodes have an agent."""
    key: str | None
    """Key of the objects, which the download may decrypt with."""


def buckets(model: Model, cloud: Aws | Alicloud) -> BucketPlan | None:
    """The buckets of a model; None without any."""
    if not model.buckets:
        return None
    wanted = model.weights.buckets
    region = wanted.region or cloud.region
    if isinstance(cloud, Aws):
        endpoint, sts = hosts.s3(region), None
    else:
        endpoint = hosts.oss_within(region) if region == cloud.region else hosts.oss(region)
        sts = f"https://{hosts.sts_within(cloud.region)}"
    return BucketPlan(places=model.buckets, region=region, endpoint=endpoint, sts=sts, key=wanted.kms_key)


def account(name: str, model: Model) -> str:
    """Service account of the pods that download a model's weights: the server's own, or that of a Job."""
    return name if model.weights.cache == "node" else f"{name}-weights"


def hub(mirrors: Mirrors) -> str:
    """Hub of the weights."""
    return mirrors.models


def source(model: Model, mirrors: Mirrors) -> str:
    """What the download is told of the weights' place: an address, or what the hub calls the model."""
    return model.weights.source or mirrors.model(model.source)


def revision(repository: Repository, place: str, mirrors: Mirrors) -> str:
    """The requested revision. A branch is fixed at the first download, until the setting changes; so is a bucket."""
    return repository.revision or ("main" if address(place) else _DEFAULT_REVISIONS[mirrors.models])


def folder(model: Model, mirrors: Mirrors) -> str:
    """The folder of the weights below the volume's root: hub, organization, model, revision; in a claim its own."""
    place, found = source(model, mirrors), model.weights.address
    if found and not found.is_bucket:
        return found.path
    parts = _parts(found) if found else f"{mirrors.models}/{place}"
    return f"{parts}/{quote(revision(model, place, mirrors), safe='')}"


def path(model: Model, mirrors: Mirrors) -> str:
    """The folder of the weights in the pods."""
    return f"{ROOT}/{folder(model, mirrors)}".rstrip("/")


def beside(repository: Repository) -> str:
    """The folder of a repository that a server reads beside its model: the same at every hub."""
    found = address(repository.source)
    place = f"{found.scheme}:{found.name}/{_quoted(found)}" if found else repository.source
    return f"beside/{place}/{quote(repository.revision or 'main', safe='')}"


def _parts(place: Address) -> str:
    return f"{place.scheme}/{place.name}/{_quoted(place)}"


def _quoted(place: Address) -> str:
    """The prefix as one folder: of each model, the folders of all sources have the same depth.

    Without `=`, which ends the name of an adapter in the flags of engines.
    """
    return quote(place.path, safe="@+")


def fingerprint(facts: object) -> str:
    """Eight characters that change with the facts."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]


def seconds(gib: float, provider: str) -> int:
    """Deadline of a download of that size, in whole minutes."""
    return max(_SHORTEST, math.ceil(expected_seconds(gib, provider) * _MARGIN / 60) * 60)


def expected_seconds(gib: float, provider: str) -> float:
    """Time of a download of that size that has the route for itself."""
    return gib * GIB * 8 / (EGRESS_MBITS[provider] * 1e6)
