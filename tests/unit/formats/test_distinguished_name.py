"""distinguished_name: RFC 2253 and slash form of the same subject, escapes included."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.distinguished_name import (
    NotADistinguishedName,
    forms,
    relative_names,
    rfc2253,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("subject", "slash_form"),
    [
        ("CN=Maria Rossi,O=Example,C=IT", "/C=IT/O=Example/CN=Maria Rossi"),
        (r"CN=Dora Manager,O=Lake\, Test,C=FR", "/C=FR/O=Lake, Test/CN=Dora Manager"),
        ("CN=Robot: Maria Rossi - Data,DC=tcs,DC=terena,DC=org", "/DC=org/DC=terena/DC=tcs/CN=Robot: Maria Rossi - Data"),
        ("CN=host/se.example.org,O=Example", "/O=Example/CN=host/se.example.org"),
        ("UID=b+CN=A,O=Example", "/O=Example/CN=A/UID=b"),
        (r"CN=1\+1,O=x", "/O=x/CN=1+1"),
        ('CN="Rossi, Maria",O=x', "/O=x/CN=Rossi, Maria"),
        (r"CN=back\\slash,O=x", "/O=x/CN=back\\slash"),
        (r"CN=Jos\C3\A9,O=x", r"/O=x/CN=Jos\xC3\xA9"),
        ("CN=José,O=x", r"/O=x/CN=Jos\xC3\xA9"),
        ("CN=Maria , O = Example", "/O=Example/CN=Maria"),
    ],
)
def test_slash_form(subject: str, slash_form: str) -> None:
    assert forms(subject)[1] == slash_form


@pytest.mark.parametrize(
    "mail",
    [
        "1.2.840.113549.1.9.1=#160f6d40657861",
        "EMAILADDRESS=m@example.org",
        "E=m@example.org",
        "1.2.840.113549.1.9.1=#160d6d406578616d706c652e6f7267",
        "emailAddress=m@example.org",
    ],
)
def test_mail_attributes_have_one_name(mail: str) -> None:
    both = forms(f"{mail},CN=Maria,O=x")
    assert both[0].startswith("emailAddress=")
    assert both[1].startswith("/O=x/CN=Maria/emailAddress=")
    if "#160f" not in mail:  # whose length is wrong
        assert both == ("emailAddress=m@example.org,CN=Maria,O=x", "/O=x/CN=Maria/emailAddress=m@example.org")


def test_a_slash_form_is_left_as_it_is() -> None:
    assert forms("/C=IT/O=Example/CN=Maria Rossi") == ("/C=IT/O=Example/CN=Maria Rossi",)


@pytest.mark.parametrize("bad", ["", "Maria Rossi", "CN=a,,O=b", "CN=a,O", 'CN="a,O=b', "=x", r"CN=\FF,O=x", "CN=#16zz", r"CN=a\00b"])
def test_what_is_no_name_is_refused(bad: str) -> None:
    with pytest.raises(NotADistinguishedName):
        forms(bad)


names = st.sampled_from(["CN", "O", "OU", "DC", "C", "UID", "2.5.4.10"])
texts = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1, max_size=20)
subjects = st.lists(st.lists(st.tuples(names, texts), min_size=1, max_size=2), min_size=1, max_size=5)


@given(subjects)
def test_rfc2253_reads_back_what_it_wrote(parts: list[list[tuple[str, str]]]) -> None:
    again = relative_names(rfc2253(parts))
    stripped = [[(name, value.strip()) for name, value in part] for part in parts]
    assert [[(name, value.strip()) for name, value in part] for part in again] == stripped
    assert rfc2253(relative_names(rfc2253(again))) == rfc2253(again)


def test_both_forms_are_what_openssl_prints(tmp_path: Path) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"]
    written = r"/DC=org/O=Lake, Test/CN=host\/Maria\+Rossi+UID=m/emailAddress=m@example.org"
    subprocess.run([*command, "-subj", written, "-keyout", "k.pem", "-out", "c.pem"], cwd=tmp_path, check=True, capture_output=True)

    def printed(style: str) -> str:
        show = ["openssl", "x509", "-in", "c.pem", "-noout", "-subject", "-nameopt", style]
        text = subprocess.run(show, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
        return text.strip().removeprefix("subject=").removeprefix(" ")

    old = "/DC=org/O=Lake, Test/UID=m/CN=host/Maria+Rossi/emailAddress=m@example.org"
    assert forms(printed("RFC2253")) == (printed("RFC2253"), old, printed("compat"))
