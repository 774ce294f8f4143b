"""Which certificate authorities are trusted where none are named."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import HttpClient, Tls
from ansible_collections.escape.datalake.plugins.plugin_utils.services.trust import system_authorities


def test_the_authorities_of_the_system_are_trusted_unless_others_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file, directory = tmp_path / "cert.pem", tmp_path / "certs"
    directory.mkdir()
    places = SimpleNamespace(openssl_cafile=str(file), openssl_capath=str(directory))
    monkeypatch.setattr("ssl.get_default_verify_paths", lambda: places)
    assert system_authorities() is True  # neither a file nor anything in the directory
    (directory / "0a1b2c3d.0").write_text("")
    assert system_authorities() == str(directory)
    file.write_text("")
    assert system_authorities() == str(file)
    assert HttpClient("x", "https://x.example.org")._session.verify == str(file)
    assert HttpClient("x", "https://x.example.org", tls=Tls(ca="/our/ca.pem"))._session.verify == "/our/ca.pem"
