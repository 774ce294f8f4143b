"""What the tests of this folder share: a token issuer that the server trusts, and complete records."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.services.rucio import Login
from joserfc import jwt
from joserfc.jwk import ECKey
from rucio_server import PASSWORD

Run = Callable[..., dict[str, Any]]


class Issuer:
    """A token issuer as small as the server lets it be: discovery and keys."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256", {"kid": "test", "use": "sig", "alg": "ES256"})
        issuer = self

        class Pages(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page = issuer.discovery() if "openid-configuration" in self.path else {"keys": [issuer.key.as_dict(private=False)]}
                body = json.dumps(page).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        self.url = f"http://127.0.0.1:{self.http.server_port}/"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def discovery(self) -> dict[str, Any]:
        ends = ("authorization", "token", "introspection", "registration", "userinfo")
        return {"issuer": self.url, "jwks_uri": f"{self.url}jwk", **{f"{end}_endpoint": self.url + end for end in ends}}

    def token(self, subject: str, *, audience: str = "rucio", seconds: int = 600) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "sub": subject, "aud": audience, "scope": "openid profile", "iat": now, "exp": now + seconds}
        return jwt.encode({"alg": "ES256", "kid": "test"}, claims, self.key)


def login(**changes: Any) -> Login:
    return Login(**{"kind": "userpass", "account": "root", "username": "ddmlab", "password": PASSWORD, **changes})


def door(**changes: Any) -> dict[str, Any]:
    """A complete door."""
    every = {"read": 1, "write": 1, "delete": 1}
    return {
        "scheme": "davs",
        "hostname": "se.example.org",
        "port": 443,
        "prefix": "/escape/fast",
        "impl": "rucio.rse.protocols.gfal.Default",
        "domains": {"lan": every, "wan": {**every, "third_party_copy_read": 1, "third_party_copy_write": 1}},
        **changes,
    }


def record(name: str, **changes: Any) -> dict[str, Any]:
    """A complete record."""
    root_door = door(scheme="root", port=1094, prefix="//escape/fast", domains={"lan": {"read": 2}, "wan": {"read": 2, "write": None}})
    return {
        "name": name,
        "site": "LAB",
        "properties": {"rse_type": "DISK", "country_name": "FR", "continent": "EU", "latitude": 45.9, "availability_write": True},
        "attributes": {"QOS": "FAST", "verify_checksum": False, "lfn2pfn_algorithm": "hash", "maximum_pin_lifetime": 86400},
        "protocols": [door(), root_door],
        "limits": {"MinFreeSpace": 10**12},
        "space": 50 * 10**12,
        **changes,
    }
