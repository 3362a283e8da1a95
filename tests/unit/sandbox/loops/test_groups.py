"""Played groups of pods, held against what LeaderWorkerSet's documentation says of them.

kubernetes-sigs/lws v0.10.0: site/content/en/docs/reference/labels-annotations-and-environment-variables.md, and
docs/concepts (failure handling, rollout strategy).
"""

from typing import Any

import pytest
from support.sandboxes.controller_rounds import release, step
from support.sandboxes.fake_api_server import FakeApiServer
from support.sandboxes.fake_cloud import FakeCloud

from llmplatform_sandbox.kube.readiness import waiting_for

GROUP = "leaderworkerset.x-k8s.io/v1"
DOMAIN = "leaderworkerset.sigs.k8s.io"
RACK = "example.org/rack"


@pytest.fixture
def server() -> FakeApiServer:
    made = FakeApiServer()
    made.served[GROUP] = {"LeaderWorkerSet": ("leaderworkersets", True)}
    release(made, "lws")
    return made


def declare(
    server: FakeApiServer, *, size: int = 2, replicas: int = 1, image: str = "a", surge: int = 0, **metadata: Any
) -> dict[str, Any]:
    env = [{"name": "RANK", "value": "$(LWS_WORKER_INDEX)"}]
    pod = {"spec": {"containers": [{"name": "engine", "image": image, "env": env}]}}
    return server.add(
        GROUP,
        "LeaderWorkerSet",
        "big",
        "apps",
        metadata={"generation": 1, "uid": "set", **metadata},
        spec={
            "replicas": replicas,
            "startupPolicy": "LeaderCreated",
            "leaderWorkerTemplate": {"size": size, "leaderTemplate": pod, "workerTemplate": pod},
            "networkConfig": {"subdomainPolicy": "UniquePerReplica"},
            "rolloutStrategy": {"rollingUpdateConfiguration": {"maxUnavailable": 1 - surge, "maxSurge": surge}},
        },
    )


def play(server: FakeApiServer, rounds: int = 1) -> None:
    """Rounds, between which the garbage collector and the kubelets act."""
    for _ in range(rounds):
        step(server, FakeCloud())
        alive = {obj["metadata"]["uid"] for obj in server.objects.values()}
        for key, obj in list(server.objects.items()):
            owners = obj["metadata"].get("ownerReferences") or []
            if owners and not any(each["uid"] in alive for each in owners):
                del server.objects[key]
        for pod in pods(server).values():
            pod.setdefault("status", {}).setdefault("conditions", [{"type": "Ready", "status": "True"}])


def pods(server: FakeApiServer) -> dict[str, dict[str, Any]]:
    return {key[3]: obj for key, obj in sorted(server.objects.items()) if key[1] == "pods"}


def variables(pod: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in pod["spec"]["containers"][0]["env"]}


def test_a_group_is_a_leader_and_workers_that_know_their_place(server: FakeApiServer) -> None:
    declare(server, size=4, replicas=2)
    play(server, 3)
    assert list(pods(server)) == [f"big-{group}{worker}" for group in "01" for worker in ("", "-1", "-2", "-3")]
    for name, pod in pods(server).items():
        _, group, *worker = name.split("-")
        labels = pod["metadata"]["labels"]
        assert labels[f"{DOMAIN}/name"] == "big"
        assert labels[f"{DOMAIN}/group-index"] == group
        assert labels[f"{DOMAIN}/worker-index"] == (worker[0] if worker else "0")
        assert pod["metadata"]["annotations"][f"{DOMAIN}/size"] == "4"
        assert variables(pod) == {
            "LWS_LEADER_ADDRESS": f"big-{group}.big-{group}.apps",
            "LWS_GROUP_SIZE": "4",
            "LWS_WORKER_INDEX": worker[0] if worker else "0",
            "RANK": "$(LWS_WORKER_INDEX)",
        }
        first = [each["name"] for each in pod["spec"]["containers"][0]["env"]][:3]
        assert first == ["LWS_LEADER_ADDRESS", "LWS_GROUP_SIZE", "LWS_WORKER_INDEX"], "others may name them"
    assert len({pod["metadata"]["labels"][f"{DOMAIN}/group-key"] for pod in pods(server).values()}) == 2


def test_a_headless_service_has_the_address_of_each_group(server: FakeApiServer) -> None:
    declare(server, replicas=2)
    play(server, 2)
    for group in ("big-0", "big-1"):
        service = server.one("v1", "Service", group, "apps")
        assert service
        assert service["spec"]["clusterIP"] == "None"
        assert service["spec"]["publishNotReadyAddresses"], "workers meet a leader that is not ready yet"
        assert pods(server)[group]["spec"]["subdomain"] == pods(server)[f"{group}-1"]["spec"]["subdomain"] == group
        assert pods(server)[f"{group}-1"]["spec"]["hostname"] == f"{group}-1"


