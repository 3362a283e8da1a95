"""Logs on Alibaba Cloud: the project, and what is collected into it."""

from typing import Any, Literal

import pytest
from support.alicloud_platform import TAGS, stack

from llmplatform import alicloud
from llmplatform.alicloud.logs import FIELDS
from llmplatform.testing import RecordingEngine, Registered

_PIPELINE = "kubernetes:telemetry.alibabacloud.com/v1alpha1:ClusterAliyunPipelineConfig"
_LOG_CONFIG = "kubernetes:log.alibabacloud.com/v1alpha1:AliyunLogConfig"


def _logs(protection: str = "none") -> RecordingEngine:
    environment = stack().environment.model_copy(update={"protection": protection})
    args = alicloud.LogsArgs(environment=environment, retention_days=45, tags=TAGS)

    def program() -> dict[str, object]:
        made = alicloud.Logs("logs", args)
        return {"project": made.project_name, "store": made.models_store}

    return RecordingEngine().run(program)


def _collected(kind: Literal["pipeline", "log_config"], type_: str) -> Registered:
    args = alicloud.LogCollectionArgs(
        kind=kind, namespace="models", project_name="dev-logs-1a2b3c", store="models", region="cn-hangzhou"
    )
    return RecordingEngine().run(lambda: alicloud.LogCollection("models", args).config_name).one(type_)


def test_the_models_logs_stay_as_long_as_asked() -> None:
    store = _logs().one("alicloud:log/store:Store").inputs
    assert (store["logstoreName"], store["retentionPeriod"]) == ("models", 45)


def test_a_store_grows_with_what_is_written() -> None:
    store = _logs().one("alicloud:log/store:Store").inputs
    assert (store["autoSplit"], store["maxSplitShardCount"]) == (True, 64), "the provider wants the bound beside it"


def test_the_projects_name_is_unique() -> None:
    engine = _logs()
    assert engine.result["project"].startswith("dev-logs-")
    assert len(engine.result["project"]) <= 63
    assert engine.result["project"] != "dev-logs", "names of projects are shared by all accounts, and stay blocked"


def test_lines_are_found_by_word_and_by_field() -> None:
    index = _logs().one("alicloud:log/storeIndex:StoreIndex").inputs
    assert index["fullText"]["includeChinese"] is True, "prompts and errors are in Chinese, too"
    assert {each["name"] for each in index["fieldSearches"]} == set(FIELDS)


def test_a_writer_waits_for_the_index() -> None:
    import pulumi

    class Writer(pulumi.CustomResource):
        def __init__(self, store: pulumi.Input[str]) -> None:
            super().__init__("test:index:Writer", "writer", {"store": store})

    args = alicloud.LogsArgs(environment=stack().environment, retention_days=7, tags=TAGS)
    engine = RecordingEngine().run(lambda: Writer(alicloud.Logs("logs", args).models_store).urn)
    assert engine.waits_for(engine.named("writer"), engine.one("alicloud:log/storeIndex:StoreIndex"))


@pytest.mark.parametrize(("protection", "protected"), [("full", True), ("none", False)])
def test_logs_are_kept_where_the_environment_is_protected(protection: str, protected: bool) -> None:
    assert _logs(protection).one("alicloud:log/project:Project").protect is protected


def test_the_maintained_kind_collects_both_streams_of_the_models_namespace_alone() -> None:
    spec = _collected("pipeline", _PIPELINE).inputs["spec"]
    assert spec["project"] == {"name": "dev-logs-1a2b3c"}
    (source,), (flusher,) = spec["config"]["inputs"], spec["config"]["flushers"]
    assert source["ContainerFilters"] == {"K8sNamespaceRegex": "^(models)$"}
    assert (source["IgnoringStdout"], source["IgnoringStderr"]) == (False, False)
    assert flusher == {"Type": "flusher_sls", "Logstore": "models", "Region": "cn-hangzhou"}


def test_json_is_stored_by_field_and_a_line_that_is_none_is_not_lost() -> None:
    (parse,) = _collected("pipeline", _PIPELINE).inputs["spec"]["config"]["processors"]
    assert parse["Type"] == "processor_parse_json_native"
    assert parse["KeepingSourceWhenParseFail"] is True


def test_the_store_is_left_to_the_program_because_the_object_could_not_change_it() -> None:
    assert "logstores" not in _collected("pipeline", _PIPELINE).inputs["spec"]


def test_the_older_kind_says_the_same() -> None:
    found = _collected("log_config", _LOG_CONFIG).inputs
    spec: dict[str, Any] = found["spec"]
    assert (spec["project"], spec["logstore"]) == ("dev-logs-1a2b3c", "models")
    plugin = spec["logtailConfig"]["inputDetail"]["plugin"]
    assert plugin["inputs"][0]["detail"] == {"Stdout": True, "Stderr": True, "K8sNamespaceRegex": "^(models)$"}
    assert plugin["processors"][0]["detail"]["KeepSourceIfParseError"] is True
    assert found["metadata"]["namespace"] == "kube-system"


def test_both_kinds_have_the_same_name_so_that_one_can_take_over_from_the_other() -> None:
    pipeline = _collected("pipeline", _PIPELINE).inputs
    older = _collected("log_config", _LOG_CONFIG).inputs
    assert pipeline["metadata"]["name"] == older["spec"]["logtailConfig"]["configName"] == "models-stdout"
