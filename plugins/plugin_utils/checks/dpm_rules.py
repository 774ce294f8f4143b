# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of DPM: how bad, what to do, and where the fact comes from. The code that finds them is in dpm.py and dpm_webdav.py."""

from __future__ import annotations

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding, Severity
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.xrootd_rules import Rule

LOCK_OUT, OPEN, ERROR, WARNING, NOTICE = Severity.LOCK_OUT, Severity.OPEN, Severity.ERROR, Severity.WARNING, Severity.NOTICE

_READER = "dmlite, Config::ProcessFile"
_DOME = "dmlite src/dome/DomeCore.cpp (workerFunc)"
_INIT = "dmlite src/dome/DomeCore.cpp (init)"
_PUPPET = "puppet-dmlite, class dmlite::dav"
_PROFILE = "WLCG token profile"
_WG = "WLCG AuthZ working group, configuration and known issues of DPM"
_HTTPD = "Apache HTTP server 2.4, server/config.c"
_OPENIDC = "mod_auth_openidc, auth_openidc.conf"
_LCGDM = "lcgdm-dav, zlcgdm-dav.conf"
_MAP = "edg-mkgridmap"

RULES: dict[str, Rule] = {
    # the system
    "dpm.end-of-life": Rule(NOTICE, "Plan the way to dCache with playbooks/migrate.yml.", f"end of support with CentOS 7 (2024); {_WG}"),
    "dpm.release-unknown": Rule(NOTICE, "Give the release that rpm -q dmlite-dome shows.", "releases 1.8 to 1.15"),
    "dpm.legacy-daemons": Rule(NOTICE, "Stop and mask them where nobody uses SRM or RFIO any more.", "EGI, end of DPM legacy mode (2019)"),
    # domehead.conf, domedisk.conf
    "dome.role": Rule(ERROR, "Write glb.role: head on the head node, glb.role: disk on disk nodes.", _INIT),
    "dome.key-blank": Rule(
        ERROR, "Write the key from the first column on, with the colon right behind it.", f"{_READER}: keys are not trimmed"
    ),
    "dome.carriage-return": Rule(ERROR, "Save the file with line ends of Unix.", f"{_READER}: only blanks are trimmed"),
    "dome.tab": Rule(ERROR, "Use blanks behind the colon.", f"{_READER}: only blanks are trimmed"),
    "dome.line-too-long": Rule(ERROR, "Shorten the line to 1023 characters.", f"{_READER}: a buffer of 1024 bytes"),
    "dome.list-mark": Rule(ERROR, "Write the mark [] behind keys of lists, and only there.", _READER),
    "dome.include-relative": Rule(ERROR, "Name an absolute directory.", _READER),
    "dome.key-twice": Rule(WARNING, "Keep the line that is meant; the last one counts.", _READER),
    "dome.unknown-key": Rule(WARNING, "Correct the name, or take the line away.", "keys read by dmlite 1.8 to 1.15"),
    "dome.no-colon": Rule(WARNING, "Write KEY: VALUE.", f"{_READER}: lines without a colon are skipped"),
    "dome.no-colon-vendor": Rule(
        NOTICE, "Write KEY: VALUE if the value matters; else the default counts.", "templates of puppet-dmlite 1.13"
    ),
    "dome.remark-behind": Rule(WARNING, "Put the remark on a line of its own.", f"{_READER}: it becomes part of the value"),
    "dome.credentials-missing": Rule(
        ERROR, "Add glb.restclient.cli_certificate and glb.restclient.cli_private_key.", "dmlite src/dome/DomeCore.cpp (getDavixParams)"
    ),
    "dome.certificates-unchecked": Rule(
        OPEN, "Take glb.restclient.ssl_check away, or set it to yes.", "dmlite src/dome/DomeCore.cpp (getDavixParams)"
    ),
    "dome.domeurl-missing": Rule(ERROR, "Add disk.headnode.domeurl: https://HEAD:1094/domehead.", _INIT),
    "dome.authorize-missing": Rule(
        WARNING, "Name the subjects of the head and disk nodes in glb.auth.authorizeDN[].", f"{_DOME}: early releases took everybody"
    ),
    "dome.authorize-quotes": Rule(LOCK_OUT, "Close the quotes.", f"{_DOME}: the loop over the list does not go on behind such a member"),
    "dome.authorize-pattern": Rule(ERROR, "Name each host.", f"{_DOME}: strncmp"),
    "dome.shared-key-short": Rule(ERROR, "Make a new one of at least 32 characters for all nodes.", "xrootd http.secretkey; DPM wiki"),
    "dome.secret-default": Rule(OPEN, "Make a secret of your own.", "values of examples and templates"),
    "dome.shared-key-differs": Rule(ERROR, "Give all daemons of all nodes the same secret.", "xrootd http.secretkey; DPM wiki"),
    "dpm.secret-readable": Rule(OPEN, "Set mode 0640 and the group of the service.", "the file holds secrets"),
    # tokens in DOME
    "dome.oidc-too-new": Rule(ERROR, "Upgrade to 1.15, or take the keys away.", "puppet-dpm 1.14: OIDC parameters"),
    "dome.issuer-shape": Rule(LOCK_OUT, 'Write "/dpm/DOMAIN/home/VO" "https://ISSUER/".', f"{_PUPPET} (ns_oidc_allowissuer)"),
    "dome.issuer-not-https": Rule(LOCK_OUT, "Use the https address of the iss claim.", f"{_PROFILE}: keys are fetched over TLS"),
    "dome.issuer-prefix": Rule(LOCK_OUT, "Write the absolute directory without a slash at its end.", "DPM wiki, DpmAdminDmliteShell"),
    "dome.issuers-several": Rule(
        WARNING, "Serve one issuer, or accept that sub alone tells people apart.", f"{_WG}: the uid is derived from sub alone"
    ),
    "dome.issuer-example": Rule(OPEN, "Take the issuer of the defaults away.", f"{_PUPPET}: default of ns_oidc_allowissuer"),
    "dome.audience-missing": Rule(LOCK_OUT, "Add head.oidc.allowaudience[] for the head node and the wildcard.", _WG),
    "dome.audience-bare-host": Rule(
        WARNING,
        "Add the bare host name of the door to head.oidc.allowaudience[].",
        "Rucio lib/rucio/core/rse.py: audience is the host name",
    ),
    "dome.token-defects": Rule(NOTICE, "Know them; they will not be mended.", _WG),
    # Apache
    "httpd.syntax": Rule(ERROR, "Close what is open, in the order of the sections.", _HTTPD),
    "dav.both-modules": Rule(
        ERROR, "Load mod_lcgdm_dav.so only; comment the line of mod_dav.so out.", f"{_LCGDM}; both register as dav_module"
    ),
    "dav.certificate-required": Rule(LOCK_OUT, "Write SSLVerifyClient optional.", f"{_WG}: clients with tokens have no certificate"),
    "dav.certificate-unchecked": Rule(OPEN, "Write SSLVerifyClient optional.", "mod_ssl: optional_no_ca accepts any certificate"),
    "dav.anonymous": Rule(
        OPEN, "Write NSAnon nobody:nogroup, or take the line away.", f"{_LCGDM}: requests without identity act as this user"
    ),
    "dav.clear-text": Rule(WARNING, "Write NSSecureRedirect On.", f"{_LCGDM}: data travel in clear on port 80"),
    "dav.trusted-dn": Rule(NOTICE, "Keep the list as short as possible.", f"{_LCGDM}: these clients act on behalf of anybody"),
    "dav.no-third-party": Rule(WARNING, "Write NSFlags Write RemoteCopy and DiskFlags Write RemoteCopy.", f"{_LCGDM}: FTS copies by COPY"),
    "dav.macaroon-secret": Rule(ERROR, "Make a secret of at least 64 characters, the same on all nodes.", "lcgdm-dav 0.19"),
    "dav.secret-default": Rule(OPEN, "Make a secret of your own.", "values of examples and templates"),
    "dav.old-tls": Rule(WARNING, "Write SSLProtocol all -SSLv3 -TLSv1 -TLSv1.1.", "RFC 8996"),
    "dav.oidc-keys-missing": Rule(LOCK_OUT, "Add OIDCOAuthVerifyJwksUri with the issuer's jwks_uri.", _OPENIDC),
    "dav.oidc-passphrase": Rule(ERROR, "Add OIDCCryptoPassphrase with a random text.", _OPENIDC),
    "dav.oidc-redirect": Rule(ERROR, "Add OIDCRedirectURI https://HEAD/dpm/redirect_uri.", _OPENIDC),
    "dav.oidc-not-https": Rule(OPEN, "Fetch keys over https.", f"{_PROFILE}: keys are fetched over TLS"),
    "dav.oidc-unchecked": Rule(OPEN, "Take the directive away.", f"{_OPENIDC}: anybody on the way could give other keys"),
    "dav.issuer-differs": Rule(LOCK_OUT, "Name the same issuer in Apache and in head.oidc.allowissuer[].", f"{_PUPPET} and dmlite::dome"),
    "dav.issuers-one-keyset": Rule(
        WARNING, "Publish one JWKS with the keys of all issuers, or serve one issuer.", f"{_PUPPET}: one OIDCOAuthVerifyJwksUri each host"
    ),
    "dav.oidc-without-dome": Rule(LOCK_OUT, "Add head.oidc.allowissuer[] and head.oidc.allowaudience[] to domehead.conf.", _PUPPET),
    "dome.oidc-without-dav": Rule(LOCK_OUT, "Add the OIDC directives to the virtual host of the door.", _PUPPET),
    # map files
    "map.line": Rule(WARNING, 'Write "SUBJECT" GROUP.', _MAP),
    "map.twice": Rule(WARNING, "Keep one line for each subject.", _MAP),
    "map.generator-line": Rule(WARNING, "Correct the line.", _MAP),
}


def finding(rule: str, file: str, line: int, message: str) -> Finding:
    """A finding with what the table says of its rule."""
    known = RULES[rule]
    return Finding(rule, known.severity, file, line, message, known.remedy, known.source)
