"""A provider of releases for several files; files about other providers have their own of that name."""

import pytest
from support.sandboxes.fake_api_server import FakeApiServer

from llmplatform_sandbox.kube import helm
from llmplatform_sandbox.providers.charts import Charts
from llmplatform_sandbox.providers.helm import ReleaseProvider


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FakeApiServer:
    monkeypatch.setattr(helm, "TAKES", 0.0)
    monkeypatch.setattr(helm, "HOOK_PATIENCE", 0.0)
    monkeypatch.setattr(helm, "PATIENCE", 0.0)
    server = FakeApiServer()
    server.on_apply = lambda obj: (
        obj.update(status={"conditions": [{"type": "Established", "status": "True"}]})
        if obj["kind"] == "CustomResourceDefinition"
        else None
    )
    return server


@pytest.fixture
def said() -> list[tuple[str, str]]:
    """Warnings, each with the URN of its resource."""
    return []


@pytest.fixture
def provider(server: FakeApiServer, said: list[tuple[str, str]]) -> ReleaseProvider:
    return ReleaseProvider(server.kube, Charts(None), lambda _: True, lambda urn, text: said.append((urn, text)))
