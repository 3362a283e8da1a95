"""Servers of a replica over several nodes: a leader with the API, and workers that only the leader asks.

LeaderWorkerSet tells each container its place by variables (kubernetes-sigs/lws v0.10.0, pkg/utils/pod/pod_utils.go,
AddLWSVariables), and the kubelet puts them into arguments. A worker that ended with the leader would break the answers
that the leader still gives: it goes on while it is connected to the leader's port.
"""

from collections.abc import Mapping
from dataclasses import replace

from llmplatform.catalog.engines import EngineStages
from llmplatform.planning.models import ModelPlan
from llmplatform.serving.engines.contract import Drain, Server, release

ADDRESS, SIZE, INDEX = "$(LWS_LEADER_ADDRESS)", "$(LWS_GROUP_SIZE)", "$(LWS_WORKER_INDEX)"
"""Host name of the leader, pods of the group, number of the pod from 0."""
INTERFACE: Mapping[str, str] = {"NCCL_SOCKET_IFNAME": "eth0", "GLOO_SOCKET_IFNAME": "eth0"}
"""The pod's own network, which a fast one needs for the first contact, too. containerd calls it so
(internal/cri/server/helpers.go, `defaultIfName`); a guess of the libraries may take another where a pod has several."""

WHILE_CONNECTED = """
import sys, time
port, end = ":%04X" % int(sys.argv[1]), time.monotonic() + int(sys.argv[2])
def connected():
    for table in ("tcp", "tcp6"):
        try:
            rows = [line.split() for line in open("/proc/net/" + table)][1:]
        except OSError:
            continue
        if any(row[2].endswith(port) and row[3] == "01" for row in rows):
            return True
while connected() and time.monotonic() < end:
    time.sleep(1)
"""
"""Program: waits while a connection to a port elsewhere is established, or for so many seconds. In the kernel's table
(Documentation/networking/proc_net_tcp.rst) numbers are hexadecimal, and 01 is ESTABLISHED."""


def stages(plan: ModelPlan) -> EngineStages:
    """What the plan's release says of stages. Raises ValueError where it has none: the settings are not valid."""
    found = release(plan).stages
    if found is None:
        raise ValueError(f"{plan.spec.engine.kind} {release(plan).version} has no replicas of several stages")
    return found


def led(leader: Server, plan: ModelPlan, *workers: str) -> Server:
    """A group's server. `workers`: further arguments of its workers. A replica of one pod is as it was."""
    if plan.nodes == 1:
        return leader
    environment = {**INTERFACE, **leader.environment}
    most = plan.drain.pre_stop + plan.drain.shutdown
    waiting = (leader.python or "python3", "-c", WHILE_CONNECTED, str(stages(plan).port), str(most))
    worker = replace(
        leader,
        arguments=(*leader.arguments, *workers),
        environment=environment,
        ports=(),
        probes=None,
        metrics=None,
        api_key_variable=None,
        drain=Drain(pre_stop=most, grace=leader.drain.grace, command=waiting),
    )
    return replace(leader, environment=environment, worker=worker)
