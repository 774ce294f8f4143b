# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Subjects of certificates in the forms that web servers pass to Rucio: RFC 2253, and OpenSSL's with slashes.

Rucio compares them letter by letter, so all are registered. Mail attributes are named emailAddress, as OpenSSL prints them. OpenSSL 3
escapes slash and plus in the slash form where older ones did not (crypto/x509/x509_obj.c), so few subjects have a third form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MAIL_NAMES = frozenset({"1.2.840.113549.1.9.1", "oid.1.2.840.113549.1.9.1", "emailaddress", "email", "e"})
MAIL = "emailAddress"
# Tags of ASN.1 strings whose bytes are text: UTF8String, NumericString, PrintableString, T61String, IA5String, VisibleString.
TEXT_TAGS = frozenset({0x0C, 0x12, 0x13, 0x14, 0x16, 0x1A})
ESCAPED = re.compile(r"\\([0-9A-Fa-f]{2})|\\(.)", re.DOTALL)
PAIR = re.compile(r"\s*([A-Za-z][A-Za-z0-9-]*|(?:[Oo][Ii][Dd]\.)?[0-9]+(?:\.[0-9]+)*)\s*=(.*)", re.DOTALL)

Pair = tuple[str, str]


class NotADistinguishedName(ValueError):
    """A text that is no distinguished name."""


def forms(subject: str) -> tuple[str, ...]:
    """The RFC 2253 form and the slash form of a subject given in either, and that of OpenSSL 3 where it differs.

    Raises NotADistinguishedName.
    """
    if subject.startswith("/"):
        return (subject,)
    parts = relative_names(subject)
    return tuple(dict.fromkeys((rfc2253(parts), slashes(parts), slashes(parts, escaped=True))))


def relative_names(text: str) -> list[list[Pair]]:
    """The relative names of an RFC 2253 text, most specific first, values as plain text; raises NotADistinguishedName."""
    return [[_pair(pair, text) for pair in _split(part, "+")] for part in _split(text, ",;")]


def rfc2253(parts: list[list[Pair]]) -> str:
    """The text of RFC 2253, most specific first, without blanks between the parts."""
    return ",".join("+".join(f"{name}={_escaped(value)}" for name, value in part) for part in parts)


def slashes(parts: list[list[Pair]], *, escaped: bool = False) -> str:
    """The text of OpenSSL's X509_NAME_oneline: least specific first, bytes that are not printable ASCII as numbers.

    escaped: as OpenSSL 3 does, which marks slash and plus within values and joins the pairs of one relative name by plus.
    """

    def pair(name: str, value: str) -> str:
        text = _printable(value)
        return f"{name}=" + (re.sub(r"([/+])", r"\\\1", text) if escaped else text)

    joint = "+" if escaped else "/"
    return "".join("/" + joint.join(pair(name, value) for name, value in reversed(part)) for part in reversed(parts))


def _split(text: str, separators: str) -> Iterator[str]:
    """The parts between separators that are neither escaped nor quoted."""
    start, position, quoted = 0, 0, False
    while position < len(text):
        letter = text[position]
        if letter == "\\":
            position += 1
        elif letter == '"':
            quoted = not quoted
        elif letter in separators and not quoted:
            yield text[start:position]
            start = position + 1
        position += 1
    if quoted:
        raise NotADistinguishedName(f"{text!r} has a quotation mark without its other half")
    yield text[start:]


def _pair(text: str, whole: str) -> Pair:
    found = PAIR.fullmatch(text)
    if not found:
        raise NotADistinguishedName(f"{whole!r} is no distinguished name: {text!r} has no attribute name and value")
    name, value = found[1], _trimmed(found[2])
    return (MAIL if name.lower() in MAIL_NAMES else name), _plain(value, whole)


def _trimmed(value: str) -> str:
    """Without blanks around it; a blank that is escaped at its end belongs to it."""
    value = value.lstrip()
    short = value.rstrip()
    return short + " " if len(short) < len(value) and (len(short) - len(short.rstrip("\\"))) % 2 else short


def _plain(value: str, whole: str) -> str:
    if value.startswith("#"):
        return _from_ber(value[1:], whole)
    if len(value) > 1 and value.startswith('"') and value.endswith('"'):
        value = value[1:-1]
    raw, end = bytearray(), 0
    for escape in ESCAPED.finditer(value):
        raw += value[end : escape.start()].encode()
        raw += bytes.fromhex(escape[1]) if escape[1] else escape[2].encode()
        end = escape.end()
    raw += value[end:].encode()
    return _text(bytes(raw), whole)


def _from_ber(digits: str, whole: str) -> str:
    """The text of a short BER string in hexadecimal; of anything else the digits as they are."""
    try:
        raw = bytes.fromhex(digits)
    except ValueError as problem:
        raise NotADistinguishedName(f"{whole!r} has a value #{digits} that is not hexadecimal") from problem
    if len(raw) < 2 or raw[0] not in TEXT_TAGS or raw[1] != len(raw) - 2 or raw[1] > 127:
        return f"#{digits}"
    return _text(raw[2:], whole)


def _text(raw: bytes, whole: str) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError as problem:
        raise NotADistinguishedName(f"{whole!r} has a value that is not UTF-8") from problem
    if "\0" in text:
        raise NotADistinguishedName(f"{whole!r} has a zero byte, which no certificate authority signs")
    return text


def _escaped(value: str) -> str:
    text = re.sub(r'([,+"\\<>;])', r"\\\1", value)
    if text.startswith(("#", " ")):
        text = "\\" + text
    return text[:-1] + "\\ " if text.endswith(" ") and len(value) > 1 else text


def _printable(value: str) -> str:
    return "".join(chr(byte) if 0x20 <= byte <= 0x7E else f"\\x{byte:02X}" for byte in value.encode())
