"""The catalog's tables agree with themselves and with what is published."""

import csv
import fnmatch
import re
from pathlib import Path

import pytest

from llmplatform.catalog import (
    engine_flags,
    engines,
    gpu_zones,
    gpus,
    instance_types,
    models,
    preparation,
    regions,
    tables,
    versions,
)
from llmplatform.catalog.gpus import GIB
from llmplatform.catalog.start_times import start_times
from llmplatform.planning.fit import legal_tensor_parallel, weights_gib
from llmplatform.serving.engines import ENGINES

PROVIDERS = instance_types.PROVIDERS


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_machine_can_give_pods_less_than_it_has(provider: str) -> None:
    for name in instance_types.names(provider):
        machine = instance_types.get(provider, name)
        assert 0 < machine.allocatable_memory_mib < machine.memory_mib, f"{name}: hypervisor and kubelet take a share"
        assert machine.vcpus > 0, name


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_machine_counts_gpus_when_it_has_a_kind_of_them(provider: str) -> None:
    for name in instance_types.names(provider):
        machine = instance_types.get(provider, name)
        assert (machine.gpus > 0) == (machine.gpu is not None) or machine.unusable, (
            f"{name}: only slices are not counted"
        )


@pytest.mark.parametrize("provider", PROVIDERS)
def test_names_are_unique(provider: str) -> None:
    listed = [row["name"] for row in tables.rows(f"instances/{provider}")]
    assert len(listed) == len(set(listed)), "a second row would silently win"


@pytest.mark.parametrize(
    ("name", "gpu", "count"),
    [
        ("g5.12xlarge", "A10G", 4),
        ("g5.16xlarge", "A10G", 1),
        ("g6e.16xlarge", "L40S", 1),
        ("g6e.48xlarge", "L40S", 8),
        ("p4d.24xlarge", "A100-40GB", 8),
        ("p4de.24xlarge", "A100-80GB", 8),
        ("p5.4xlarge", "H100", 1),
    ],
)
def test_the_count_of_gpus_does_not_follow_from_the_size(name: str, gpu: str, count: int) -> None:
    machine = instance_types.get("aws", name)
    assert (machine.gpu, machine.gpus) == (gpus.get(gpu), count), "a 16xlarge has one GPU where the 12xlarge has four"


def test_prices_are_never_converted() -> None:
    machine = instance_types.get("alicloud", "ecs.gn7i-c8g1.2xlarge")
    assert machine.price_hour is not None, "the price list has it"
    assert machine.price_usd_hour is None, "it is in yuan, and no rate is known here"


def test_an_unknown_name_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        instance_types.get("aws", "g5.3xlarge")
    with pytest.raises(KeyError):
        instance_types.get("gcp", "g2-standard-4")


@pytest.mark.parametrize(
    "table",
    [
        "gpus",
        "gpu_zones",
        "models",
        "model_engines",
        "model_types",
        "preparation",
        "regions",
        "instances/aws",
        "instances/alicloud",
    ],
)
def test_every_table_names_its_source(table: str) -> None:
    first = (tables.DATA / f"{table}.csv").read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# "), "a figure without a source cannot be checked again"


@pytest.mark.parametrize(
    ("model", "legal"),
    [
        ("Qwen/Qwen3-8B", [1, 2, 4, 8, 16]),
        ("Qwen/Qwen3-14B", [1, 2, 4, 8]),
        ("microsoft/phi-4", [1, 2, 5, 10]),
        ("Qwen/Qwen2.5-7B-Instruct", [1, 2, 4]),
        ("meta-llama/Llama-3.2-3B-Instruct", [1, 2, 4, 8]),
        ("Qwen/Qwen2.5-0.5B-Instruct", [1, 2, 14]),
        ("Qwen/Qwen2.5-1.5B-Instruct", [1, 2, 4, 6, 12]),
        # Experts in blocks of 8 bit: vllm-project/recipes at 8959cf6, "cap at 4"; vllm-project/vllm#17569.
        ("Qwen/Qwen3-235B-A22B-Instruct-2507-FP8", [1, 2, 4]),
        ("Qwen/Qwen3-235B-A22B-FP8", [1, 2, 4]),
        ("Qwen/Qwen3-VL-235B-A22B-Instruct-FP8", [1, 2, 4]),
        ("Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8", [1, 2, 4]),
        ("MiniMaxAI/MiniMax-M2", [1, 2, 4]),
        ("MiniMaxAI/MiniMax-M2.1", [1, 2, 4]),
        ("MiniMaxAI/MiniMax-M2.5", [1, 2, 4]),
        ("MiniMaxAI/MiniMax-M2.7", [1, 2, 4]),
        ("deepseek-ai/DeepSeek-R1", [1, 2, 4, 8, 16]),
        # 768 / 4 = 192 breaks a block: vllm-project/vllm#44763.
        ("Qwen/Qwen3-30B-A3B-FP8", [1, 2]),
        # vllm-project/vllm#52997: 512 / 8.
        ("Qwen/Qwen3.6-35B-A3B-FP8", [1, 2, 4]),
        # Its publisher filled the 29,568 up to 29,696 = 8 * 29 * 128.
        ("Qwen/Qwen2.5-72B-Instruct-AWQ", [1, 2, 4, 8]),
    ],
)
def test_heads_are_spread_as_the_engine_asserts(model: str, legal: list[int]) -> None:
    shape = models.get(model)
    assert shape is not None
    found = [size for size in range(1, 17) if legal_tensor_parallel(shape, size)]
    # 28 heads over 28 GPUs, and the like, lie outside of any node.
    assert [size for size in found if size in legal] == legal, "a legal size must not be refused"
    assert not set(found) & ({1, 2, 4, 8, 16} - set(legal)), "an illegal size of a whole node must be refused"


