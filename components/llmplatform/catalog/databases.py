"""Facts of managed Postgres: classes, and the authorities of their certificates."""

import tomllib
from functools import lru_cache

from llmplatform.catalog.tables import DATA

PORT = 5432
ADMIN = "platform"
"""Login of the administrator. RDS calls it the master user and ApsaraDB the high-privilege account; it is no superuser
of Postgres. Both reserve `admin` and names that begin with `pg`."""

RDS_CLASS = "db.t4g.medium"
"""Two vCPUs and 4 GiB. Source: RDS user guide, "Hardware specifications for DB instance classes"."""
RDS_AUTHORITY = "rds-ca-rsa2048-g1"
"""Authority of the servers' certificates, valid until 2061 in most regions. Source: RDS user guide, "Using SSL/TLS to
encrypt a connection to a DB instance", certificate authorities."""
RDS_CLASSES, APSARADB_CLASSES = "db.", "pg."
"""Beginnings of the classes' names."""
APSARADB_CLASS = {True: "pg.n2.2c.2m", False: "pg.n2.2c.1m"}
"""Two vCPUs and 4 GiB, with a standby and without. Source: ApsaraDB RDS for PostgreSQL, "Primary instance types"
(help.aliyun.com/document_detail/276990)."""


@lru_cache
def rds_authority(region: str) -> str | None:
    """PEM of `RDS_AUTHORITY` in a region, from `data/rds_authorities.toml`; None: no source has it."""
    return tomllib.loads((DATA / "rds_authorities.toml").read_text(encoding="utf-8")).get(region)
