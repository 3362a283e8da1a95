"""Names of model hubs and engines."""

from typing import Annotated

from llmplatform.specs import grammar
from llmplatform.specs.vocabulary.matching import Matching

EngineArgument = Annotated[
    str,
    Matching(
        r"--[a-z0-9][-a-z0-9_.]*(=[^\x00-\x1f]+)?",
        "write a long flag, with '=' before its value: --max-num-batched-tokens=8192",
        longest=4096,
    ),
]
ServedName = Annotated[str, Matching(r"[\w.][\w./:-]{0,127}", "write letters, digits and . _ - / :")]
Revision = Annotated[
    str, Matching(grammar.GIT_REVISION, "write a commit, a tag or a branch of the weights", longest=255)
]
ModelId = Annotated[str, Matching(grammar.HUGGINGFACE_ID, "write a Hugging Face id like Qwen/Qwen3-8B")]
BaseModelName = Annotated[
    str, Matching(r"[^\x00-\x20\x7f]+", "write base_model_name_or_path of its adapter_config.json", longest=255)
]
Template = Annotated[
    str,
    Matching(
        r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+", "write a Jinja template without control characters", longest=262_144
    ),
]
OptionText = Annotated[str, Matching(r"[^\x00-\x1f\x7f]+", "write a line of text", longest=1024)]
