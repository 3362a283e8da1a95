"""Chat templates in files beside a stack file."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from llmplatform.checks import InvalidStack, check, parse
from llmplatform.specs.engines import Vllm

ROOT = Path(__file__).parents[3]
TEMPLATE = "{% for message in messages %}{{ message.content }}\n{% endfor %}"
PATH = "models.qwen3-8b.engine.chat_template_file"
FORM = "write a path below the folder of the stack file, like templates/chat.jinja"


def checked(folder: Path, **engine: Any) -> Any:
    """The stack file of dev in that folder, with further settings of its engine."""
    document = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text(encoding="utf-8"))
    document["config"]["llmplatform:models"]["qwen3-8b"]["engine"].update(engine)
    path = folder / "Pulumi.dev.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return check(path)


def test_a_template_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/chat.jinja").write_text(TEMPLATE)
    stack = checked(tmp_path, chat_template_file="templates/chat.jinja").stack
    assert stack
    engine = stack.models["qwen3-8b"].engine
    assert isinstance(engine, Vllm)
    assert engine.chat_template == TEMPLATE


@pytest.mark.parametrize(
    ("engine", "says"),
    [
        (
            {"chat_template_file": "chat.jinja"},
            f"{PATH}: there is no file 'chat.jinja'; write its path from the folder of the stack file",
        ),
        (
            {"chat_template_file": "link.jinja"},
            f"{PATH}: 'link.jinja' is outside the folder of the stack file; copy the template into it",
        ),
        ({"chat_template_file": "binary.jinja"}, f"{PATH}: 'binary.jinja' is not text; save it as UTF-8"),
        (
            {"chat_template_file": "right.jinja", "chat_template": "x"},
            f"{PATH}: it stands beside chat_template; remove one of them",
        ),
        (
            {"chat_template_file": "/etc/passwd"},
            f"{PATH}: '/etc/passwd' is not valid; {FORM}",
        ),
    ],
)
def test_a_file_that_is_not_right_is_told_in_one_line(engine: dict[str, Any], says: str, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (tmp_path / "elsewhere.jinja").write_text(TEMPLATE)
    (folder / "link.jinja").symlink_to(tmp_path / "elsewhere.jinja")
    (folder / "binary.jinja").write_bytes(b"\xff\xfe\x00")
    (folder / "right.jinja").write_text(TEMPLATE)
    found = checked(folder, **engine)
    assert found.stack is None
    assert [str(problem) for problem in found.problems] == [says]


def test_settings_that_come_from_no_file_have_their_text() -> None:
    document = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text(encoding="utf-8"))
    raw = {name.removeprefix("llmplatform:"): value for name, value in document["config"].items()}
    raw["models"]["qwen3-8b"]["engine"]["chat_template_file"] = "chat.jinja"
    with pytest.raises(InvalidStack, match="write the text into chat_template"):
        parse(raw)
