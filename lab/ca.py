# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab's certificate authority: one CA, one certificate per host, made once and renewed a month before they end.

usage: python lab/ca.py DIRECTORY HOST [HOST ...]
Leaves ca.pem, ca.key and HOST.pem, HOST.key in DIRECTORY and prints the names of what it wrote, one a line.
"""

from __future__ import annotations

import datetime
import os
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime.datetime.now(datetime.UTC)
CA_LIFE = datetime.timedelta(days=3650)
HOST_LIFE = datetime.timedelta(days=365)
RENEW_BEFORE = datetime.timedelta(days=30)


def main(directory: Path, hosts: list[str]) -> None:
    directory.mkdir(parents=True, exist_ok=True, mode=0o755)
    if not still_good(directory, "ca"):
        make_ca(directory)
        for host in hosts:  # certificates of an older CA are worth nothing now
            (directory / f"{host}.pem").unlink(missing_ok=True)
    for host in hosts:
        if not still_good(directory, host):
            make_host(directory, host)


def still_good(directory: Path, name: str) -> bool:
    """True when certificate and key of a name are there and stay valid long enough."""
    certificate = directory / f"{name}.pem"
    if not certificate.exists() or not (directory / f"{name}.key").exists():
        return False
    return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc - NOW > RENEW_BEFORE


def make_ca(directory: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Data lake lab"), x509.NameAttribute(NameOID.COMMON_NAME, "Data lake lab CA")]
    )
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        builder(name, name, key.public_key(), CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    store(directory, "ca", key, certificate)


def make_host(directory: Path, host: str) -> None:
    ca_key = serialization.load_pem_private_key((directory / "ca.key").read_bytes(), password=None)
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
    ca = x509.load_pem_x509_certificate((directory / "ca.pem").read_bytes())
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Data lake lab"), x509.NameAttribute(NameOID.COMMON_NAME, host)])
    certificate = (
        builder(name, ca.subject, key.public_key(), HOST_LIFE)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    store(directory, host, key, certificate)


def builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, life: datetime.timedelta) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - datetime.timedelta(hours=1))
        .not_valid_after(NOW + life)
    )


def store(directory: Path, name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
    """Writes the key first: a certificate that is there always has its key."""
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write(directory / f"{name}.key", pem, 0o600)
    write(directory / f"{name}.pem", certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    print(name)


def write(path: Path, content: bytes, mode: int) -> None:
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    part.replace(path)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2:])
