# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kinds of single values that a description is made of, each with its check, its message and its schema."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.escape.datalake.plugins.plugin_utils.model import rucio, units
from ansible_collections.escape.datalake.plugins.plugin_utils.model.fields import SCALAR, Value, Wrong, as_text, nearest, shown, text
from ansible_collections.escape.datalake.plugins.plugin_utils.model.paths import ABSOLUTE

ISO_3166_1 = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD
    CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF
    GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN
    KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA
    NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI
    SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI
    VN VU WF WS YE YT ZA ZM ZW
"""
COUNTRIES = frozenset(ISO_3166_1.split())
CONTINENTS = ("AF", "AN", "AS", "EU", "NA", "OC", "SA")

LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
HOST_PATTERN = rf"localhost|{LABEL}(?:\.{LABEL})*\.(?!\d+$){LABEL}"
GROUP_PATTERN = r"(?:/[A-Za-z0-9][A-Za-z0-9._-]*)+"
# What addresses consist of, without what configuration files and JSON take for more: quotes, blanks, commas, $, backslashes.
ADDRESS = r"[A-Za-z0-9._~:/?#@!&*+=%\[\]-]+"
MOST_BYTES = 2**63 - 1  # what a column of Rucio's database holds
VERSION_PATTERN = r"[0-9]+(?:\.[0-9]+)*(?:[._+~-][A-Za-z0-9]+)*"


def _parse_path(value: Any) -> str:
    found = as_text(value)
    if not found.startswith("/"):
        raise Wrong(f'"{found}" is a relative path.', "Write the whole path, beginning with a slash.")
    if "//" in found:
        raise Wrong(f'"{found}" has a double slash, which Rucio copies into transfer addresses and token scopes.', "Write single slashes.")
    if found != "/" and found.endswith("/"):
        raise Wrong(f'"{found}" ends with a slash.', "Leave the last slash out; it is added where a format wants it.")
    if {".", ".."} & set(found.split("/")):
        raise Wrong(f'"{found}" has a "." or ".." in it, so it can lead out of its directory.', "Write the path without them.")
    if not re.fullmatch(ABSOLUTE, found):
        raise Wrong(
            f'"{found}" has characters that are written differently in addresses, token scopes and configuration files.',
            "Use letters, digits and . _ ~ - between the slashes.",
        )
    return found


def _parse_host(value: Any) -> str:
    found = as_text(value)
    if "://" in found or ":" in found or "/" in found:
        raise Wrong(f'"{found}" is more than a host name.', "Write the name alone; scheme and port have their own keys.")
    if found != found.lower():
        raise Wrong(f'"{found}" has capital letters, and token audiences are compared letter by letter.', f'Write "{found.lower()}".')
    if re.fullmatch(r"[0-9.]+", found):
        raise Wrong(f'"{found}" is an address; certificates and token audiences need a name.', "Write the host's full name.")
    if "." not in found and found != "localhost":
        raise Wrong(f'"{found}" is a short name that other sites cannot look up.', f'Write the full name, such as "{found}.example.org".')
    if not re.fullmatch(HOST_PATTERN, found) or len(found) > 253:
        raise Wrong(f'"{found}" is not a valid host name.', "Use letters, digits and hyphens between the dots.")
    return found


def _parse_issuer_url(value: Any) -> str:
    found = _https_url(as_text(value), ("https",))
    if urlsplit(found).query or urlsplit(found).fragment or found.endswith(("?", "#")):
        raise Wrong(f'"{found}" has a query or a fragment, which no issuer has.', "Write the address up to the path.")
    return found


def _parse_service_url(value: Any) -> str:
    return _https_url(as_text(value), ("https", "http"))


def _https_url(found: str, schemes: tuple[str, ...]) -> str:
    parts = urlsplit(found)
    if parts.scheme not in schemes:
        raise Wrong(f'"{found}" does not begin with {schemes[0]}://.', f"Write the whole address, beginning with {schemes[0]}://.")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if not parts.hostname or port == 0 or parts.username is not None or not re.fullmatch(ADDRESS, found):
        raise Wrong(f'"{found}" is not a valid address.', f"Write {schemes[0]}://host, a port where it is not the usual one, and the path.")
    return found


def _parse_audience(value: Any) -> str:
    found = as_text(value)
    if not found or re.search(r"[\s,]", found):
        raise Wrong(f'"{found}" is empty or holds blanks or commas, which separate audiences.', "Write one audience per item.")
    if not re.fullmatch(ADDRESS, found):
        raise Wrong(f'"{found}" has characters that configuration files take for more than an audience.', "Write an address or a name.")
    if found.endswith("/"):
        raise Wrong(f'"{found}" ends with a slash, and audiences are compared letter by letter.', f'Write "{found.rstrip("/")}".')
    return found


def _parse_version(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, float):
        raise Wrong(f"is read as the number {value}, which loses zeros at the end (9.10 becomes 9.1).", 'Put it in quotes: "9.10".')
    found = as_text(value)
    if not re.fullmatch(VERSION_PATTERN, found):
        raise Wrong(f'"{found}" is not a release.', 'Write its numbers, such as "5.5.3".')
    return found


def _parse_country(value: Any) -> str:
    found = as_text(value)
    if found not in COUNTRIES:
        remedy = 'The United Kingdom is "GB".' if found == "UK" else 'Write two capital letters, such as "FR".'
        raise Wrong(f'"{found}" is not a country code of ISO 3166-1.', remedy)
    return found


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _parse_zone(value: Any) -> str:
    found = as_text(value)
    if _zones() and found not in _zones():
        raise Wrong(f'"{found}" is not a time zone.', _nearest_zone(found))
    return found


def _nearest_zone(found: str) -> str:
    return nearest(found, sorted(_zones())).partition("Known:")[0] + 'Write its name in the IANA list, such as "Europe/Paris".'


def _parse_impl(value: Any) -> str:
    found = as_text(value)
    if not re.fullmatch(rucio.IMPL, found) or len(found) > rucio.MAX_TEXT:
        raise Wrong(f'"{found}" is not the path of a Python class.', f'Write module and class, such as "{rucio.DEFAULT_IMPL}".')
    if found.startswith(rucio.PROTOCOL_PACKAGE) and found not in rucio.PROTOCOL_CLASSES:
        raise Wrong(
            f'Rucio has no class "{found}"; it would notice at the first transfer only.', nearest(found, sorted(rucio.PROTOCOL_CLASSES))
        )
    return found


def _measured(parse: Callable[[Any], int], example: str, least: int = 1, most: int = MOST_BYTES) -> Callable[[Any], int]:
    remedy = f'Write a number with a unit, such as "{example}".'

    def measured(value: Any) -> int:
        try:
            found = parse(value)
        except ValueError as error:
            raise Wrong(str(error), remedy) from None
        if found < least:
            raise Wrong(f"{shown(value)} is too little.", remedy)
        if found > most:
            raise Wrong(f"{shown(value)} is too much.", remedy)
        return found

    return measured


def _parse_attribute(value: Any) -> str | int | bool:
    if value is None:
        raise Wrong("has no value.", "Give one, or remove the key.")
    if isinstance(value, float):
        raise Wrong(f"is read as the number {value}.", "Put it in quotes: Rucio keeps texts.")
    if isinstance(value, int) and value.bit_length() > 3 * rucio.MAX_TEXT:  # more than the column has characters
        raise Wrong("is a number of many digits.", "Put it in quotes: Rucio keeps texts.")
    found: str | int | bool = SCALAR.parse(value)
    return found


def _pattern(pattern: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^(?:{pattern})$", **more}


NAME = text("name", r"[A-Za-z0-9]+(?:[_-][A-Za-z0-9]+)*", "Use letters, digits and single - or _ between them.")
LABEL_TEXT = text("label", rucio.MATCHABLE, "Use letters, digits, - and _: Rucio's expressions match nothing else.")
PLAIN = text("text")
VO = text("VO name", r"[A-Za-z0-9][A-Za-z0-9._-]*", "Use letters, digits and . _ -.")
TWO_LETTERS = text("two-letter code", r"[A-Z0-9]{1,2}", "Write at most two capital letters or digits: Rucio's column holds no more.")
RSE_NAME = text("RSE name", rucio.RSE_NAME, "Rucio takes capital letters and digits, with single - or _ between them.", rucio.MAX_TEXT)
ATTRIBUTE_KEY = text("attribute key", rucio.ATTRIBUTE_KEY, "Use letters, digits and . _ -.")
GROUP = text("group", GROUP_PATTERN, 'Write it as WLCG tokens do, from the root and with slashes: "/escape/data-manager".')
PATH = Value("absolute path", _parse_path, _pattern(ABSOLUTE))
HOST = Value("full host name", _parse_host, _pattern(HOST_PATTERN, maxLength=253))
ISSUER_URL = Value("https address", _parse_issuer_url, _pattern(r"https://[A-Za-z0-9._~:/!&*+=%\[\]-]+"))
SERVICE_URL = Value("https address", _parse_service_url, _pattern(rf"https?://{ADDRESS}"))
AUDIENCE = Value("audience", _parse_audience, _pattern(rf"(?:{ADDRESS})?{ADDRESS.replace('/', '').removesuffix('+')}"))
VERSION = Value("release, in quotes", _parse_version, {"anyOf": [_pattern(VERSION_PATTERN), {"type": "integer", "minimum": 0}]})
COUNTRY = Value("ISO 3166-1 country code", _parse_country, {"enum": sorted(COUNTRIES)})
ZONE = Value("IANA time zone", _parse_zone, _pattern(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*"))
IMPL = Value("Python class", _parse_impl, _pattern(rucio.IMPL))
SIZE = Value(
    "size: kB MB GB TB PB EB, KiB MiB GiB TiB PiB EiB, or bytes",
    _measured(units.parse_size, "50TB"),
    {"anyOf": [_pattern(units.SIZE_PATTERN), {"type": "integer", "minimum": 1, "maximum": MOST_BYTES}]},
)
BYTES = Value(
    "size or 0", _measured(units.parse_size, "50TB", least=0), {"anyOf": [_pattern(units.SIZE_PATTERN), {"type": "integer", "minimum": 0}]}
)
ATTRIBUTE = Value(
    "text, whole number or truth value", _parse_attribute, {"type": ["string", "integer", "boolean"], "maxLength": rucio.MAX_TEXT}
)
LATENCY = Value("duration: ms s min h d w", _measured(units.parse_milliseconds, "20ms"), _pattern(units.LATENCY_PATTERN))