def test_every_region_is_of_a_known_form() -> None:
    assert "us-east-1" in regions.names("aws")
    assert all(re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", region) for region in regions.names("aws"))
    assert "cn-hangzhou" in regions.names("alicloud")
    assert all(re.fullmatch(r"[a-z]{2}-[a-z]+(-\d)?", region) for region in regions.names("alicloud"))


def test_everything_that_is_installed_is_pinned_to_a_release() -> None:
    for chart in versions.CHARTS.values():
        assert re.fullmatch(r"v?\d+\.\d+\.\d+", chart.version), f"{chart.name}: a range or a branch would move"
    for kind in ENGINES:
        for engine in engines.facts(kind).releases:
            for image in (engine.image, *engine.images.values()):
                whole = rf"[^:]+:(.*[^\d.])?{re.escape(engine.version)}([^\d.].*)?"
                assert re.fullmatch(whole, image), f"{kind}: image and version are raised together"
            assert engine_flags.flags(kind, engine.version), f"{kind}: its flags are not recorded"


def test_every_chart_is_one_line_that_renovate_can_follow() -> None:
    lines = (tables.DATA / "versions" / "charts.toml").read_text(encoding="utf-8").splitlines()
    followed = [
        re.match(r'([\w-]+) = \{ version = "[^"]+", repository = "(?:https|oci)://[^"]+"', line) for line in lines
    ]
    assert [found[1] for found in followed if found] == sorted(versions.CHARTS), "a new release would not be seen"


def test_every_file_in_the_folder_of_engines_is_of_an_engine() -> None:
    assert {path.stem for path in engines.FOLDER.glob("*.toml")} == set(ENGINES)
    assert set(engines.having(lambda each: each.stages)) <= set(ENGINES)


def test_the_image_of_every_engine_has_a_size() -> None:
    """Else its start would be computed, and explained, as that of an image of the user's own."""
    assert set(start_times().image_gb) == {*ENGINES, "other"} - {"custom"}


def test_renovate_follows_every_engine() -> None:
    for kind in (each for each in ENGINES if engines.facts(each).releases):
        image = engines.facts(kind).release().image.partition("/")[2].partition(":")[0]
        facts = (engines.FOLDER / f"{kind}.toml").read_text(encoding="utf-8")
        assert f"depName={image} " in facts, f"{kind}: a new release would not be seen"


def test_every_kubernetes_release_that_charts_know_has_images() -> None:
    newest = [minor for minor in versions.EKS if minor >= "1.34"]
    for system, images in versions.EKS_NODE_IMAGES.items():
        assert sorted(images) == newest, f"{system}: a node group needs a pinned image for the cluster's minor"
    assert sorted(versions.CLUSTER_AUTOSCALER) == newest, "its image follows the cluster's minor"
    assert tuple(newest) == versions.CHARTS["cluster-autoscaler"].kubernetes


def test_a_family_is_what_the_cloud_calls_it() -> None:
    assert instance_types.get("alicloud", "ecs.gn7i-c16g1.4xlarge").family == "gn7i"
    assert instance_types.get("alicloud", "ecs.gn8is.2xlarge").family == "gn8is"
    assert instance_types.get("aws", "g5.2xlarge").family == "g5"


def test_zones_of_gpus_are_zones_of_the_region_and_families_of_the_catalog() -> None:
    for row in tables.rows("gpu_zones"):
        families = {instance_types.get(row["provider"], name).family for name in instance_types.names(row["provider"])}
        assert row["family"] in families, f"{row}: no machine would ever ask"
        assert row["region"] in regions.names(row["provider"])
        assert all(zone.startswith(row["region"]) for zone in row["zones"].split()), row


def test_a_family_without_a_row_is_not_known_to_be_anywhere() -> None:
    machine = instance_types.get("alicloud", "ecs.gn8is.2xlarge")
    assert gpu_zones.known(machine, "cn-hangzhou") == frozenset(), "not known, rather than sold nowhere"


def test_releases_of_ack_are_of_their_minor_and_the_newest_comes_first() -> None:
    for minor, known in versions.ACK.items():
        found = [re.fullmatch(rf"{re.escape(minor)}\.(\d+)-aliyun\.\d+", each) for each in known.releases]
        patches = [int(each[1]) for each in found if each]
        assert len(patches) == len(known.releases), f"{minor}: {known.releases}"
        assert patches == sorted(patches, reverse=True), f"{minor}: the first is what new clusters get"


def test_the_drivers_that_ack_is_asked_for_are_on_its_list() -> None:
    assert versions.ACK_DRIVER in versions.ACK_DRIVERS
    assert versions.ACK_DEFAULT_DRIVER in versions.ACK_DRIVERS
    assert int(versions.ACK_DRIVER.partition(".")[0]) >= engines.facts("vllm").release().driver, (
        "the engine would not start"
    )
    assert engines.facts("vllm").release().driver <= versions.EKS_NODE_DRIVER


def test_models_have_the_names_that_modelscope_gives_them() -> None:
    assert models.modelscope_id("Qwen/Qwen3-8B") == "Qwen/Qwen3-8B"
    assert models.modelscope_id("zai-org/chatglm3-6b") == "ZhipuAI/chatglm3-6b"
    assert models.modelscope_id("meta-llama/Llama-3.1-8B-Instruct") == "LLM-Research/Meta-Llama-3.1-8B-Instruct"
    assert models.modelscope_id("microsoft/Phi-4-reasoning") is None
    assert models.modelscope_id("unknown/model") is None


def test_models_with_limits_are_models_of_the_catalog_and_releases_on_record() -> None:
    for row in tables.rows("model_engines"):
        named = fnmatch.filter(models.names(), row["id"])
        assert named, f"the catalog has no {row['id']}"
        limits = models.limits(named[0], row["engine"])
        assert limits is not None
        assert limits.reason, "a refusal without a reason cannot be argued with"
        for version in limits.versions:
            assert engines.facts(row["engine"]).release(version).version == version, f"{version} could not be asked for"


@pytest.mark.parametrize("provider", ["alicloud"])
def test_the_preparation_of_an_account_is_documented_as_the_catalog_has_it(provider: str) -> None:
    page = (Path(__file__).parents[3] / "docs/clouds.md").read_text(encoding="utf-8")
    assert preparation.markdown(provider) in page, "run scripts/preparation_table.py"


def test_a_role_is_authorised_before_what_needs_it_is_made() -> None:
    roles = {step.name for step in preparation.steps("alicloud") if step.kind == "role"}
    assert {"AliyunCSManagedKubernetesRole", "AliyunCSManagedAutoScalerRole", "AliyunCSManagedNlcRole"} <= roles
    kinds = [step.kind for step in preparation.steps("alicloud")]
    assert kinds.index("service") < kinds.index("role"), "a role is offered once its service is activated"
    assert preparation.steps("nowhere") == ()


ACTIVE = [
    pytest.param(row["id"], float(row["bytes"]), float(row["active"]), id=row["id"])
    for row in csv.DictReader(
        line
        for line in (Path(__file__).parent / "active_parameters.csv").read_text("utf-8").splitlines()
        if not line.startswith("#")
    )
]


@pytest.mark.parametrize(("name", "size", "active"), ACTIVE)
def test_all_but_the_experts_that_a_token_is_not_sent_to_is_active(name: str, size: float, active: float) -> None:
    """The routed experts' share, held against a number that publishers give beside the size of the whole."""
    shape = models.known(name)
    assert shape.routed_experts_gib
    assert shape.experts
    assert shape.experts_per_token
    routed = shape.routed_experts_gib * GIB / size / 1e9
    embeddings = shape.vocabulary * shape.hidden_size / 1e9
    found = shape.parameters_billion - embeddings - routed * (1 - shape.experts_per_token / shape.experts)
    assert found == pytest.approx(active, rel=0.05)


def test_every_mixture_of_experts_says_what_its_experts_take() -> None:
    mixtures = {name: models.known(name) for name in models.names() if models.known(name).experts}
    for name, shape in mixtures.items():
        routed, shared = shape.routed_experts_gib or 0, shape.shared_experts_gib or 0
        assert 0.4 < routed / weights_gib(shape) < 0.99, name
        assert 0 <= shared < routed / 10, name
        assert shape.experts_per_token, name
        assert shape.intermediate_size, name
    dense = [models.known(name) for name in models.names() if name not in mixtures]
    assert not [each for each in dense if each.routed_experts_gib or each.experts_per_token]
