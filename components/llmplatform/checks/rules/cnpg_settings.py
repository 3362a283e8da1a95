"""Rules about what a server of Postgres within the cluster can be called, and which parameters it takes."""

from collections.abc import Iterator

from llmplatform.checks.problems import Problem, listed
from llmplatform.checks.rules.cnpg import servers
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


def names_are_free(stack: Stack) -> Iterator[Problem]:
    """The service account of a server has its name, and is no other's."""
    for server in servers(stack):
        if server.name in _TAKEN:
            yield Problem(
                f"{server.path}.name",
                f"'{server.name}' is a service account of the namespace already",
                f"write anything but {listed(_TAKEN, 'and')}",
            )


PROBLEMS = whole(parameters_are_free, names_are_free)
