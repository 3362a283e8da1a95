"""How many servers nodes with GPUs have room for. Each server has its GPUs within one node."""

from math import ceil


def most_replicas(nodes: int, gpus: int, each: int, *, beside: int = 0) -> int:
    """Servers of `each` GPUs that fit nodes of `gpus`. `beside`: GPUs of other servers, packed tightly."""
    return max(0, min(nodes * (gpus // each), (nodes * gpus - beside) // each))


def nodes_for(replicas: int, gpus: int, each: int, *, beside: int = 0) -> int:
    """Nodes of `gpus` that hold servers of `each` GPUs, and `beside` GPUs of other servers."""
    return max(ceil((replicas * each + beside) / gpus), ceil(replicas / (gpus // each)))
