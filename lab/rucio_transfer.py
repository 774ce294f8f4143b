# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A person of the lab at work: logs in with a token, uploads a file to each RSE and downloads it again with the real Rucio client.

Runs on the Python that has the Rucio client. Reads one JSON object from standard input, so that no secret is in argv:
{"token_url", "client_id", "username", "password", "audience", "scope", "ca", "rucio", "account", "did_scope", "rses"}
and prints one JSON object: {"transfers": [{"rse", "did", "pfn", "bytes", "adler32", "adler32_downloaded", "ok"}], "uploaded": [DID, ...]}.
A file that is already there is not uploaded again.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import random
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Any

import requests

SIZE = 64 * 1024


def main() -> int:
    wanted = json.load(sys.stdin)
    with tempfile.TemporaryDirectory(prefix="rucio-transfer-") as folder:
        prepare_client(wanted, Path(folder))
        with contextlib.redirect_stdout(sys.stderr):  # the client's own words do not belong into the answer
            uploaded: list[str] = []
            transfers = [transfer(wanted, rse, Path(folder), uploaded) for rse in wanted["rses"]]
    print(json.dumps({"transfers": transfers, "uploaded": uploaded}, indent=1))
    return 0 if all(each["ok"] for each in transfers) else 1


def person_token(wanted: dict[str, Any]) -> str:
    """An access token by the password flow of a public client."""
    answer = requests.post(
        wanted["token_url"],
        data={"grant_type": "password"} | {key: wanted[key] for key in ("client_id", "username", "password", "audience", "scope")},
        verify=wanted["ca"],
        timeout=30,
    )
    if answer.status_code != 200:
        sys.exit(f"rucio_transfer: the issuer refused the log-in: HTTP {answer.status_code} {answer.text[:300]}")
    return str(answer.json()["access_token"])


def prepare_client(wanted: dict[str, Any], folder: Path) -> None:
    """Configures Rucio's client for this process: it finds the token as the WLCG bearer token discovery says."""
    token = folder / "token"
    token.touch(mode=0o600)
    token.write_text(person_token(wanted))
    config = folder / "rucio.cfg"
    settings = {
        "rucio_host": wanted["rucio"],
        "auth_host": wanted["rucio"],
        "ca_cert": wanted["ca"],
        "account": wanted["account"],
        "auth_type": "oidc",
    }
    client = "\n".join(f"{key} = {value}" for key, value in settings.items())
    config.write_text(f"[client]\n{client}\n[policy]\npermission = generic\nschema = generic\n")
    os.environ |= {
        "RUCIO_CONFIG": str(config),
        "RUCIO_HOME": str(folder),
        "BEARER_TOKEN_FILE": str(token),
        "X509_CERT_DIR": "/etc/ssl/certs",
        "REQUESTS_CA_BUNDLE": wanted["ca"],
    }


def transfer(wanted: dict[str, Any], rse: str, folder: Path, uploaded: list[str]) -> dict[str, Any]:
    """Uploads where missing (noted in uploaded), downloads, compares checksums."""
    from rucio.client.client import Client  # only after prepare_client: the library reads its configuration when imported
    from rucio.client.downloadclient import DownloadClient
    from rucio.client.uploadclient import UploadClient

    scope, name = wanted["did_scope"], f"hello-{rse.lower()}"
    content = random.Random(name).randbytes(SIZE)
    client, quiet = Client(), logging.getLogger("quiet")
    quiet.setLevel(logging.WARNING)
    if not has_replica(client, scope, name, rse):
        path = folder / name
        path.write_bytes(content)
        UploadClient(client, logger=quiet).upload([{"path": str(path), "rse": rse, "did_scope": scope, "register_after_upload": True}])
        uploaded.append(f"{scope}:{name}")
    replica = next(client.list_replicas([{"scope": scope, "name": name}], rse_expression=rse))
    target = folder / "downloads"
    DownloadClient(client, logger=quiet).download_dids([{"did": f"{scope}:{name}", "rse": rse, "base_dir": str(target), "no_subdir": True}])
    checksum, downloaded = (format(zlib.adler32(each), "08x") for each in (content, (target / name).read_bytes()))
    return {
        "rse": rse,
        "did": f"{scope}:{name}",
        "pfn": next(iter(replica["rses"][rse])),
        "bytes": SIZE,
        "adler32": checksum,
        "adler32_downloaded": downloaded,
        "ok": checksum == downloaded == replica["adler32"],
    }


def has_replica(client: Any, scope: str, name: str, rse: str) -> bool:
    return any(rse in replica["rses"] for replica in client.list_replicas([{"scope": scope, "name": name}]))


if __name__ == "__main__":
    sys.exit(main())
