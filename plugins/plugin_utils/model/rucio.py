# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Rucio accepts: names, lengths, schemes by release, protocol classes (rucio/rucio 41.5.1 where nothing else is said)."""

from __future__ import annotations

from collections.abc import Mapping

RSE_NAME = r"[A-Z0-9]+(?:[_-][A-Z0-9]+)*"  # lib/rucio/common/schema/generic.py, RSE
MATCHABLE = (
    r"[A-Za-z0-9_-]+"  # lib/rucio/core/rse_expression_parser.py, RSE_ATTRIBUTE: other values are stored but no expression finds them
)
ATTRIBUTE_KEY = r"[A-Za-z0-9._-]+"  # the same expression, left of the operator
MAX_TEXT = 255  # lib/rucio/db/sqla/models.py: RSE, RSEAttrAssociation, RSEProtocol
MAX_PREFIX = 1024
CURRENT_RELEASE = "41"

DEFAULT_IMPL = "rucio.rse.protocols.gfal.Default"
# gfal.Default offers root doors only X.509 and no token, and hangs for minutes when refused (tried with 41.5.1 and gfal2 2.21).
IMPL_BY_SCHEME = {"root": "rucio.rse.protocols.xrootd.Default"}
IMPL = r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*\.[A-Z][A-Za-z0-9_]*"
PROTOCOL_PACKAGE = "rucio.rse.protocols."
PROTOCOL_CLASSES = frozenset(  # lib/rucio/rse/protocols of releases 32 to 41; removed ones below
    f"{PROTOCOL_PACKAGE}{name}"
    for name in (
        "bittorrent.Default",
        "cache.Default",
        "dummy.Default",
        "gfal.CLI",
        "gfal.Default",
        "gfal.NoRename",
        "globus.GlobusRSEProtocol",
        "http_cache.Default",
        "mock.Default",
        "ngarc.Default",
        "posix.Default",
        "posix.Symlink",
        "rclone.Default",
        "ssh.Default",
        "ssh.Rsync",
        "storm.Default",
        "webdav.Default",
        "webdav.NoRename",
        "xrootd.Default",
    )
)

SCHEMES: Mapping[str, str] = {
    "davs": "WebDAV over TLS: tokens and third-party copies",
    "https": "the same protocol under a name for which Rucio never uses tokens",
    "root": "XRootD protocol",
    "gsiftp": "GridFTP, X.509 only",
    "srm": "SRM, X.509 only",
}
HTTP_SCHEMES = frozenset({"davs", "https"})
COPIES_BETWEEN_SITES = frozenset({"davs", "https", "gsiftp", "srm"})
REMOVED_SCHEMES: Mapping[str, int] = {"gsiftp": 41, "srm": 41}  # first release whose transfers ignore them (commits 676ebda, 68e9704)
SRM_WEB_SERVICE_PATH = "/srm/managerv2?SFN="  # compulsory for srm (lib/rucio/core/rse.py, add_protocol); the same at dCache, StoRM and DPM

DECLARED_SPACE = "declared_space"  # our own: bytes of the capacity that was declared last, so that an unchanged one costs no request

DERIVED_ATTRIBUTES: Mapping[str, str] = {
    "QOS": "State it as qos of the area.",
    "site": "State it as site of the storage.",
    "oidc_base_path": "State it as base_path of the storage.",
    "oidc_support": "Leave it out: it is set for RSEs that passed the probe.",
    "qos_media": "State it as media of the area.",
    "qos_copies": "State it as copies of the area.",
    "qos_latency_ms": "State it as latency of the area.",
    DECLARED_SPACE: "State it as capacity of the area.",
    "city": "State it as city of the location.",
    "continent": "State it as continent of the location.",
    "country_name": "State it as country of the location.",
    "region_code": "State it as region of the location.",
    "time_zone": "State it as timezone of the location.",
}


def major(release: str | None) -> int:
    """The first number of a release of Rucio; that of the current one when none is given."""
    return int((release or CURRENT_RELEASE).split(".", 1)[0])


def removed_in(scheme: str, release: str | None) -> int | None:
    """The release from which Rucio no longer moves files with a scheme, when this release is that one or later."""
    first = REMOVED_SCHEMES.get(scheme)
    return first if first is not None and major(release) >= first else None
