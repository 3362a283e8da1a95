"""Flags and variables of engines that follow from settings: what to set instead of them."""

from collections.abc import Mapping

_SERVED = "the Service, its probes and its network policy are made for what the server has"
_PLAIN = "it would stand in clear text in the state and in the pod: keys are in Secrets"
_WEIGHTS = "the weights lie in a folder that the platform fills; see source, revision and weights"

_REPLICA = "a replica has the GPUs of tensor_parallel, and replicas are servers of their own"
_IMAGE = "the image's programs need theirs"

FLAGS: Mapping[str, str] = {
    "--model": _WEIGHTS,
    "--revision": _WEIGHTS,
    "--code-revision": _WEIGHTS,
    "--tokenizer-revision": _WEIGHTS,
    "--download-dir": _WEIGHTS,
    "--served-model-name": "set served_names",
    "--pipeline-parallel-size": _REPLICA,
    "--data-parallel-size": _REPLICA,
    "--data-parallel-size-local": _REPLICA,
    "--nnodes": _REPLICA,
    "--trust-remote-code": "set trust_remote_code",
    "--tensor-parallel-size": "set tensor_parallel",
    "--max-model-len": "set context_length",
    "--gpu-memory-utilization": "set engine.gpu_memory_utilization",
    "--max-num-seqs": "set engine.max_num_seqs",
    "--kv-cache-dtype": "set engine.kv_cache_dtype",
    "--tool-call-parser": "set engine.tool_call_parser",
    "--enable-auto-tool-choice": "set engine.tool_call_parser",
    "--reasoning-parser": "set engine.reasoning_parser",
    "--shutdown-timeout": "it follows from how the pool's machines are paid for",
    "--logging-config": "logs are collected as JSON, a line for each event",
    "--disable-access-log-for-endpoints": "probes would fill the logs",
    "--host": _SERVED,
    "--port": _SERVED,
    "--uds": _SERVED,
    "--ssl-keyfile": _SERVED,
    "--ssl-certfile": _SERVED,
    "--headless": _SERVED,
    "--config": "its flags would not be seen here: write them one by one",
    "--api-key": _PLAIN,
    "--hf-token": _PLAIN,
}
"""Flag to what to do instead, or why it is nobody's choice."""

VARIABLES: Mapping[str, str] = {
    "PATH": _IMAGE,
    "PYTHONPATH": _IMAGE,
    "LD_LIBRARY_PATH": _IMAGE,
    "LD_PRELOAD": _IMAGE,
    "CUDA_VISIBLE_DEVICES": _REPLICA,
    "NVIDIA_VISIBLE_DEVICES": "the device plugin says which GPUs a pod has",
    "HOME": "it is where the node's disk is mounted",
    "HF_HOME": _WEIGHTS,
    "HF_HUB_CACHE": _WEIGHTS,
    "HF_HUB_OFFLINE": _WEIGHTS,
    "HF_ENDPOINT": _WEIGHTS,
    "HF_TOKEN": _PLAIN,
    "TRANSFORMERS_OFFLINE": _WEIGHTS,
    "MODELSCOPE_CACHE": _WEIGHTS,
    "VLLM_USE_MODELSCOPE": _WEIGHTS,
    "VLLM_API_KEY": _PLAIN,
    "VLLM_CACHE_ROOT": "it is on the node's disk",
    "VLLM_ENGINE_READY_TIMEOUT_S": "set startup_minutes",
    "VLLM_NO_USAGE_STATS": "servers reach nothing outside",
    "VLLM_PORT": "the engine's own processes would meet there",
}
"""The same for environment variables."""
