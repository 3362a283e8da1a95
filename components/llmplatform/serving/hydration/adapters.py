"""Whether a downloaded LoRA adapter is what the settings say.

Sources: `LoraConfig` of PEFT, whose `rank_pattern` has the ranks of single modules; what is refused: vLLM 0.33.0,
wheel: lora/peft_helper.py, `_validate_features` and `validate_legal`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llmplatform.serving.hydration.faults import Refused

CONFIG = "adapter_config.json"
_HEADS = {"classifier", "score"}
"""Whole modules that a server takes."""
_MERGE = "merge it into the weights and serve those"


def require(folder: Path, rank: int, base: str) -> None:
    """Raises `Refused` where it is no LoRA adapter, of a higher rank, of another model, or more than servers take."""
    try:
        config: Mapping[str, Any] = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        ranks = [config["r"], *(config.get("rank_pattern") or {}).values()]
        highest, of = max(map(int, ranks)), config.get("base_model_name_or_path")
        whole = sorted(set(config.get("modules_to_save") or ()) - _HEADS)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise Refused(f"it has no {CONFIG} of a LoRA adapter: name a repository in PEFT's format") from None
    if highest > rank:
        raise Refused(f"its rank is {highest}, and the settings say {rank}: write rank: {highest}")
    if of != base:
        raise Refused(
            f"it was trained on '{of}', and the model is '{base}': use an adapter of this model, or write base: '{of}' "
            "if both have the same weights"
        )
    if config.get("use_dora"):
        raise Refused(f"it is a DoRA adapter, which servers do not take: train it without use_dora, or {_MERGE}")
    if whole:
        raise Refused(f"it has whole modules ({', '.join(whole)}), which servers do not take: {_MERGE}")
    if config.get("lora_bias") or config.get("bias", "none") != "none":
        raise Refused(f"it has a bias, which servers do not take: train it with bias: none, or {_MERGE}")
