"""Settings of inference engines: a file for each, and a line here."""

from typing import Annotated

from llmplatform.specs.by_kind import ByKind
from llmplatform.specs.engines.settings import EngineSettings, GpuUse
from llmplatform.specs.engines.vllm import Vllm

Engine = Annotated[
    Vllm,  # The next one goes here: Vllm | Next.
    ByKind(),
]
"""The engine of a model, by its `kind`."""

DEFAULT = Vllm()
"""The default engine of a model."""

__all__ = ["DEFAULT", "Engine", "EngineSettings", "GpuUse", "Vllm"]
