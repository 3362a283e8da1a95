"""How a series of an engine is selected."""

import pytest

from llmplatform.catalog.engine_metrics import select


@pytest.mark.parametrize(
    ("series", "wanted"),
    [
        ("vllm:num_requests_waiting", 'vllm:num_requests_waiting{llmplatform_dev_model="chat"}'),
        ('served{kind="waiting"}', 'served{kind="waiting",llmplatform_dev_model="chat"}'),
    ],
)
def test_further_matchers_stand_beside_the_series_own(series: str, wanted: str) -> None:
    assert select(series, {"llmplatform_dev_model": "chat"}) == wanted


def test_the_part_of_a_histogram_is_behind_its_name() -> None:
    assert select('latency{stage="all"}', suffix="_bucket") == 'latency_bucket{stage="all"}'


def test_a_series_alone_is_its_own_selector() -> None:
    assert select("latency") == "latency"
