"""An account of the simulated Alibaba Cloud; files about the other cloud have their own of that name."""

from pathlib import Path

import pytest
from support.sandboxes.alicloud_account import CLUSTER, Made
from support.sandboxes.clouds import ALICLOUD

from llmplatform_sandbox.cloud import SimulatedCloud


@pytest.fixture
def account(tmp_path: Path) -> SimulatedCloud:
    return ALICLOUD.open(tmp_path)


@pytest.fixture
def made(account: SimulatedCloud) -> Made:
    return ALICLOUD.whole(account, CLUSTER)
