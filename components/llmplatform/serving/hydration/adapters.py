"""Whether a downloaded LoRA adapter is what the settings say.

Source: `LoraConfig` of PEFT, whose `rank_pattern` has the ranks of single modules.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llmplatform.serving.hydration.faults import Refused

CONFIG = "adapter_config.json"


def require(folder: Path, rank: int, base: str) -> None:
    """Raises `Refused` where it is no LoRA adapter, of a higher rank, or of another model."""
    try:
        config: Mapping[str, Any] = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        ranks = [config["r"], *(config.get("rank_pattern") or {}).values()]
        highest, of = max(map(int, ranks)), config.get("base_model_name_or_path")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise Refused(f"it has no {CONFIG} of a LoRA adapter: name a repository in PEFT's format") from None
    if highest > rank:
        raise Refused(f"its rank is {highest}, and the settings say {rank}: write rank: {highest}")
    if of != base:
        raise Refused(
            f"it was trained on '{of}', and the model is '{base}': use an adapter of this model, or write base: '{of}' "
            "if both have the same weights"
        )
