# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules about EOS: severity, remedy and source of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Severity

HTTP = "EOS doc/citrine/configuration/http_tpc.rst"
QOS = "EOS doc/citrine/configuration/qos.rst, commit 'Remove QoS support' (5.4.0)"
SPACES = "EOS doc/diopside/manual/interfaces.rst, spaces and policies"


@dataclass(frozen=True)
class Rule:
    severity: Severity
    remedy: str
    source: str


RULES: Mapping[str, Rule] = {
    "eos.release-unknown": Rule(Severity.NOTICE, "Say which release is installed; the newest one's rules were used.", "eos.spec.in"),
    "eos.http-handler-missing": Rule(Severity.ERROR, "Add http.exthandler with libEosMgmHttp.so, or libEosFstHttp.so.", HTTP),
    "eos.tpc-missing": Rule(Severity.WARNING, "Add http.exthandler xrdtpc libXrdHttpTPC.so.", HTTP),
    "eos.plain-redirect": Rule(
        Severity.WARNING, "Write eos::mgm::http::redirect-to-https=1, and give storage nodes certificates.", "EOS mgm/http/xrdhttp"
    ),
    "eos.fst-without-tls": Rule(Severity.ERROR, "Add xrd.tls and xrd.tlsca to the storage node, or redirect to plain HTTP.", HTTP),
    "eos.tokens-not-loaded": Rule(
        Severity.LOCK_OUT, "Add libXrdAccSciTokens.so (before 5.0.16 libEosAccSciTokens.so) to mgmofs.macaroonslib.", HTTP
    ),
    "eos.tokens-library": Rule(Severity.LOCK_OUT, "Name the plug-in of this release in mgmofs.macaroonslib.", HTTP),
    "eos.tokens-without-settings": Rule(Severity.LOCK_OUT, "Write /etc/xrootd/scitokens.cfg.", HTTP),
    "eos.default-user": Rule(Severity.LOCK_OUT, "Add default_user or name_mapfile to the section of the issuer.", HTTP),
    "eos.root-user": Rule(Severity.OPEN, "Map the issuer to a user of its own.", "EOS common/Mapping.cc"),
    "eos.macaroons-secret": Rule(Severity.ERROR, "Make one with openssl rand -base64 64 and name it in macaroons.secretkey.", HTTP),
    "eos.sitename-missing": Rule(Severity.ERROR, "Add all.sitename.", HTTP),
    "eos.fst-port": Rule(Severity.ERROR, "Set EOS_FST_HTTP_PORT of the service eos@fst to the port of XrdHttp.", HTTP),
    "eos.qos-removed": Rule(Severity.WARNING, "Take the lines out; use spaces and directory attributes for classes.", QOS),
    "eos.qos-ends": Rule(Severity.NOTICE, "Express classes as spaces and directory attributes before updating to 5.4.0.", QOS),
    "eos.gsi-without-revocation": Rule(Severity.NOTICE, "Use -crl:1 or higher where revocation lists are kept up to date.", "XrdSecgsi"),
    "eos.unix-open": Rule(Severity.OPEN, "Run: eos vid enable unix, which maps everybody to nobody.", "EOS common/Mapping.cc"),
    "eos.https-off": Rule(Severity.LOCK_OUT, "Run: eos vid enable https.", HTTP),
    "eos.others-write": Rule(Severity.OPEN, "Take the rights of others away: eos chmod.", "EOS mgm/acl"),
    "eos.others-read": Rule(Severity.WARNING, "Take the rights of others away where data are not public: eos chmod.", "EOS mgm/acl"),
    "eos.space-empty": Rule(Severity.ERROR, "Register file systems in the space, or choose another one.", SPACES),
    "eos.too-few-disks": Rule(Severity.ERROR, "Put more file systems of different hosts into a group of the space.", SPACES),
    "eos.not-inherited": Rule(Severity.WARNING, "Set the bit: eos chmod 2700, or with the present rights.", SPACES),
}
