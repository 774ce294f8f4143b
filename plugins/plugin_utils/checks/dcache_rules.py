# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules about dCache's layout and properties: id, severity, what they find, where the fact is written."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding, Severity

CONFIGURATION = "dCache modules/dcache/src/main/java/org/dcache/util/configuration/ConfigurationProperties.java"
LAYOUT = "dCache modules/dcache/src/main/java/org/dcache/boot/Layout.java"
DOMAIN = "dCache modules/dcache/src/main/java/org/dcache/boot/Domain.java"
BUILDER = "dCache modules/dcache/src/main/java/org/dcache/boot/LayoutBuilder.java"
DEFAULTS = "dCache skel/share/defaults"
BATCH = "dCache skel/share/services"
FORMATS = "dCache modules/cells/src/main/java/dmg/util/Formats.java"
BOOK = "dCache Book"


@dataclass(frozen=True)
class Rule:
    """what: for the table of rules. checked_by_dcache: ``dcache check-config`` finds it, at the same severity (NOTICE is its INFO)."""

    id: str
    severity: Severity
    what: str
    source: str
    checked_by_dcache: bool = False

    def at(self, file: str, line: int, message: str, remedy: str, severity: Severity | None = None) -> Finding:
        return Finding(self.id, severity or self.severity, file, line, message, remedy, self.source)


RULES: dict[str, Rule] = {}


def _rule(name: str, severity: Severity, what: str, source: str, *, checked_by_dcache: bool = False) -> Rule:
    rule = Rule(f"dcache.{name}", severity, what, source, checked_by_dcache)
    RULES[rule.id] = rule
    return rule


ERROR, WARNING, NOTICE, OPEN, LOCK_OUT = Severity.ERROR, Severity.WARNING, Severity.NOTICE, Severity.OPEN, Severity.LOCK_OUT

RELEASE_UNKNOWN = _rule("release-unknown", WARNING, "the release is not one whose properties are known", DEFAULTS)

REPEATED = _rule("property-repeated", ERROR, "a property is assigned twice in one scope", CONFIGURATION, checked_by_dcache=True)
MALFORMED = _rule(
    "property-malformed", ERROR, "a line that Java's properties parser refuses", "java.util.Properties.load", checked_by_dcache=True
)
ANNOTATED = _rule("property-annotated", ERROR, "an annotation is copied from the defaults", CONFIGURATION, checked_by_dcache=True)
IMMUTABLE = _rule("property-immutable", ERROR, "an immutable property is assigned", CONFIGURATION, checked_by_dcache=True)
PREFIX = _rule(
    "property-prefix", ERROR, "the name of a map is assigned instead of one of its entries", CONFIGURATION, checked_by_dcache=True
)
FORBIDDEN = _rule("property-forbidden", ERROR, "a property that the release forbids", CONFIGURATION, checked_by_dcache=True)
OBSOLETE = _rule("property-obsolete", WARNING, "a property that the release ignores", CONFIGURATION, checked_by_dcache=True)
DEPRECATED = _rule("property-deprecated", WARNING, "a property that a later release drops", CONFIGURATION, checked_by_dcache=True)
NOT_FOR_SERVICES = _rule(
    "property-not-for-services", WARNING, "a property of the domain is assigned in a service section", CONFIGURATION, checked_by_dcache=True
)
ONE_OF = _rule(
    "property-one-of", ERROR, "a value that is none of the allowed ones, trailing blanks included", CONFIGURATION, checked_by_dcache=True
)
ANY_OF = _rule("property-any-of", ERROR, "a list with an item that is not allowed", CONFIGURATION, checked_by_dcache=True)
SCOPED = _rule("property-scoped", ERROR, "a key with a slash, the old spelling of a scope", CONFIGURATION, checked_by_dcache=True)
UNKNOWN = _rule("property-unknown", NOTICE, "a property that the release does not know", CONFIGURATION, checked_by_dcache=True)
ENVIRONMENT = _rule("property-environment", NOTICE, "a value from the environment, which a copy of the files does not hold", CONFIGURATION)
ORPHAN = _rule("layout-service-before-domain", ERROR, "a service section before the section of its domain", LAYOUT, checked_by_dcache=True)
SERVICE_UNKNOWN = _rule("service-unknown", ERROR, "a service that the release does not have", DOMAIN, checked_by_dcache=True)
LAYOUT_MISSING = _rule("layout-missing", WARNING, "the layout file is not there", BUILDER, checked_by_dcache=True)

