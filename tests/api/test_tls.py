"""Off the loopback only with TLS: certificates are read at the start or said what is wrong."""

import ssl
from pathlib import Path

import pytest

from node.api.server import ApiTlsUnusable, tls_of
from node.config import ApiSection


@pytest.mark.parametrize("content", [None, "", "-----BEGIN CERTIFICATE-----\nx\n"])
def test_a_certificate_that_is_none_is_named(tmp_path: Path, content: str | None) -> None:
    for name in ("a.pem", "a.key"):
        if content is not None:
            (tmp_path / name).write_text(content)
    api = ApiSection(host="0.0.0.0", tls_cert="a.pem", tls_key="a.key")
    with pytest.raises(ApiTlsUnusable, match=r"a\.pem"):
        tls_of(tmp_path, api)
    assert ssl.TLSVersion.TLSv1_3
