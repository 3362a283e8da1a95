"""Files of an engine: from the settings to the folder that it reads."""

from typing import Any

import kubernetes_validate
from support.model_servers import DEPLOYMENT, container, pod, served
from support.plans import SPOT_FIRST

from llmplatform.testing import RecordingEngine

TEMPLATE = "{% for message in messages %}{{ message.content }}\n{% endfor %}"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"


def files(engine: RecordingEngine) -> list[Any]:
    return [each for each in engine.all(CONFIG_MAP) if each.name == "chat-files"]


def read(engine: RecordingEngine) -> list[str]:
    """Names of the objects whose files a pod reads."""
    return [each["configMap"]["name"] for each in pod(engine)["volumes"] if each["name"] == "files"]


def test_a_chat_template_is_a_file_that_the_server_is_told_of() -> None:
    engine = served(SPOT_FIRST, engine={"chat_template": TEMPLATE})
    (only,) = files(engine)
    assert only.inputs["data"] == {"chat-template.jinja": TEMPLATE}
    words = container(engine)["args"]
    assert words[words.index("--chat-template") + 1] == "/etc/engine/chat-template.jinja"
    assert {"name": "files", "mountPath": "/etc/engine", "readOnly": True} in container(engine)["volumeMounts"]
    assert read(engine) == [only.inputs["metadata"]["name"]]
    for each in (only, engine.one(DEPLOYMENT)):
        kubernetes_validate.validate(each.inputs, "1.35", strict=True)


def test_another_template_is_read_by_new_pods_alone() -> None:
    first, same, other = (
        read(served(SPOT_FIRST, engine={"chat_template": text})) for text in (TEMPLATE, TEMPLATE, TEMPLATE + " ")
    )
    assert first == same
    assert first != other, "an old pod that starts again still finds its own"
    assert other[0].startswith("chat-files-")


def test_a_server_without_files_has_no_object_for_them() -> None:
    engine = served(SPOT_FIRST)
    assert not files(engine)
    assert not read(engine)
    assert "--chat-template" not in container(engine)["args"]


def test_pods_have_the_annotations_and_the_priority_of_the_settings() -> None:
    engine = served(SPOT_FIRST, pod_annotations={"example.org/team": "search", "x": "a\nb"}, priority_class="urgent")
    template = engine.one(DEPLOYMENT).inputs["spec"]["template"]
    assert template["spec"]["priorityClassName"] == "urgent"
    assert {"example.org/team": "search", "x": "a\nb"}.items() <= template["metadata"]["annotations"].items()
    assert "cluster-autoscaler.kubernetes.io/safe-to-evict" in template["metadata"]["annotations"]
    assert "priorityClassName" not in pod(served(SPOT_FIRST))
