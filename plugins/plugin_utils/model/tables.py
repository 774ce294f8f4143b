# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of fields: ``datalake_lake``, ``datalake_storage`` and RSE records."""

from __future__ import annotations

from typing import get_args

from ansible_collections.escape.datalake.plugins.plugin_utils.model import kinds, qos, rucio
from ansible_collections.escape.datalake.plugins.plugin_utils.model.fields import (
    FLAG,
    SCALAR,
    Field,
    ListOf,
    MapOf,
    Table,
    choice,
    degrees,
    text,
    whole,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import LAN_OPERATIONS, WAN_OPERATIONS
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Rights, System

GROUP = Field("group", kinds.GROUP, "Group as it stands in tokens, from the root of the VO.", "/escape/data-manager", required=True)
RIGHTS = Field("rights", choice("right", get_args(Rights)), "read, or write, which includes creating and deleting.", "write", required=True)

LAKE_ACCESS = Table(
    "lake_access", "What the members of a group of an issuer may do in every area that says nothing itself.", (GROUP, RIGHTS)
)
AREA_ACCESS = Table(
    "area_access",
    "What the members of a group may do in one area.",
    (
        Field("issuer", kinds.LABEL_TEXT, "Issuer of the group.", "escape", default_words="the storage's issuer, where it has only one"),
        GROUP,
        RIGHTS,
    ),
)
ISSUER = Table(
    "issuer",
    "A token issuer that users of the lake log in at.",
    (
        Field(
            "url",
            kinds.ISSUER_URL,
            "Text of the iss claim of its tokens, letter by letter. Issuers of INDIGO IAM end with a slash.",
            "https://iam.example.org/",
            required=True,
        ),
        Field("exact", FLAG, "The address is right although it does not end with a slash.", True, default=False),
        Field(
            "access",
            ListOf(LAKE_ACCESS),
            "What its groups may do in areas that give no access of their own.",
            [{"group": "/escape/data-manager", "rights": "write"}],
            default_words="groups open nothing, only capabilities do",
        ),
    ),
)
REQUIREMENT = Table(
    "requirement",
    "Facts that together earn a class.",
    (
        Field("media", ListOf(choice("medium", tuple(qos.MEDIA)), least=1), "The area is on one of these media.", ["ssd", "nvme"]),
        Field("min_copies", whole(1), "The area keeps at least so many copies.", 2),
        Field("redundancy", ListOf(choice("redundancy", tuple(qos.REDUNDANCY)), least=1), "The area has one of these.", ["raid6"]),
        Field("max_latency", kinds.LATENCY, "The first byte arrives within this time.", "20ms"),
    ),
)
QOS_CLASS = Table(
    "qos_class",
    "A class that this lake adds to SAFE, FAST, CHEAP-ANALYSIS and OPPORTUNISTIC, or puts in the place of one of them.",
    (
        Field("description", kinds.PLAIN, "What users may expect.", "Two sites, two media.", default=""),
        Field(
            "any_of",
            ListOf(REQUIREMENT),
            "Ways to earn the class, one is enough.",
            [{"media": ["tape"]}, {"min_copies": 2}],
            default_words="every area may claim it",
        ),
        Field("permanent", FLAG, "Volatile areas may not claim it.", True, default=False),
    ),
)
LAKE = Table(
    "datalake_lake",
    "What all storages of a lake share; belongs into group_vars/all.yml.",
    (
        Field("name", kinds.NAME, "Name of the lake.", "escape", required=True),
        Field(
            "issuers",
            MapOf(kinds.LABEL_TEXT, ISSUER, least=1),
            "Token issuers by a short name that storages refer to.",
            {"escape": {"url": "https://iam.example.org/"}},
            required=True,
        ),
        Field("qos_classes", MapOf(kinds.LABEL_TEXT, QOS_CLASS), "Classes of this lake beside the built-in ones.", {"GLACIAL": {}}),
        Field("fts", kinds.SERVICE_URL, "FTS server that moves files between the RSEs.", "https://fts.example.org:8446"),
        Field("rucio_release", kinds.VERSION, "Release of the Rucio server.", "41", default_words=f'"{rucio.CURRENT_RELEASE}"'),
        Field(
            "impl",
            MapOf(choice("scheme", tuple(rucio.SCHEMES)), kinds.IMPL),
            "Rucio's protocol class by scheme.",
            {"davs": "rucio.rse.protocols.webdav.Default"},
            default_words=f"{rucio.DEFAULT_IMPL}, for root {rucio.IMPL_BY_SCHEME['root']}",
        ),
    ),
)

DOOR = Table(
    "door",
    "A protocol end point. Rucio tells the doors of an RSE apart by scheme, host and port.",
    (
        Field("scheme", choice("scheme", tuple(rucio.SCHEMES)), "Protocol. Rucio uses tokens with davs only.", "davs", required=True),
        Field("host", kinds.HOST, "Name that clients use and that stands in the door's certificate.", "se.example.org", required=True),
        Field("port", whole(1, 65535), "TCP port.", 1094, required=True),
        Field(
            "prefix",
            kinds.PATH,
            "Directory of the name space that this door shows as its root, so that clients leave it out of paths. Doors of dCache only.",
            "/pnfs/example.org/data",
            default="/",
        ),
    ),
)
AREA = Table(
    "area",
    "A directory tree with one QoS class. Every area becomes one RSE.",
    (
        Field("name", kinds.NAME, "Short name, unique in the storage.", "fast", required=True),
        Field(
            "path",
            kinds.PATH,
            "Directory in the name space that the doors serve. No area may lie in another, nor begin with the same letters as another.",
            "/escape/fast",
            required=True,
        ),
        Field(
            "base_path",
            kinds.PATH,
            "Directory that the paths in tokens are relative to in this area: the area's own path, or one above it. For StoRM only, whose "
            "storage areas each have one.",
            "/escape/tape",
            default_words="base_path of the storage",
        ),
        Field("qos", kinds.LABEL_TEXT, "QoS class that the area claims; the facts below must earn it.", "FAST", required=True),
        Field("capacity", kinds.SIZE, "Bytes that the area may hold.", "50TB", required=True),
        Field("media", choice("medium", tuple(qos.MEDIA)), "What the bytes lie on.", "ssd", required=True),
        Field("copies", whole(1), "Copies of every file that the storage keeps.", 2, default=1),
        Field(
            "redundancy", choice("redundancy", tuple(qos.REDUNDANCY)), "What protects the bytes from lost disks.", "raid6", default="none"
        ),
        Field("latency", kinds.LATENCY, "Expected time to the first byte.", "10ms", default_words="typical of the medium"),
        Field("volatile", FLAG, "The area is a cache, whose files may vanish; Rucio then takes no uploads to it.", True, default=False),
        Field("rse", kinds.RSE_NAME, "Name of the RSE.", "LAB-XRD1-FAST", default_words="storage and area name, in capitals"),
        Field("partitions", ListOf(kinds.PATH), "Directories or file systems of the host that hold the bytes.", ["/data/fast"]),
        Field(
            "access",
            ListOf(AREA_ACCESS),
            "Who may read and write, in the place of what the issuers grant everywhere.",
            [{"group": "/escape/data-manager", "rights": "write"}],
            default_words="access of the storage's issuers",
        ),
        Field("attributes", MapOf(kinds.ATTRIBUTE_KEY, kinds.ATTRIBUTE), "More attributes of the RSE.", {"tier": "T2"}),
    ),
)
LOCATION = Table(
    "location",
    "Where the storage stands. Only what is stated is registered.",
    (
        Field("country", kinds.COUNTRY, "Country.", "FR"),
        Field("region", kinds.TWO_LETTERS, "Region.", "74"),
        Field("city", kinds.PLAIN, "City.", "Annecy"),
        Field("continent", choice("continent", kinds.CONTINENTS), "Continent.", "EU"),
        Field("timezone", kinds.ZONE, "Time zone.", "Europe/Paris"),
        Field("latitude", degrees(90), "Latitude; goes with longitude.", 45.92),
        Field("longitude", degrees(180), "Longitude; goes with latitude.", 6.16),
    ),
)
X509 = Table(
    "x509",
    "X.509 certificates and VOMS beside tokens.",
    (
        Field("vos", ListOf(kinds.VO, least=1), "VOMS organisations that are let in.", ["escape"], required=True),
        Field(
            "certificates",
            kinds.PATH,
            "Trusted certificate authorities.",
            "/etc/grid-security/certificates",
            default="/etc/grid-security/certificates",
        ),
        Field("vomsdir", kinds.PATH, "Trusted VOMS servers.", "/etc/grid-security/vomsdir", default="/etc/grid-security/vomsdir"),
    ),
)
STORAGE = Table(
    "datalake_storage",
    "One storage of a site; belongs into host_vars of its host.",
    (
        Field("name", kinds.NAME, "Name of the storage (CRIC's storage unit).", "LAB-XRD1", required=True),
        Field("site", kinds.LABEL_TEXT, "Site that runs it, as in CRIC.", "LAB", required=True),
        Field("system", choice("storage system", get_args(System)), "Storage software.", "xrootd", required=True),
        Field("release", kinds.VERSION, "Release of the storage software, all numbers of it.", "5.5.3", required=True),
        Field(
            "issuers",
            ListOf(kinds.LABEL_TEXT),
            "Issuers of the lake whose tokens are accepted; an empty list for none.",
            ["escape"],
            required=True,
        ),
        Field(
            "base_path",
            kinds.PATH,
            "Directory that the paths in tokens are relative to. Every area lies inside it.",
            "/escape",
            default_words="the longest directory that all areas lie inside",
        ),
        Field(
            "audiences",
            ListOf(kinds.AUDIENCE),
            "Audiences accepted beside the doors' addresses and host names and the WLCG wildcard.",
            ["https://lake.example.org"],
        ),
        Field("location", LOCATION, "Where it stands.", {"country": "FR"}),
        Field(
            "doors",
            ListOf(DOOR, least=1),
            "Protocol end points, preferred ones first.",
            [{"scheme": "davs", "host": "se.example.org", "port": 1094}],
            required=True,
        ),
        Field(
            "areas",
            ListOf(AREA, least=1),
            "Directory trees, one QoS class each.",
            [{"name": "fast", "path": "/escape/fast", "qos": "FAST", "capacity": "50TB", "media": "ssd"}],
            required=True,
        ),
        Field("x509", X509, "X.509 and VOMS beside tokens.", {"vos": ["escape"]}, default_words="tokens only"),
    ),
)

PRIORITY = whole(0)
LAN = Table(
    "lan",
    "Priority by operation inside the site.",
    tuple(Field(each, PRIORITY, "1 is best, nothing is off.", 1) for each in LAN_OPERATIONS),
)
WAN = Table(
    "wan", "Priority by operation between sites.", tuple(Field(each, PRIORITY, "1 is best, nothing is off.", 1) for each in WAN_OPERATIONS)
)
DOMAINS = Table("domains", "Operations offered.", (Field("lan", LAN, LAN.doc, {"read": 1}), Field("wan", WAN, WAN.doc, {"read": 1})))
PROTOCOL = Table(
    "protocol",
    "A door of an RSE.",
    (
        Field("scheme", kinds.PLAIN, "Protocol.", "davs", required=True),
        Field("hostname", text("host name", r"\S+", "Write it without blanks."), "Host name.", "se.example.org", required=True),
        Field("port", whole(0, 65535), "TCP port; 0 where a scheme has none.", 1094, required=True),
        Field(
            "prefix",
            text("prefix", r"/\S*", "Begin with a slash.", rucio.MAX_PREFIX),
            "Path before Rucio's own.",
            "/escape/fast/",
            required=True,
        ),
        Field("impl", kinds.IMPL, "Rucio's protocol class.", rucio.DEFAULT_IMPL, required=True),
        Field("domains", DOMAINS, DOMAINS.doc, {"wan": {"read": 1}}, required=True),
        Field(
            "extended_attributes",
            MapOf(kinds.PLAIN, SCALAR),
            "More settings of the protocol.",
            {"web_service_path": rucio.SRM_WEB_SERVICE_PATH},
        ),
    ),
)
COLUMN = text("text", limit=rucio.MAX_TEXT)
PROPERTIES = Table(
    "properties",
    "Columns of Rucio's table of RSEs. A key that is missing is left alone on the server.",
    (
        Field("deterministic", FLAG, "Paths are computed from names.", True),
        Field("volatile", FLAG, "Files may vanish.", False),
        Field("staging_area", FLAG, "Buffer in front of tape.", False),
        Field("rse_type", choice("RSE type", ("DISK", "TAPE")), "Disk or tape.", "DISK"),
        Field("availability_read", FLAG, "May be read.", True),
        Field("availability_write", FLAG, "May be written.", True),
        Field("availability_delete", FLAG, "May be deleted from.", True),
        Field("country_name", COLUMN, "Country.", "FR"),
        Field("region_code", text("region", r".{1,2}", "Rucio's column holds two characters."), "Region.", "74"),
        Field("city", COLUMN, "City.", "Annecy"),
        Field("continent", text("continent", r".{1,2}", "Rucio's column holds two characters."), "Continent.", "EU"),
        Field("time_zone", COLUMN, "Time zone.", "Europe/Paris"),
        Field("latitude", degrees(90), "Latitude.", 45.92),
        Field("longitude", degrees(180), "Longitude.", 6.16),
    ),
)
RSE = Table(
    "rse",
    "All that is registered of one RSE.",
    (
        Field("name", kinds.RSE_NAME, "Name.", "LAB-XRD1-FAST", required=True),
        Field("site", text("site", r".*"), "CRIC's experiment site.", "LAB"),
        Field("properties", PROPERTIES, PROPERTIES.doc, {"rse_type": "DISK"}),
        Field("attributes", MapOf(kinds.ATTRIBUTE_KEY, SCALAR), "Attributes; one with nothing as value is removed.", {"QOS": "FAST"}),
        Field("protocols", ListOf(PROTOCOL), "Doors; a missing key leaves the registered ones alone.", []),
        Field("limits", MapOf(kinds.PLAIN, kinds.BYTES), "Bytes by name of the limit.", {"MinFreeSpace": 10**12}),
        Field("space", kinds.BYTES, "Capacity in bytes.", 50 * 10**12),
    ),
)
