"""The secrets of a stack file. Values never enter a spec: only the program reads them, as Outputs."""

from typing import Annotated

from pydantic import Field

from llmplatform.specs.section import Section


class Encrypted(Section):
    """A value that `pulumi config set --secret --path` has encrypted."""

    secure: Annotated[str, Field(min_length=1)]
    """The ciphertext, as Pulumi writes it."""


class Secrets(Section):
    """Encrypted values."""

    huggingface_token: Encrypted | None = None
    """Token for gated models: `pulumi config set --secret --path 'secrets.huggingface_token'`."""
    registry_password: Encrypted | None = None
    """Password of `mirrors.login`: `pulumi config set --secret --path 'secrets.registry_password'`. It must not expire,
    because nodes pull at any time."""
    alert_receiver: Encrypted | None = None
    """URL, key or password of the receiver in `addons.monitoring.alerts`: `pulumi config set --secret --path
    'secrets.alert_receiver'`."""
    alert_pages: Encrypted | None = None
    """The same of `addons.monitoring.alerts.pages`: `pulumi config set --secret --path 'secrets.alert_pages'`."""
    alert_heartbeat: Encrypted | None = None
    """URL that `addons.monitoring.alerts.heartbeat` calls: `pulumi config set --secret --path
    'secrets.alert_heartbeat'`."""
    mlflow_database_password: Encrypted | None = None
    """Password of the user in `services.mlflow.database`: `pulumi config set --secret --path
    'secrets.mlflow_database_password'`."""
    cache_password: Encrypted | None = None
    """Password of the user in `services.cache.server`, if that is an existing one: `pulumi config set --secret --path
    'secrets.cache_password'`."""
