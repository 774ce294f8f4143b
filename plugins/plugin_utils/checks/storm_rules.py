# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of StoRM: how bad, what to do, and where the fact comes from.

The code that finds them is in storm_webdav.py, storm_backend.py and storm.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding, Severity

LOCK_OUT, OPEN, ERROR, WARNING, NOTICE = Severity.LOCK_OUT, Severity.OPEN, Severity.ERROR, Severity.WARNING, Severity.NOTICE


@dataclass(frozen=True)
class Rule:
    severity: Severity
    remedy: str
    source: str


_AREA = "storm-webdav OwnerStorageAreaInfo.java"
_AREA_DOC = "storm-webdav OwnerStorageAreaInfo.java; doc/storage-area-configuration.md says otherwise"
_VOTES = "storm-webdav authz/managers/ConsensusBasedManager.java: granted when grants are not fewer than denials"
_PATHS = "storm-webdav server/DefaultPathResolver.java"
_OAUTH = "storm-webdav oauth/ (issuers are compared as texts)"
_POLICY = "storm-webdav config/FineGrainedAuthzPolicyProperties.java and FineGrainedAuthzPolicyParser.java"
_SPRING = "storm-webdav src/main/resources/application.yml"
_CHANGES = "storm-webdav CHANGELOG.md"
_TOKENS = "WLCG token profile, section on audiences"
_XSD = "storm etc/namespace-1.5.0.xsd"
_BACKEND = "storm etc/storm.properties.template"
_AUTHZ = "storm etc/path-authz.db"

