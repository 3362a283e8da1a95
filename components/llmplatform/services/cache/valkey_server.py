"""How Valkey is configured: its file, its users, and the program that loads both again.

Source: valkey.conf of Valkey 9; valkey.io, "ACL" and "Encryption". `ACL LOAD` takes a whole file or nothing of it, and
keeps the connections of users that are still in it (src/acl.c, ACLLoadFromFile). `CONFIG SET` of the certificate's
path reads it again (src/config.c, applyTlsCfg).
"""

from collections.abc import Sequence

from llmplatform.base.contracts import CACHE_RIGHTS, CACHE_USER
from llmplatform.specs.caches import InClusterValkey

PORT, METRICS_PORT = 6379, 9121
CONFIG, USERS, TLS, DATA, RUN = "/etc/valkey/config", "/etc/valkey/users", "/etc/valkey/tls", "/data", "/run/valkey"
FILE, ACL, RELOAD = "valkey.conf", "users.acl", "reload.sh"
SOCKET = "valkey.sock"
"""By which the other containers of the pod reach it: the certificate names the Service, and not the pod."""
LOOK_SECONDS = 5
"""How often files are compared."""
OPERATOR, MONITOR = "operator", "monitor"
"""Users that load files again, and that read metrics."""
RIGHTS = {
    OPERATOR: "resetchannels -@all +acl|load +config|set",
    # redis_exporter, exporter/exporter.go, scrapeRedisHost.
    MONITOR: "resetchannels -@all +ping +info +client|setname +slowlog|len +latency|latest +latency|histogram",
}


def configuration(spec: InClusterValkey) -> str:
    """Its file. TLS is on the usual port, and nothing else; clients prove themselves by their password."""
    lines = (
        "bind * -::*",
        "port 0",
        f"tls-port {PORT}",
        f"tls-cert-file {TLS}/tls.crt",
        f"tls-key-file {TLS}/tls.key",
        f"tls-ca-cert-file {TLS}/ca.crt",
        "tls-auth-clients no",
        f"unixsocket {RUN}/{SOCKET}",
        "unixsocketperm 700",
        f"aclfile {USERS}/{ACL}",
        f"dir {DATA}",
        # Each second's writes reach the disk together; a crash loses those of the last one.
        "appendonly yes",
        "appendfsync everysec",
        # The file of writes is enough.
        'save ""',
        f"maxmemory {spec.memory_gib}gb",
        f"maxmemory-policy {spec.eviction}",
    )
    return "".join(f"{line}\n" for line in lines)


def start() -> str:
    """A shell program that starts the server once its certificate is there."""
    return f"until [ -s {TLS}/tls.crt ]; do sleep 1; done; exec valkey-server {CONFIG}/{FILE}"


def users(clients: Sequence[str], operator: str, monitor: str) -> str:
    """File of the users, from SHA-256 digests of their passwords. No client without a name is served."""

    def user(name: str, digests: Sequence[str], rights: str) -> str:
        return f"user {name} on {' '.join(f'#{digest}' for digest in digests)} {rights}\n"

    return "".join(
        (
            "user default off\n",
            user(CACHE_USER, clients, CACHE_RIGHTS),
            user(OPERATOR, [operator], RIGHTS[OPERATOR]),
            user(MONITOR, [monitor], RIGHTS[MONITOR]),
        )
    )


def reload() -> str:
    """A shell program that loads users and certificate again whenever their files change.

    Kubernetes replaces the files of a Secret within two minutes of its change. Its login is in REDISCLI_AUTH.
    """
    return f"""\
call() {{ valkey-cli -e -s {RUN}/{SOCKET} --user {OPERATOR} --no-auth-warning "$@"; }}
state() {{ cat {USERS}/{ACL} {TLS}/tls.crt {TLS}/tls.key | sha256sum; }}
loaded=
while :; do
  now=$(state)
  if [ "$now" != "$loaded" ] && call ACL LOAD &&
    call CONFIG SET tls-cert-file {TLS}/tls.crt tls-key-file {TLS}/tls.key; then
    loaded=$now
    echo "users and certificate loaded"
  fi
  sleep {LOOK_SECONDS}
done
"""
