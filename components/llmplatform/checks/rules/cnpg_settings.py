"""Rules about what a server of Postgres within the cluster can be called, and which parameters it takes."""

import re
from collections.abc import Iterator

from llmplatform.checks.problems import Problem, listed
from llmplatform.checks.rules.cnpg import Server, servers
from llmplatform.checks.rules.rule import whole
from llmplatform.specs.stack import Stack

_FIXED = frozenset(
    [
        "allow_system_table_mods",
        "archive_cleanup_command",
        "archive_command",
        "archive_mode",
        "bonjour",
        "bonjour_name",
        "cluster_name",
        "config_file",
        "data_directory",
        "data_sync_retry",
        "event_source",
        "external_pid_file",
        "hba_file",
        "hot_standby",
        "ident_file",
        "jit_provider",
        "listen_addresses",
        "log_destination",
        "log_directory",
        "log_file_mode",
        "log_filename",
        "log_rotation_age",
        "log_rotation_size",
        "log_truncate_on_rotation",
        "logging_collector",
        "pg_failover_slots.primary_dsn",
        "pg_failover_slots.standby_slot_names",
        "port",
        "primary_conninfo",
        "primary_slot_name",
        "promote_trigger_file",
        "recovery_end_command",
        "recovery_min_apply_delay",
        "recovery_target",
        "recovery_target_action",
        "recovery_target_inclusive",
        "recovery_target_lsn",
        "recovery_target_name",
        "recovery_target_time",
        "recovery_target_timeline",
        "recovery_target_xid",
        "restart_after_crash",
        "restore_command",
        "shared_preload_libraries",
        "ssl",
        "ssl_ca_file",
        "ssl_cert_file",
        "ssl_crl_file",
        "ssl_dh_params_file",
        "ssl_ecdh_curve",
        "ssl_key_file",
        "ssl_passphrase_command",
        "ssl_passphrase_command_supports_reload",
        "ssl_prefer_server_ciphers",
        "stats_temp_directory",
        "synchronized_standby_slots",
        "synchronous_standby_names",
        "syslog_facility",
        "syslog_ident",
        "syslog_sequence_numbers",
        "syslog_split_messages",
        "temp_tablespaces",
        "unix_socket_directories",
        "unix_socket_group",
        "unix_socket_permissions",
    ]
)
"""CloudNativePG v1.30.0, pkg/postgres/configuration.go, `FixedConfigurationParameters`: its webhook refuses them."""
_SAFE = ("fsync", "full_page_writes")
"""Without them a crash of a node may leave data that cannot be read (PostgreSQL documentation, "Write Ahead Log")."""
_OFF = frozenset({"of", "off", "n", "no", "0", *("false"[:length] for length in range(1, 6))})
"""Postgres' spellings of it (documentation, "Setting Parameters")."""
_ON = frozenset({"on", "1", "y", "ye", "yes", *("true"[:length] for length in range(1, 5))})
_SIZE = re.compile(r" *(\d+(?:\.\d*)?|\.\d+) *([kKMGTPE]?)B *")
_UNITS = " KMGTPE"
_MIB = 2**20
_SIZES = ("shared_buffers", "min_wal_size", "max_wal_size")
_USUAL = {"min_wal_size": 80 * _MIB, "max_wal_size": 1024 * _MIB}
_TAKEN = ("default", "cloudnative-pg", "plugin-barman-cloud")
"""Service accounts of the namespace: Kubernetes' own, and those of the operator and its plugin. A server's has its
name."""


def parameters_are_free(stack: Stack) -> Iterator[Problem]:
    """The operator sets some parameters itself, and a server loses no data in a crash."""
    for server in servers(stack):
        for name, value in server.spec.parameters.items():
            path = f"{server.path}.parameters.{name}"
            if name in _FIXED:
                yield Problem(path, "CloudNativePG sets it itself, and refuses another value", "remove it")
            elif name in _SAFE and value.strip().lower() in _OFF:
                yield Problem(path, "without it a crash of the node may leave data that cannot be read", "remove it")


def parameters_are_accepted(stack: Stack) -> Iterator[Problem]:
    """What the operator's webhook refuses of other parameters.

    Source: CloudNativePG v1.30.0, internal/webhook/v1/cluster_webhook.go, `validateConfiguration` (it archives the log
    in any case), `validateWalSizeConfiguration`, `parsePostgresQuantityValue`, `hasEnoughMemoryForSharedBuffers`;
    pkg/postgres/booleans.go.
    """
    for server in servers(stack):
        path, parameters = f"{server.path}.parameters", server.spec.parameters
        level, hints = parameters.get("wal_level"), parameters.get("wal_log_hints", "on").lower()
        if level not in (None, "replica", "logical"):
            yield Problem(
                f"{path}.wal_level",
                f"'{level}' leaves too little in the log for followers and archives",
                "write replica or logical",
            )
        if hints not in _ON | _OFF:
            yield Problem(f"{path}.wal_log_hints", f"'{hints}' is neither on nor off", "write 'on'")
        elif hints in _OFF and server.spec.instances > 1:
            yield Problem(
                f"{path}.wal_log_hints",
                f"without them none of {server.spec.instances} instances could follow after a failover",
                "remove it",
            )
        yield from _sizes(server, path)


def _sizes(server: Server, path: str) -> Iterator[Problem]:
    """Sizes of memory and of the log of writes."""
    spec, found = server.spec, dict(_USUAL)
    for name in _SIZES:
        text = spec.parameters.get(name)
        if not text:
            continue
        size = _bytes(text)
        if size is None:
            yield Problem(f"{path}.{name}", f"'{text}' is no size with a unit", "write one like 512MB")
            return
        found[name] = size
    if found.get("shared_buffers", 0) > spec.memory_gib * 1024 * _MIB:
        yield Problem(
            f"{path}.shared_buffers",
            f"{spec.parameters['shared_buffers']} is more than the {spec.memory_gib} GiB of an instance",
            "write a quarter of the memory, or remove it for that",
        )
    if found["min_wal_size"] >= found["max_wal_size"]:
        name = "min_wal_size" if "min_wal_size" in spec.parameters else "max_wal_size"
        yield Problem(
            f"{path}.{name}",
            f"min_wal_size of {found['min_wal_size'] // _MIB} MB is not below max_wal_size of "
            f"{found['max_wal_size'] // _MIB}",
            "write a smaller min_wal_size, or a larger max_wal_size",
        )
    for name in _USUAL:
        if spec.wal_gib and name in spec.parameters and found[name] >= spec.wal_gib * 1024 * _MIB:
            yield Problem(
                f"{path}.{name}",
                f"{spec.parameters[name]} is not below the {spec.wal_gib} GiB of the volume for the log of writes",
                "write less, or a larger wal_gib",
            )


def _bytes(size: str) -> int | None:
    """A size as the webhook reads it: without a unit in MB. None: it reads none."""
    if size.isascii() and size.isdigit():
        return int(size) * _MIB
    found = _SIZE.fullmatch(size)
    return int(float(found[1]) * 1024 ** _UNITS.index(found[2].upper() or " ")) if found else None


def names_are_free(stack: Stack) -> Iterator[Problem]:
    """The service account of a server has its name, and is no other's."""
    for server in servers(stack):
        if server.name in _TAKEN:
            yield Problem(
                f"{server.path}.name",
                f"'{server.name}' is a service account of the namespace already",
                f"write anything but {listed(_TAKEN, 'and')}",
            )


PROBLEMS = whole(parameters_are_free, parameters_are_accepted, names_are_free)