RULES: dict[str, Rule] = {
    "storm.release-unknown": Rule(NOTICE, "Give the release of StoRM WebDAV, such as 1.4.2, to have the rest checked.", _CHANGES),
    # storage areas of WebDAV
    "storm.no-areas": Rule(ERROR, "Describe at least one storage area in /etc/storm/webdav/sa.d.", _AREA),
    "storm.area-malformed": Rule(ERROR, "Write the line as KEY=VALUE, with \\\\ for a backslash.", "java.util.Properties.load"),
    "storm.area-key-missing": Rule(ERROR, "Add the property.", _AREA),
    "storm.area-key-unknown": Rule(WARNING, "Correct the name, or take the line away: nobody reads it.", _AREA),
    "storm.area-key-release": Rule(ERROR, "Upgrade, or use what the release knows.", _CHANGES),
    "storm.area-key-repeated": Rule(WARNING, "Keep one of the lines; the last one counts.", "java.util.Properties.load"),
    "storm.area-value": Rule(ERROR, "Write true or false.", _AREA),
    "storm.area-name-reserved": Rule(ERROR, "Choose another name.", "storm-webdav config/StorageAreaConfiguration"),
    "storm.area-name-repeated": Rule(ERROR, "Give every storage area its own name.", _AREA),
    "storm.access-point-repeated": Rule(ERROR, "Give every access point to one storage area.", _PATHS),
    "storm.access-point-form": Rule(ERROR, "Write an absolute path without a slash at its end.", _PATHS),
    "storm.access-point-regex": Rule(ERROR, "Use letters, digits, . - and _ in access points.", f"{_PATHS} (stripContextPath)"),
    "storm.access-point-prefix": Rule(WARNING, "Rename one so that neither begins with the letters of the other.", _PATHS),
    "storm.access-point-nested": Rule(NOTICE, "Remember that the outer area's own directory of this name cannot be seen.", _PATHS),
    "storm.root-path": Rule(ERROR, "Write the absolute path of a directory that the service's user may write to.", _AREA),
    "storm.root-shared": Rule(WARNING, "Give every storage area a directory of its own: now the weaker rules hold for both.", _PATHS),
    "storm.vo-map-write-name": Rule(
        WARNING, "Write voMapGrantsWritePermission; the documented name is never read.", f"{_AREA}; its documentation has another name"
    ),
    "storm.write-implicit": Rule(OPEN, "Write orgsGrantWritePermission=false, or true when it is meant.", _AREA_DOC),
    "storm.write-not-written": Rule(NOTICE, "Write orgsGrantWritePermission=false: its default is true.", _AREA_DOC),
    "storm.flat-write": Rule(
        WARNING, "Let scopes or policies decide: orgsGrantReadPermission=false and orgsGrantWritePermission=false.", _AREA
    ),
    "storm.scopes-not-binding": Rule(OPEN, "Write orgsGrantReadPermission=false and orgsGrantWritePermission=false.", _VOTES),
    "storm.policies-not-binding": Rule(OPEN, "Write orgsGrantReadPermission=false and orgsGrantWritePermission=false.", _VOTES),
    "storm.policies-needless": Rule(WARNING, "Write orgsGrantReadPermission=false and orgsGrantWritePermission=false.", _VOTES),
    "storm.policies-off": Rule(WARNING, "Write fineGrainedAuthzEnabled=true.", _AREA),
    "storm.vo-writes": Rule(NOTICE, "Use a policy with a vo or fqan principal to give less.", _AREA),
    "storm.vo-policy-weaker": Rule(OPEN, "Take the VO out of vos; the policies grant what it may do.", _VOTES),
    "storm.anonymous-read": Rule(WARNING, "Write anonymousReadEnabled=false unless the data are public.", _AREA),
    "storm.authenticated-read": Rule(NOTICE, "Write authenticatedReadEnabled=false where data are not for every certificate.", _AREA),
    "storm.area-locked": Rule(LOCK_OUT, "Switch scopes on (wlcgScopeAuthzEnabled=true), add policies, or name orgs or vos.", _VOTES),
    "storm.issuer-unknown": Rule(LOCK_OUT, "Add the issuer to oauth.issuers of application.yml, written letter by letter alike.", _OAUTH),
    "storm.issuer-unused": Rule(NOTICE, "Name the issuer in orgs of a storage area, or take it away.", _OAUTH),
    "storm.tape-wellknown-missing": Rule(
        WARNING, "Write /etc/storm/webdav/wlcg-tape-rest-api.json with the end point.", f"{_CHANGES} (1.4.2)"
    ),
    "storm.tape-wellknown": Rule(ERROR, "Correct the document.", "WLCG Tape REST API v1"),
    # application.yml
    "storm.yaml-syntax": Rule(ERROR, "Correct the YAML: the service does not start.", _SPRING),
    "storm.yaml-key-unknown": Rule(NOTICE, "See whether the release reads it.", _SPRING),
    "storm.yaml-key-misspelt": Rule(WARNING, "Correct the name: it is not read as it is.", _SPRING),
    "storm.yaml-key-release": Rule(WARNING, "Upgrade, or take the key away.", _CHANGES),
    "storm.yaml-documents": Rule(NOTICE, "Keep settings of other profiles in files application-PROFILE.yml.", _SPRING),
    "storm.yaml-value": Rule(ERROR, "Write a value of the right kind: the service does not start.", _SPRING),
    "storm.issuer-fields": Rule(ERROR, "Give every issuer a name and the https address of its iss claim.", _OAUTH),
    "storm.issuer-repeated": Rule(WARNING, "Keep one of the entries.", _OAUTH),
    "storm.audience-empty": Rule(LOCK_OUT, "List the accepted audiences, or do not enforce them.", _OAUTH),
    "storm.audience-unchecked": Rule(WARNING, "Set enforce-audience-checks: true and list the audiences.", _TOKENS),
    "storm.audience-bare-host": Rule(
        WARNING, "Add the bare host name to audiences.", "Rucio lib/rucio/core/rse.py: audience is the host name of the door"
    ),
    "storm.audience-slash": Rule(WARNING, "Take the slash at the end away.", _TOKENS),
    "storm.policy-area": Rule(ERROR, "Write the name of a storage area: the service does not start.", _POLICY),
    "storm.policy-fields": Rule(ERROR, "Correct the policy: the service does not start.", _POLICY),
    "storm.policy-principal": Rule(ERROR, "Use a kind of principal that the release knows.", _POLICY),
    "storm.policy-params": Rule(ERROR, "Add the parameters that this kind of principal needs.", _POLICY),
    "storm.policy-issuer": Rule(LOCK_OUT, "Write the issuer as in orgs, and name it there.", _OAUTH),
    "storm.policy-anyone-writes": Rule(OPEN, "Name who may write, by group or subject.", _POLICY),
    "storm.policy-anyone-reads": Rule(WARNING, "Name who may read, unless the data are public.", _POLICY),
    "storm.policy-shadowed": Rule(
        WARNING, "Put the more specific policy first: the first one that applies counts.", "storm-webdav DefaultPathAuthorizationPdp.java"
    ),
    "storm.policy-outvotes-scopes": Rule(NOTICE, "Remember that tokens with a right scope are refused here too.", _VOTES),
    "storm.authz-disabled": Rule(OPEN, "Take storm.authz.disabled away.", _SPRING),
    "storm.redis": Rule(WARNING, "Set management.health.redis.enabled: false.", f"{_CHANGES} (1.4.2)"),
    "storm.secret-weak": Rule(OPEN, "Set a random secret of at least 32 bytes.", _SPRING),
    "storm.secret-random": Rule(NOTICE, "Set a fixed secret when several hosts serve the same areas.", _SPRING),
    "storm.nginx": Rule(NOTICE, "Let nobody but NGINX reach the service's own ports.", f"{_CHANGES} (1.9.0)"),
    # environment
    "storm.client-certificate": Rule(LOCK_OUT, "Set STORM_WEBDAV_REQUIRE_CLIENT_CERT=false.", _SPRING),
    "storm.hostnames": Rule(WARNING, "Set STORM_WEBDAV_HOSTNAME_0 to the name that clients use.", "storm-webdav tpc/LocalURLService"),
    "storm.environment-unknown": Rule(WARNING, "Correct the name: nobody reads it.", _SPRING),
    "storm.environment-file": Rule(
        WARNING, "Move the settings into the drop-in storm-webdav.service.d/storm-webdav.conf.", f"{_CHANGES} (1.3.0)"
    ),
    "storm.heap": Rule(NOTICE, "Give 256 MB and 6 MB for each connection.", "storm-webdav sysadmin guide"),
    "storm.lsc": Rule(ERROR, "Write the subject of the VOMS server, and below it that of its authority.", "VOMS documentation"),
    "storm.vo-untrusted": Rule(WARNING, "Add /etc/grid-security/vomsdir/VO/HOST.lsc.", "VOMS documentation"),
    # backend
    "storm.namespace-syntax": Rule(ERROR, "Correct the XML: the backend does not start.", _XSD),
    "storm.namespace-element": Rule(ERROR, "Correct the element.", _XSD),
    "storm.namespace-name": Rule(ERROR, "Give every file system a name of its own.", _XSD),
    "storm.token-repeated": Rule(ERROR, "Give every file system its own space token.", f"{_XSD} (filesystemSpaceToken)"),
    "storm.class-properties": Rule(ERROR, "Write the retention policy and access latency of the class.", _XSD),
    "storm.nearline": Rule(
        ERROR, "Give the tape space in TotalNearlineSize.", "storm-puppet-module templates/etc/storm/backend-server/namespace.xml.erb"
    ),
    "storm.nearline-disk": Rule(WARNING, "Set TotalNearlineSize to 0, or storage-class to T1D0 or T1D1.", _XSD),
    "storm.size-unlimited": Rule(NOTICE, 'Write limited-size="true", so that SRM stops writing when the area is full.', _XSD),
    "storm.quota-file-system": Rule(ERROR, "Take the quota away: only GPFS has one.", _XSD),
    "storm.map-unknown": Rule(ERROR, "Name a file system of this document.", _XSD),
    "storm.map-repeated": Rule(ERROR, "Map every path once.", _XSD),
    "storm.file-system-unmapped": Rule(WARNING, "Add a map-rule, or take the file system away.", _XSD),
    "storm.app-unknown": Rule(ERROR, "Name a file system of this document.", _XSD),
    "storm.app-missing": Rule(LOCK_OUT, "Add an app-rule for the VOs that may use it.", _XSD),
    "storm.app-everybody": Rule(OPEN, "Name the VO in vo-name.", _XSD),
    "storm.anonymous-http": Rule(WARNING, "Write false unless the data are public.", _XSD),
    "storm.property-missing": Rule(ERROR, "Set it.", _BACKEND),
    "storm.property-malformed": Rule(ERROR, "Correct the line.", "java.util.Properties.load"),
    "storm.secret-default": Rule(OPEN, "Set a random one, here and where the other services have it.", _BACKEND),
    "storm.secret-differs": Rule(LOCK_OUT, "Give both services the same one.", _BACKEND),
    "storm.xmlrpc-open": Rule(OPEN, "Set synchcall.xmlrpc.security.enabled to true, with a token.", _BACKEND),
    "storm.path-authz": Rule(ERROR, "Write GROUP PATH MASK permit|deny, and one algorithm= line.", _AUTHZ),
    "storm.path-authz-algorithm": Rule(ERROR, "Write the one algorithm that there is, PathAuthzAlgBestMatch.", _AUTHZ),
    "storm.path-authz-everybody": Rule(NOTICE, "Name local groups where members of one VO have different rights.", _AUTHZ),
    "storm.used-space-token": Rule(
        WARNING, "Write the space token of a file system of namespace.xml.", "storm etc/used-space.ini.template"
    ),
    "storm.used-space-value": Rule(ERROR, "Write whole bytes.", "storm etc/used-space.ini.template"),
    # both
    "storm.directory-differs": Rule(ERROR, "Let both lead to the same directory.", f"{_XSD}; {_PATHS}"),
    "storm.srm-only": Rule(WARNING, "Add a storage area to sa.d, or take the map-rule away.", f"{_XSD}; {_PATHS}"),
    "storm.tape-flag-missing": Rule(WARNING, "Write tapeEnabled=true.", f"{_CHANGES} (1.9.0)"),
    "storm.tape-flag-disk": Rule(ERROR, "Write tapeEnabled=false, or the class that the area has.", f"{_CHANGES} (1.9.0)"),
    "storm.tape-mixed": Rule(
        NOTICE, "Give the tape area an access point of its own, where files on disk may be sparse or compressed.", _PATHS
    ),
    "storm.secret-mode": Rule(OPEN, "Make it mode 0640 and group storm.", "storm-webdav and storm package layout"),
    "storm.key-unreadable": Rule(ERROR, "Give the key to the service's user, mode 0400.", "storm-webdav README.md"),
    "storm.root-missing": Rule(ERROR, "Make the directory, or mount its file system.", _AREA),
}


def finding(rule: str, file: str, line: int, message: str, remedy: str = "") -> Finding:
    """A finding of a rule. remedy: in the place of the rule's own."""
    known = RULES[rule]
    return Finding(rule, known.severity, file, line, message, remedy or known.remedy, known.source)
