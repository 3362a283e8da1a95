"""Memory, disks and pods of Milvus, from the number, the dimension and the index of its vectors.

The formulas and sizes are those of Milvus' own calculator (milvus.io/tools/sizing): milvus-io/milvus.io,
`src/utils/sizingTool.ts` at 06a9d686, `memoryAndDiskCalculator`, `clusterNodesConfigCalculator`,
`streamNodeConfigCalculator` and `dependencyCalculator`, and `sizingToolCommon.ts`, `standaloneNodeConfigCalculator`.
Where it has one pod of a part, a cluster here has two. Its figures are estimates for planning: measure with your data.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from llmplatform.catalog.gpus import GIB
from llmplatform.specs.services import (
    DiskAnnIndex,
    HnswIndex,
    IvfFlatIndex,
    IvfSq8Index,
    Milvus,
    ScannIndex,
    VectorIndex,
)

SEGMENT_MIB = 1024
"""Largest segment, `dataCoord.segment.maxSize`, which the resource sets."""
LOCAL_GIB = 10
"""Disk of a pod beside indexes: logs, and parts of files that are read. Assumed; Milvus publishes no figure."""
MEMORY_PER_CPU = 4
"""GiB for each CPU, in all sizes of the calculator."""

STANDALONE_GIB = 8
"""Least memory of one server with all parts in it (milvus.io/docs/prerequisite-helm.md)."""

_FLOAT, _EXTRA = 4, 1.15


@dataclass(frozen=True, kw_only=True)
class Load:
    """What the vectors take once they are loaded, in GiB."""

    raw_gib: float
    """The vectors themselves."""
    memory_gib: float
    disk_gib: float


@dataclass(frozen=True, kw_only=True)
class Part:
    """Pods of one part of Milvus."""

    replicas: int
    cpu: int
    """Of the machine that the calculator gives each to itself."""
    memory_gib: int
    disk_gib: int = LOCAL_GIB
    """Scratch space of each on its node's disk."""

    @property
    def millicores(self) -> int:
        """CPU that each asks for: a machine of that size has other pods as well. What is free, it uses."""
        return self.cpu * 750


@dataclass(frozen=True, kw_only=True)
class MilvusPlan:
    """A Milvus: its pods, and what they hold."""

    load: Load
    """One copy of the vectors."""
    holding: str
    """Part that holds the vectors in memory: `standalone` or `queryNode`."""
    parts: Mapping[str, Part]
    """Pods of each part, as the resource calls it."""
    etcd: Part

    copies: int
    """Copies of the vectors in memory."""

    @property
    def copy_gib(self) -> int:
        """Memory for each copy of the vectors: a node serves one of them alone."""
        found = self.parts[self.holding]
        return found.replicas // self.copies * found.memory_gib

    @property
    def everything(self) -> tuple[Part, ...]:
        """The pods of all parts, and of etcd."""
        return (*self.parts.values(), self.etcd)


def load(
    vectors: int, dimension: int, index: VectorIndex, *, fields_bytes: int = 0, segment_mib: int = SEGMENT_MIB
) -> Load:
    """Memory and disk of loaded vectors.

    Beside the index, two segments are in memory while they are loaded, and everything takes 15 % more.
    `fields_bytes`: average size of a vector's other fields.
    """
    raw = vectors * dimension * _FLOAT
    fields = vectors * fields_bytes
    if isinstance(index, DiskAnnIndex):
        memory, disk = raw / 4 * _EXTRA, raw * (1 + index.max_degree / dimension)
    else:
        memory = (_in_memory(raw, dimension, index) + 2 * segment_mib * 2**20) * _EXTRA
        # An index without them: a query that returns vectors maps them from the disk (milvus 2.6, configs/milvus.yaml,
        # `queryNode.mmap.vectorField: true`).
        disk = raw if isinstance(index, IvfSq8Index) else 0.0
    return Load(raw_gib=raw / GIB, memory_gib=(memory + fields) / GIB, disk_gib=disk / GIB)