LAYOUT_GUESSED = _rule("layout-guessed", NOTICE, "several layouts and no host name: all of them are checked", BUILDER)
HEADER = _rule("layout-header", ERROR, "a line that looks like a section header and is none", LAYOUT)
REOPENED = _rule("layout-domain-reopened", NOTICE, "a domain is declared in several places", LAYOUT)
EMPTY_DOMAIN = _rule("layout-domain-empty", NOTICE, "a domain without services", DOMAIN)
MISSPELT = _rule("property-misspelt", WARNING, "an unknown property that is nearly the name of a known one", DEFAULTS)
OTHER_RELEASE = _rule("property-other-release", WARNING, "a property of other releases, without effect in this one", DEFAULTS)
OTHER_SERVICE = _rule("property-other-service", NOTICE, "a property of another service in a service section", DEFAULTS)
REQUIRED = _rule("property-required", ERROR, "a property that a service needs is not set, or set to nothing", BATCH)
COMMENT = _rule("value-comment", ERROR, "a comment behind a value, which is part of the value", "java.util.Properties.load")
NUMBER = _rule("value-number", ERROR, "a value that is no number where one is needed", DEFAULTS)
PORT = _rule("value-port", ERROR, "a port that is no number from 0 to 65535, or a range that ends before it starts", DEFAULTS)
SIZE = _rule("value-size", ERROR, "a size or an amount of memory that dCache or Java cannot read", DEFAULTS)
DURATION = _rule("value-duration", ERROR, "a duration that is not ISO 8601", DEFAULTS)
TAGS = _rule("value-tags", ERROR, "tags of a pool that are not KEY=VALUE, each once", "dCache PoolV4.java")
URL = _rule("value-url", WARNING, "a URL, or a list of host:port, that cannot be one", DEFAULTS)
PATH = _rule("value-path", WARNING, "a relative path where an absolute one is needed", DEFAULTS)
UNDEFINED = _rule("reference-undefined", WARNING, "a reference to a name that nothing defines", FORMATS)
LOOP = _rule("reference-loop", ERROR, "a value that refers to itself", FORMATS)
PORT_CLASH = _rule("port-clash", ERROR, "two services of the host listen on one port", DEFAULTS)
CELL_CLASH = _rule("cell-clash", ERROR, "two services of a domain have one cell name", DOMAIN)
POOL_CLASH = _rule("pool-clash", ERROR, "two pools have one name or one directory", f"{BOOK}, config-pool.md")
QOS_TWICE = _rule("qos-and-resilience", WARNING, "resilience and the qos services manage the same copies", f"{BOOK}, config-qos-engine.md")
OIDC_LEFTOVER = _rule("oidc-leftover", WARNING, "an OIDC property that nothing reads", "dCache issues 5057 and 5070")
FOREIGN_CLIENT = _rule("frontend-foreign-client", WARNING, "the OIDC client of dCache-View is the shipped one of another site", DEFAULTS)
EXAMPLE_ID = _rule("example-identity", WARNING, "an identity of example.org would be published", DEFAULTS)
ANONYMOUS_WRITE = _rule("anonymous-write", OPEN, "a door lets anybody write without login", f"{BOOK}, config-webdav.md")
CLIENT_CERTIFICATE = _rule("client-certificate-required", LOCK_OUT, "a token door demands client certificates", f"{BOOK}, config-webdav.md")
TOKEN_OVER_HTTP = _rule(
    "token-door-http", WARNING, "tokens are configured and every WebDAV door is plain HTTP", f"{BOOK}, config-webdav.md"
)
BROKER_NONE = _rule("broker-none", ERROR, "a domain that talks to no other one, beside others", f"{BOOK}, config-message-passing.md")
SERVICES_MISSING = _rule("services-missing", ERROR, "a domain that stands alone lacks a service that its doors ask", f"{BOOK}, install.md")
EXPORT_WORLD = _rule("nfs-export-world", WARNING, "the NFS door lets every host write as any user", f"{BOOK}, config-nfs.md")
CLEAR_TOKENS = _rule("token-in-clear", OPEN, "a WebDAV door takes tokens over plain HTTP", f"{BOOK}, config-webdav.md")
XROOTD_PLUGINS = _rule(
    "xrootd-plugins",
    WARNING,
    "a plug-in of an xrootd door that is misspelt or that the release does not combine",
    f"{BOOK}, config-xrootd.md",
)
XROOTD_READ_ONLY = _rule("xrootd-read-only", NOTICE, "an xrootd door without write paths only reads", f"{BOOK}, config-xrootd.md")
VOLATILE_DEFAULTS = _rule(
    "volatile-defaults", WARNING, "new files are NEARLINE and REPLICA, which pools delete for space", f"{BOOK}, config-qos-engine.md"
)
TAPE_CLEANER = _rule("tape-cleaner-missing", NOTICE, "pools flush to tape and nothing deletes there", f"{BOOK}, config-cleaner.md")
TAPE_DEFAULTS = _rule("tape-defaults", NOTICE, "new files are for tape and the host has no tape cleaner", DEFAULTS)
BULK_LIMIT = _rule("bulk-limit", NOTICE, "bulk requests take fewer files than a client may send", f"{BOOK}, config-bulk.md")
