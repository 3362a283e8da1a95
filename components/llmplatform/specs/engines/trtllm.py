"""Settings of TensorRT-LLM's own server."""

from typing import Literal

from llmplatform.specs.engines.llm_api import LlmApi


class Trtllm(LlmApi):
    """TensorRT-LLM by its own server, `trtllm-serve`, on the PyTorch backend: no engine is built in advance.

    It asks its clients for no key: only the network policy keeps others away. Requests may give any name as `model`:
    the server has one.
    """

    NAMES = {"tool_parser": "tool-parser", "reasoning_parser": "reasoning-parser"}  # noqa: RUF012
    TOOL_PARSER = "tool_parser"
    WHOLE_EXPERTS = ("--ep_size", "--moe_expert_parallel_size")

    kind: Literal["trtllm"]
    tool_parser: str | None = None
    """Parser for tool calls, e.g. `qwen3`. Empty: no tool calling."""
    reasoning_parser: str | None = None
    """Parser for reasoning output, e.g. `deepseek-r1`. Empty: none."""
