# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signing keys of one issuer: one signs, replaced ones stay published for a while."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from ..shared.jsonfile import JsonFile

ALGORITHM = "RS256"
KEY_BITS = 2048


def _new_key() -> RSAKey:
    return RSAKey.generate_key(KEY_BITS, {"kid": uuid.uuid4().hex, "use": "sig", "alg": ALGORITHM}, private=True)


class KeyRing:
    """overlap: seconds that a replaced key stays published."""

    def __init__(self, path: Path, overlap: int) -> None:
        self._overlap = overlap
        self._file = JsonFile(path, {"keys": []})
        self._unpublished = _new_key()
        self._parsed: dict[str, RSAKey] = {}  # parsing takes longer than signing
        if not self._file.read()["keys"]:
            self.rotate()

    def rotate(self) -> str:
        """Makes a new signing key and returns its kid."""
        key, now = _new_key(), time.time()
        with self._file.change() as data:
            for entry in data["keys"]:
                entry.setdefault("retired", now)
            data["keys"] = [entry for entry in data["keys"] if entry["retired"] + self._overlap > now]
            data["keys"].append({"jwk": key.as_dict(private=True)})
        return str(key.kid)

    def published(self) -> dict[str, Any]:
        """The JWKS document, newest key first."""
        return {"keys": [key.as_dict(private=False) for key in reversed(self._keys())]}

    def sign(self, claims: dict[str, Any], *, unpublished: bool = False) -> str:
        """The claims as a JWT. unpublished: signed by a key that the JWKS document never shows."""
        key = self._unpublished if unpublished else self._keys()[-1]
        return jwt.encode({"alg": ALGORITHM, "typ": "JWT", "kid": key.kid}, claims, key)

    def verify(self, token: str) -> dict[str, Any]:
        """The claims of a token of this issuer; raises joserfc's errors. Times are not looked at."""
        return dict(jwt.decode(token, KeySet(self._keys()), algorithms=[ALGORITHM]).claims)

    def _keys(self) -> list[Any]:
        now = time.time()
        entries = self._file.read()["keys"]
        return [self._parse(entry["jwk"]) for entry in entries if entry.get("retired", now) + self._overlap > now]

    def _parse(self, jwk: dict[str, Any]) -> RSAKey:
        if jwk["kid"] not in self._parsed:
            self._parsed[jwk["kid"]] = RSAKey.import_key(jwk)
        return self._parsed[jwk["kid"]]