def _in_memory(raw: int, dimension: int, index: VectorIndex) -> float:
    row = dimension * _FLOAT
    if isinstance(index, HnswIndex):
        return raw * (1 + 2 * index.m / dimension)
    if isinstance(index, IvfFlatIndex):
        return raw + index.nlist * row
    if isinstance(index, IvfSq8Index):
        return raw / 4 + index.nlist * row
    return raw * 9 / 8 if isinstance(index, ScannIndex) else raw


def plan_milvus(spec: Milvus) -> MilvusPlan:
    """The pods of a Milvus and their sizes."""
    one = load(spec.vectors, spec.dimension, spec.index, fields_bytes=spec.fields_bytes)
    etcd = _etcd(spec, one)
    if spec.mode == "standalone":
        memory = spec.memory_gib or _standalone_gib(one.memory_gib)
        server = _part(1, memory, disk=one.disk_gib)
        return MilvusPlan(load=one, holding="standalone", parts={"standalone": server}, etcd=etcd, copies=1)
    query = _query_nodes(spec, one)
    cores = query.replicas * query.cpu
    return MilvusPlan(
        load=one,
        holding="queryNode",
        parts={
            "proxy": _part(2, _beside_gib(one.memory_gib)),
            "mixCoord": _part(2, _beside_gib(one.memory_gib)),
            "streamingNode": _streaming_nodes(cores),
            "dataNode": _data_nodes(one),
            "queryNode": query,
        },
        etcd=etcd,
        copies=spec.copies,
    )


def _part(replicas: int, memory: int, *, disk: float = 0) -> Part:
    return Part(
        replicas=replicas,
        cpu=max(1, ceil(memory / MEMORY_PER_CPU)),
        memory_gib=memory,
        disk_gib=LOCAL_GIB + ceil(disk),
    )


def _query_nodes(spec: Milvus, one: Load) -> Part:
    """Each serves one copy alone: Milvus gives every copy the same number of them, and one more to some of them.

    Source: milvus, internal/querycoordv2/meta/replica_manager_helper.go, `updateExpectedNodeCountForReplicas`.
    """
    copies = spec.copies
    wanted = spec.memory_gib / copies if spec.memory_gib else one.memory_gib
    size = next((size for most, size in ((8, 8), (96, 16), (512, 32), (2048, 64)) if wanted * copies < most), 128)
    nodes = spec.query_nodes or max(2, copies * max(1, ceil(wanted / size)))
    # Fewer nodes than copies are refused by a rule.
    each = max(1, nodes // copies)
    if spec.query_nodes or spec.memory_gib:
        size = ceil(spec.memory_gib / nodes) if spec.memory_gib else ceil(wanted / each)
    return _part(nodes, size, disk=one.disk_gib / each)


def _standalone_gib(memory: float) -> int:
    if memory <= STANDALONE_GIB:
        return STANDALONE_GIB
    return 16 if memory <= 16 else ceil(memory / 32) * 32


def _beside_gib(memory: float) -> int:
    """Memory of a proxy, and of a coordinator."""
    return 4 if memory < 8 else 8 if memory < 96 else 32


def _data_nodes(one: Load) -> Part:
    """They compact segments and build indexes."""
    memory = one.memory_gib
    return _part(2 if memory < 64 else 4 if memory < 96 else 8, 8 if memory < 8 else 16)


def _streaming_nodes(query_cores: int) -> Part:
    units = ceil(query_cores / 16)
    if units <= 1:
        return _part(2, 8)
    if units <= 4:
        return _part(2, 16)
    return _part(2 if units <= 8 else ceil(units / 4), 32)


def _etcd(spec: Milvus, one: Load) -> Part:
    """Etcd; 100 million vectors of 768 dimensions are the calculator's limit for more."""
    large = one.raw_gib * GIB >= 100e6 * 768 * _FLOAT
    if spec.mode == "cluster":
        return Part(replicas=spec.etcd_members, cpu=1, memory_gib=8 if large else 4, disk_gib=0)
    memory = 2 if one.raw_gib * GIB >= 1e6 * 768 * _FLOAT else 1
    return Part(replicas=spec.etcd_members, cpu=1, memory_gib=memory, disk_gib=0)
