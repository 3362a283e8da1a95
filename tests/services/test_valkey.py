"""A real Valkey with the rendered configuration: who is refused, what stays, and a rotation while a client writes."""

import signal
import threading
import time
from collections.abc import Iterator

import pytest
from support.pace import eventually
from support.valkey import Pod, Refused, pod


@pytest.fixture(scope="module")
def shared() -> Iterator[Pod]:
    """For tests that change nothing that others see."""
    with pod() as running:
        yield running


@pytest.fixture
def server() -> Iterator[Pod]:
    with pod() as running:
        yield running


def admitted(server: Pod, password: str) -> bool:
    try:
        server.connect("app", password).close()
    except Refused:
        return False
    return True


@pytest.mark.parametrize(
    "command", [("GET", "key"), ("SET", "key", "value"), ("INFO",), ("PING",), ("CONFIG", "GET", "*")]
)
def test_an_anonymous_client_is_refused(shared: Pod, command: tuple[str, ...]) -> None:
    with pytest.raises(Refused, match="NOAUTH"):
        shared.connect().call(*command)


@pytest.mark.parametrize("user", ["app", "default", "operator", "monitor", "unknown"])
def test_a_wrong_password_is_refused_for_every_user(shared: Pod, user: str) -> None:
    with pytest.raises(Refused, match="WRONGPASS"):
        shared.connect(user, "guessed")


def test_a_client_reads_writes_counts_and_runs_scripts(shared: Pod) -> None:
    client = shared.client(1)
    assert client.call("SET", "answer", "cached", "EX", "60") == "OK"
    assert client.call("GET", "answer") == "cached"
    assert client.call("INCRBY", "tokens", "40") == 40
    assert client.call("EVAL", "return redis.call('INCR', KEYS[1])", "1", "tokens") == 41
    assert "redis_version" in client.call("INFO", "server")


@pytest.mark.parametrize(
    "command",
    [
        ("FLUSHALL",),
        ("KEYS", "*"),
        ("CONFIG", "SET", "maxmemory", "1"),
        ("ACL", "LIST"),
        ("SHUTDOWN",),
        ("REPLICAOF", "evil.example.org", "6379"),
        ("MODULE", "LIST"),
        ("SAVE",),
    ],
)
def test_a_client_does_not_administer(shared: Pod, command: tuple[str, ...]) -> None:
    with pytest.raises(Refused, match="NOPERM"):
        shared.client(1).call(*command)


def test_the_user_of_metrics_reads_no_key(shared: Pod) -> None:
    """redis_exporter v1.79.0, exporter/exporter.go, scrapeRedisHost: what it calls without checks of keys."""
    client = shared.connect("monitor", shared.secret(1, "valkey-keys")["monitor"])
    client.call("CLIENT", "SETNAME", "redis_exporter")
    assert "used_memory" in client.call("INFO", "ALL")
    assert client.call("SLOWLOG", "LEN") == 0
    assert client.call("LATENCY", "LATEST") == []
    for command in (("GET", "key"), ("CONFIG", "GET", "*"), ("SLOWLOG", "GET"), ("SCAN", "0")):
        with pytest.raises(Refused, match="NOPERM"):
            client.call(*command)


def test_the_probe_asks_with_a_login(shared: Pod) -> None:
    assert shared.ready()
    assert not shared.ready(REDISCLI_AUTH="guessed")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_data_is_there_after_a_restart(server: Pod, how: signal.Signals) -> None:
    client = server.client(1)
    for number in range(1000):
        client.call("SET", f"key-{number}", str(number))
    if how is signal.SIGKILL:
        # The operating system has them after a second: appendfsync everysec.
        time.sleep(1.5)
    server.stop(how)
    server.start()
    client = server.client(1)
    assert [client.call("GET", f"key-{number}") for number in range(1000)] == [str(number) for number in range(1000)]


class Writer(threading.Thread):
    """Writes all the time, over a new connection every twenty writes, and counts what the server has acknowledged."""

    def __init__(self, server: Pod) -> None:
        super().__init__()
        self._server = server
        self.password = server.password(1)
        self.written = 0
        self.logins: dict[str, int] = {}
        self.faults: list[BaseException] = []
        self._ends = threading.Event()

    def run(self) -> None:
        kept = self._server.connect("app", self.password)
        try:
            while not self._ends.is_set():
                password = self.password
                client = self._server.connect("app", password)
                for _ in range(20):
                    client.call("RPUSH", "log", str(self.written))
                    self.written += 1
                client.close()
                # A connection that was there before every rotation.
                kept.call("INCR", "rounds")
                self.logins[password] = self.logins.get(password, 0) + 1
        except (Refused, OSError) as fault:
            self.faults.append(fault)

    def end(self) -> None:
        self._ends.set()
        self.join(20)


def test_a_rotation_while_a_client_writes_loses_no_write(server: Pod) -> None:
    first, second, third = (server.password(version) for version in (1, 2, 3))
    writer = Writer(server)
    with server.reloading() as log:
        writer.start()
        eventually(lambda: writer.logins.get(first, 0) > 5, "the client writes with its first password")

        writer.password = second
        eventually(lambda: writer.logins.get(second, 0) > 5, "the next password is valid before the pod has its file")
        writer.password = first
        server.update(2)
        eventually(lambda: admitted(server, third), f"the file is loaded: {log.read_text()}")
        seen = writer.logins[first]
        eventually(lambda: writer.logins[first] > seen + 5, "the password before is valid after the rotation")
        writer.password = second
        eventually(lambda: writer.logins[second] > 10, "the client has started again")

        server.update(3)
        eventually(lambda: not admitted(server, first), "two rotations later the first password is gone")
        writer.end()

    assert writer.faults == []
    stored = server.client(2).call("LRANGE", "log", "0", "-1")
    assert stored == [str(number) for number in range(writer.written)], "each write that was acknowledged, once"
    assert writer.written > 300


def test_a_damaged_file_of_users_changes_nothing(server: Pod) -> None:
    with server.reloading() as log:
        eventually(lambda: "loaded" in log.read_text(), "the first file is loaded")
        server.update("user app on >new ~* +@all\nuser broken on ~* +nonsense\n")
        eventually(lambda: "ERR" in log.read_text() or "nonsense" in log.read_text(), "the fault is in the log")
        assert admitted(server, server.password(1))
        assert not admitted(server, "new")
        server.update(2)
        eventually(lambda: admitted(server, server.password(3)), "a good file is loaded again")
