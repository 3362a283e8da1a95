"""Milvus' memory and pods, against figures that others published."""

import pytest

from llmplatform.planning.milvus import load, plan_milvus
from llmplatform.specs.services import (
    DiskAnnIndex,
    FlatIndex,
    HnswIndex,
    IvfSq8Index,
    Milvus,
    ScannIndex,
)

MIB = 2**20


def test_eight_million_vectors_take_what_alibaba_cloud_publishes() -> None:
    """31.2 GB, of them 22.9 raw: 768 dimensions, HNSW with M=4, at 2,048 MB segments.

    alibabacloud.com/help/en/milvus/user-guide/milvus-resource-estimation-and-configuration-recommendations (2026-06-20)
    """
    found = load(8_000_000, 768, HnswIndex(kind="hnsw", m=4), segment_mib=2048)
    assert found.raw_gib == pytest.approx(22.9, abs=0.05)
    assert found.memory_gib == pytest.approx(31.2, abs=0.05)


def test_eight_million_vectors_get_the_nodes_that_alibaba_cloud_publishes() -> None:
    """The same page: two query nodes of 4 cores and 16 GB, and a proxy of 2 cores and 8 GB."""
    plan = plan_milvus(Milvus(mode="cluster", vectors=8_000_000, index=HnswIndex(kind="hnsw", m=4)))
    query, proxy = plan.parts["queryNode"], plan.parts["proxy"]
    assert (query.replicas, query.cpu, query.memory_gib) == (2, 4, 16)
    assert (proxy.cpu, proxy.memory_gib) == (2, 8)


def test_a_million_small_vectors_are_as_large_as_zilliz_publishes() -> None:
    """zilliz.com/sizing-tool: a million vectors of 128 dimensions are a raw file of 488.3 M."""
    assert load(1_000_000, 128, FlatIndex(kind="flat")).raw_gib * 1024 == pytest.approx(488.3, abs=0.05)


def test_a_graph_takes_four_bytes_for_each_neighbour() -> None:
    """milvus.io, AI quick reference, "How much memory overhead …": 32 connections of a million vectors are 128 MB."""
    graph, none = load(1_000_000, 768, HnswIndex(kind="hnsw", m=16)), load(1_000_000, 768, FlatIndex(kind="flat"))
    assert (graph.memory_gib - none.memory_gib) / 1.15 * 2**30 == pytest.approx(128e6)


def test_a_byte_for_each_dimension_is_a_quarter_of_the_memory() -> None:
    """zilliz.com/blog/demystify-milvus-sizing-tool: IVF_SQ8 takes 70 to 75 % less."""
    whole, bytes_ = load(100_000_000, 768, FlatIndex(kind="flat")), load(100_000_000, 768, IvfSq8Index(kind="ivf_sq8"))
    assert 0.70 <= 1 - bytes_.memory_gib / whole.memory_gib <= 0.75


def test_an_index_on_disk_takes_a_quarter_in_memory_and_more_than_all_on_disk() -> None:
    """milvus-io/milvus, discussion 24956: 40 million of 768 dimensions are 120 GB, and 30 GB in memory in theory."""
    found = load(40_000_000, 768, DiskAnnIndex(kind="diskann"))
    assert found.memory_gib / 1.15 * 2**30 / 1e9 == pytest.approx(30, abs=1)
    assert found.disk_gib > found.raw_gib


def test_more_of_anything_never_takes_less() -> None:
    base = load(1_000_000, 768, ScannIndex(kind="scann"))
    assert load(2_000_000, 768, ScannIndex(kind="scann")).memory_gib > base.memory_gib
    assert load(1_000_000, 1536, ScannIndex(kind="scann")).memory_gib > base.memory_gib
    fields = load(1_000_000, 768, ScannIndex(kind="scann"), fields_bytes=1024)
    assert fields.memory_gib - base.memory_gib == pytest.approx(1_024_000_000 / 2**30)


@pytest.mark.parametrize(("vectors", "gib", "cpu"), [(100_000, 8, 2), (3_000_000, 16, 4), (20_000_000, 96, 24)])
def test_one_server_has_the_size_of_the_calculator(vectors: int, gib: int, cpu: int) -> None:
    """milvus-io/milvus.io, src/utils/sizingToolCommon.ts, standaloneNodeConfigCalculator: 8, 16, then steps of 32."""
    plan = plan_milvus(Milvus(vectors=vectors))
    assert (plan.copy_gib, plan.parts["standalone"].cpu) == (gib, cpu)
    assert plan.load.memory_gib <= gib


def replicas_of_milvus(nodes: int, replicas: int) -> list[int]:
    """Nodes of each replica: milvus, replica_manager_helper.go, updateExpectedNodeCountForReplicas."""
    least, more = divmod(nodes, replicas)
    return [least + 1] * more + [least] * (replicas - more)


@pytest.mark.parametrize("vectors", [1, 10**6, 10**7, 20_000_000, 10**8, 10**9])
@pytest.mark.parametrize("copies", [1, 2, 3, 5])
@pytest.mark.parametrize("query_nodes", [None, 7, 60])
def test_each_replica_holds_a_whole_copy_on_nodes_of_its_own(
    vectors: int, copies: int, query_nodes: int | None
) -> None:
    plan = plan_milvus(Milvus(mode="cluster", vectors=vectors, copies=copies, query_nodes=query_nodes))
    query = plan.parts["queryNode"]
    for nodes in replicas_of_milvus(query.replicas, copies):
        assert nodes * query.memory_gib >= plan.load.memory_gib
    assert plan.copy_gib == min(replicas_of_milvus(query.replicas, copies)) * query.memory_gib
    assert all(part.replicas >= 2 for part in plan.everything)


def test_twenty_million_vectors_twice_are_six_nodes_of_32_gib() -> None:
    """Five of them, which all copies together fill, leave one replica 64 GiB for the 73.2 of a copy."""
    query = plan_milvus(Milvus(mode="cluster", vectors=20_000_000, copies=2)).parts["queryNode"]
    assert (query.replicas, query.memory_gib) == (6, 32)


def test_each_node_has_room_on_its_disk_for_its_part_of_a_copy() -> None:
    index = DiskAnnIndex(kind="diskann")
    plan = plan_milvus(Milvus(mode="cluster", vectors=40_000_000, copies=2, query_nodes=5, index=index))
    assert 2 * (plan.parts["queryNode"].disk_gib - 10) >= plan.load.disk_gib


def test_memory_and_query_nodes_of_the_settings_are_kept() -> None:
    found = plan_milvus(Milvus(mode="cluster", memory_gib=100, query_nodes=4)).parts["queryNode"]
    assert (found.replicas, found.memory_gib) == (4, 25)
    assert plan_milvus(Milvus(memory_gib=12)).copy_gib == 12


def test_members_of_etcd_follow_the_mode_unless_they_are_said() -> None:
    assert plan_milvus(Milvus()).etcd.replicas == 1
    assert plan_milvus(Milvus(mode="cluster")).etcd.replicas == 3
    assert plan_milvus(Milvus.model_validate({"mode": "cluster", "etcd": {"members": 5}})).etcd.replicas == 5