def test_it_is_available_when_every_pod_of_every_group_is_ready(server: FakeApiServer) -> None:
    owner = declare(server, annotations={"pulumi.com/waitFor": "condition=Available"})
    assert waiting_for(server.kube, owner) is not None
    play(server, 2)
    pods(server)["big-0-1"]["status"]["conditions"][0]["status"] = "False"
    play(server)
    assert waiting_for(server.kube, owner), "a worker is not ready"
    pods(server)["big-0-1"]["status"]["conditions"][0]["status"] = "True"
    play(server)
    assert waiting_for(server.kube, owner) is None
    assert owner["status"]["readyReplicas"] == owner["status"]["replicas"] == 1
    assert owner["status"]["hpaPodSelector"] == f"{DOMAIN}/name=big,{DOMAIN}/worker-index=0"


def lost(server: FakeApiServer, name: str) -> None:
    del server.objects[("v1", "pods", "apps", name)]


def restarted(server: FakeApiServer, name: str) -> None:
    pods(server)[name]["status"]["containerStatuses"] = [{"name": "engine", "restartCount": 1}]


@pytest.mark.parametrize("failure", [lost, restarted])
@pytest.mark.parametrize("name", ["big-0", "big-0-2"])
def test_a_group_that_loses_a_pod_begins_anew_as_a_whole(server: FakeApiServer, failure: Any, name: str) -> None:
    declare(server, size=3, replicas=2)
    play(server, 3)
    before = {name: pod["metadata"]["uid"] for name, pod in pods(server).items()}
    failure(server, name)
    play(server, 4)
    after = {name: pod["metadata"]["uid"] for name, pod in pods(server).items()}
    assert set(after) == set(before)
    same = {name for name, uid in after.items() if before[name] == uid}
    assert same == {"big-1", "big-1-1", "big-1-2"}


def test_fewer_replicas_take_whole_groups(server: FakeApiServer) -> None:
    owner = declare(server, replicas=3)
    play(server, 3)
    owner["spec"]["replicas"] = 1
    play(server, 2)
    assert list(pods(server)) == ["big-0", "big-0-1"]


@pytest.mark.parametrize("surge", [0, 1])
def test_an_update_replaces_one_group_after_the_other(server: FakeApiServer, surge: int) -> None:
    declare(server, replicas=2, surge=surge)
    play(server, 3)
    declare(server, replicas=2, surge=surge, image="b")
    ready: list[int] = []
    for _ in range(14):
        play(server)
        ready.append(sum(1 for name in pods(server) if name.endswith("-1") and name.count("-") == 2))
    images = {pod["spec"]["containers"][0]["image"] for pod in pods(server).values()}
    assert images == {"b"}
    assert min(ready) >= 1 + surge, "a group serves meanwhile; with a surge, all of them do"
    assert list(pods(server)) == ["big-0", "big-0-1", "big-1", "big-1-1"], "the further group goes again"


def test_a_group_with_a_place_of_its_own_follows_its_leader(server: FakeApiServer) -> None:
    server.add("v1", "Node", "n1", metadata={"labels": {RACK: "r7"}})
    declare(server, annotations={f"{DOMAIN}/exclusive-topology": RACK})
    play(server, 2)
    assert list(pods(server)) == ["big-0"], "its place is known when the leader has a node"
    affinity = pods(server)["big-0"]["spec"]["affinity"]
    key = pods(server)["big-0"]["metadata"]["labels"][f"{DOMAIN}/group-key"]
    (own,) = affinity["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    (others,) = affinity["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert own["topologyKey"] == others["topologyKey"] == RACK
    assert own["labelSelector"]["matchExpressions"][0]["values"] == [key]
    pods(server)["big-0"]["spec"]["nodeName"] = "n1"
    play(server)
    assert pods(server)["big-0-1"]["spec"]["nodeSelector"] == {RACK: "r7"}


def test_a_set_has_the_defaults_of_the_release(server: FakeApiServer) -> None:
    """leaderworkerset_types.go: an API server with the definition writes them into the set."""
    owner = declare(server)
    for key in ("replicas", "startupPolicy", "rolloutStrategy"):
        del owner["spec"][key]
    play(server, 2)
    assert list(pods(server)) == ["big-0", "big-0-1"]
    del owner["spec"]["leaderWorkerTemplate"]["size"]
    play(server, 4)
    assert list(pods(server)) == ["big-0"], "another size replaces the group"


@pytest.mark.parametrize("setting", ["maxUnavailable", "maxSurge"])
def test_a_set_that_is_not_played_does_not_stop_the_others(server: FakeApiServer, setting: str) -> None:
    strategy = {"rollingUpdateConfiguration": {setting: "25%"}}
    pod = {"spec": {"containers": [{"name": "engine", "image": "a"}]}}
    spec = {"leaderWorkerTemplate": {"size": 2, "workerTemplate": pod}, "rolloutStrategy": strategy}
    server.add(GROUP, "LeaderWorkerSet", "a", "apps", metadata={"generation": 1, "uid": "first"}, spec=spec)
    declare(server)
    play(server, 2)
    assert list(pods(server)) == ["big-0", "big-0-1"]


def test_without_its_release_nothing_happens(server: FakeApiServer) -> None:
    bare = FakeApiServer()
    bare.served[GROUP] = server.served[GROUP]
    declare(bare)
    play(bare, 2)
    assert not pods(bare)
