"""Settings of inference engines: a file for each, and a line here."""

from typing import Annotated

from llmplatform.specs.by_kind import ByKind
from llmplatform.specs.engines.custom import Custom
from llmplatform.specs.engines.ray_serve import RayHead, RayServe
from llmplatform.specs.engines.settings import EngineSettings, GpuUse, PublishedEngine
from llmplatform.specs.engines.sglang import Sglang
from llmplatform.specs.engines.tei import Tei
from llmplatform.specs.engines.tgi import Tgi
from llmplatform.specs.engines.triton import Triton
from llmplatform.specs.engines.trtllm import Trtllm
from llmplatform.specs.engines.vllm import Vllm

Engine = Annotated[
    Vllm | Sglang | Tei | Tgi | Trtllm | Triton | RayServe | Custom,  # The next one goes here: … | Next.
    ByKind(),
]
"""The engine of a model, by its `kind`."""

DEFAULT = Vllm()
"""The default engine of a model."""

__all__ = [
    "DEFAULT",
    "Custom",
    "Engine",
    "EngineSettings",
    "GpuUse",
    "PublishedEngine",
    "RayHead",
    "RayServe",
    "Sglang",
    "Tei",
    "Tgi",
    "Triton",
    "Trtllm",
    "Vllm",
]
