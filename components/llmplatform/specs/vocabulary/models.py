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
_PLACE = r"(/(?!\.{1,2}(/|$))[\w.@=+-]+)"
"""A folder. The names of the volume's folders come from it, so that a path has few and plain ones."""
_BUCKET = rf"(s3|oss)://[^/\s]+{_PLACE}{{1,20}}"
WeightsAddress = Annotated[
    str,
    Matching(
        rf"{_BUCKET}|pvc://[a-z0-9]([-a-z0-9.]*[a-z0-9])?{_PLACE}{{0,20}}",
        "write s3://BUCKET/PREFIX, oss://BUCKET/PREFIX or pvc://CLAIM/PATH, without a final slash; a prefix has "
        "letters, digits and . _ @ = + -",
        longest=160,
    ),
]
BucketRegion = Annotated[str, Matching(r"[a-z]{2}(-[a-z]+)+(-\d)?", "write a region like us-east-1", longest=32)]
BucketKey = Annotated[
    str,
    Matching(
        r"arn:aws[-a-z]*:kms:[-a-z0-9]+:\d{12}:key/[-A-Za-z0-9]+"
        r"|key-[0-9a-z]{8,40}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        "write a key's ARN on AWS, like arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab, "
        "or its id on Alibaba Cloud, like key-hzz65f1c2d3e4f5a6b7c8",
        longest=200,
    ),
]
ModelId = Annotated[str, Matching(grammar.HUGGINGFACE_ID, "write a Hugging Face id like Qwen/Qwen3-8B")]
AdapterSource = Annotated[
    str,
    Matching(
        rf"(?:{grammar.HUGGINGFACE_ID})|(?:{_BUCKET})",
        "write a Hugging Face id like acme/sql-lora, or s3://BUCKET/PREFIX or oss://BUCKET/PREFIX",
        longest=197,
    ),
]
BaseModelName = Annotated[
    str, Matching(r"[^\x00-\x20\x7f]+", "write base_model_name_or_path of its adapter_config.json", longest=255)
]
Template = Annotated[
    str,
    Matching(
        r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+", "write a Jinja template without control characters", longest=262_144
    ),
]
FilePath = Annotated[
    str,
    Matching(
        r"(?!.*(^|/)\.{1,2}(/|$))[\w.@+-]+(/[\w.@+-]+)*",
        "write a path below the folder of the stack file, like templates/chat.jinja",
        longest=255,
    ),
]
OptionText = Annotated[str, Matching(r"[^\x00-\x1f\x7f]+", "write a line of text", longest=1024)]
