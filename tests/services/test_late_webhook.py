"""When a webhook counts as answering: a TLS server that listens before it has a certificate."""

import base64
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from llmplatform_sandbox.controllers.running import answers
from llmplatform_sandbox.pki import Pki


class LateWebhook:
    """A TLS server on loopback that has no certificate at first, as Go's `tls.Config.GetCertificate` may say."""

    def __init__(self, pki: Pki) -> None:
        self.has_certificate = False
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pki.certificate("server"), pki.key("server"))
        context.sni_callback = self._chosen
        self._context, self._listener = context, socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self._listener.getsockname()[1]}/validate"
        threading.Thread(target=self._serve, daemon=True).start()

    def _chosen(self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> int | None:
        return None if self.has_certificate else ssl.ALERT_DESCRIPTION_INTERNAL_ERROR

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with client, suppress(OSError):
                    self._context.wrap_socket(client, server_side=True).close()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    made = Pki(tmp_path / "pki")
    made.create()
    return made


@pytest.fixture
def late(pki: Pki) -> Iterator[LateWebhook]:
    webhook = LateWebhook(pki)
    yield webhook
    webhook.close()


def _authority(pki: Pki) -> str:
    return base64.b64encode(pki.certificate("ca").read_bytes()).decode()


def test_a_webhook_that_listens_answers_once_it_has_a_certificate(late: LateWebhook, pki: Pki) -> None:
    assert not answers(late.url, _authority(pki)), "the API server would say: remote error: tls: internal error"
    late.has_certificate = True
    assert answers(late.url, _authority(pki))


def test_a_webhook_with_the_certificate_of_another_authority_does_not_answer(
    late: LateWebhook, pki: Pki, tmp_path: Path
) -> None:
    late.has_certificate = True
    other = Pki(tmp_path / "other")
    other.create()
    assert not answers(late.url, _authority(other))
    assert not answers(late.url.replace("localhost", "webhook.example"), _authority(pki)), "nor for another name"
