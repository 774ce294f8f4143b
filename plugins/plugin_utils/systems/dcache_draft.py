# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a dCache host while they are edited: what dCache would make of them is read anew after each change."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_host import login_setups
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_release import Release, parse_release
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_site import Site, load_site, place
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.gplazma_login import LoginSetup
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import java_properties
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.dcache_layout import Domain, Host, Scope, Service
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.java_properties import Document, Header

CONF = "etc/dcache/dcache.conf"
HEAD = "Written by the Ansible collection escape.datalake. Lines added by hand stay."
SECRET = r"password(?!\.file)|secret|passphrase|apikey"
SECRET_NAME = re.compile(SECRET, re.IGNORECASE)
"""Properties with such a name hold a secret."""
_PROPERTY = re.compile(rf"(?im)^([ \t]*[^\s=:#!]*(?:{SECRET})[^\s=:]*[ \t]*[=: \t][ \t]*)((?:[^\r\n]*\\\r?\n)*[^\r\n]+)")
_ARGUMENT = re.compile(rf"(?i)(\b[\w.!-]*(?:{SECRET})[\w.!-]*=)([^\s=]+)")


def without_secrets(text: str, mask: str) -> str:
    """A file of properties, or gplazma.conf, to be shown: a mask in the place of each secret."""
    return _ARGUMENT.sub(rf"\g<1>{mask}", _PROPERTY.sub(rf"\g<1>{mask}", text))


class Draft:
    """files: text by path relative to the root of the host. hostname: its full name. release: full, such as 9.2.30."""

    def __init__(self, files: Mapping[str, str], release: str, hostname: str) -> None:
        self.files = dict(files)
        self.release_name = release
        self.release: Release = parse_release(release)
        self.hostname = hostname
        self._seen: dict[str, str] | None = None
        self._site: Site

    @property
    def site(self) -> Site:
        if self._seen != self.files:
            self._site = load_site(self.files, self.release_name, self.hostname)
            self._seen = dict(self.files)
        return self._site

    @property
    def host(self) -> Host:
        return self.site.hosts[0]

    @property
    def layout(self) -> str:
        """The layout file that dCache reads, whether it is there or not."""
        return self.site.layout

    @property
    def login(self) -> LoginSetup:
        """What the gplazma service of this host makes of the files."""
        files = {f"/{path}": text for path, text in self.files.items()}
        return next(setup for setup, _places in login_setups(self.host, self.release, files))

    def services(self, kind: str) -> list[tuple[Domain, Service]]:
        return [(domain, service) for domain in self.host.domains for service in domain.services if service.type == kind]

    def domain(self, name: str) -> Domain | None:
        expanded = self.host.layout.expand(name).text
        return next((domain for domain in self.host.domains if domain.name == expanded), None)

    # --- properties ---------------------------------------------------------------------------------------------------------------------

    def set_host_wide(self, name: str, value: str) -> None:
        """Sees to it that a property holds for the whole host; edited where it stands, else added to dcache.conf."""
        scope = self.host.layout
        if scope.lookup(name) and scope.value(name) == scope.expand(value).text:
            return
        if place(scope, name):
            self.edit(scope, name, value)
        else:  # at the end: the last assignment may stand in a block that somebody else keeps
            line = java_properties.render(java_properties.set_property(java_properties.parse("", sectioned=False), name, value))
            text = self.files.get(CONF, "")
            self.files[CONF] = (
                text + ("" if not text or text.endswith("\n") else "\n") + ("\n" if text.rstrip("\n").endswith("\\") else "") + line
            )

    def edit(self, scope: Scope, name: str, value: str) -> None:
        """Gives another value to a property of a person, in the line that holds for a scope.

        Raises KeyError when nobody assigned it.
        """
        self.set_beside(scope, name, value, name)

    def set_beside(self, scope: Scope, name: str, value: str, other: str) -> None:
        """Sets a property in the section where a person assigned another one. Raises KeyError when nobody assigned that."""
        setting = place(scope, other)
        if setting is None:
            raise KeyError(other)
        document = java_properties.parse(self.files[setting.file], sectioned=setting.file == self.host.file)
        line = next(
            (
                section.header.line if section.header else 0
                for section in document.sections()
                for assignment in section.assignments
                if assignment.line == setting.line
            ),
            0,
        )
        self._set(setting.file, document, name, value, line)

    def set_in_service(self, service: Service, name: str, value: str) -> None:
        """Sees to it that a property holds for a service; other services keep what they have."""
        if service.scope.lookup(name) and service.scope.value(name) == service.scope.expand(value).text:
            return
        self._set(self.host.file, self._document(), name, value, service.line)

    def set_in_domain(self, domain: Domain, name: str, value: str) -> None:
        if domain.scope.lookup(name) and domain.scope.value(name) == domain.scope.expand(value).text:
            return
        self._set(self.host.file, self._document(), name, value, domain.lines[0])

    def remove(self, scope: Scope, name: str) -> None:
        """Takes away the assignment of a person that holds for a scope."""
        setting = place(scope, name)
        if setting is None:
            return
        document = java_properties.parse(self.files[setting.file], sectioned=setting.file == self.host.file)
        nodes = [node for node in document.nodes if not (getattr(node, "key", None) == name and node.line == setting.line)]
        self.files[setting.file] = "".join(node.raw for node in nodes)

    def _set(self, file: str, document: Document, name: str, value: str, header_line: int) -> None:
        """header_line: line of the header of the section; 0 for what stands before all headers."""
        headers = [node for node in document.nodes if isinstance(node, Header)]
        header = next((node for node in headers if node.line == header_line), None)
        if header is None:
            changed = java_properties.set_property(document, name, value)
        elif header.service is None:
            changed = java_properties.set_property(document, name, value, domain=header.domain)
        else:
            same = [node for node in headers if (node.domain, node.service) == (header.domain, header.service)]
            changed = java_properties.set_property(
                document, name, value, domain=header.domain, service=header.service, occurrence=same.index(header)
            )
        self.files[file] = java_properties.render(changed)

    def _document(self) -> Document:
        return java_properties.parse(self.files.get(self.layout, ""))

    # --- sections -----------------------------------------------------------------------------------------------------------------------

    def add_domain(self, name: str, properties: Mapping[str, str]) -> None:
        document = self._document()
        text = java_properties.render(document)
        if text and not text.endswith("\n\n"):  # a blank line parts domains
            document = java_properties.parse(text + ("\n" if text.endswith("\n") else "\n\n"))
        self.files[self.layout] = java_properties.render(java_properties.add_section(document, properties, domain=name))

    def add_service(self, domain: Domain, kind: str, properties: Mapping[str, str]) -> None:
        document = self._document()
        written = next(node.domain for node in document.nodes if isinstance(node, Header) and node.line == domain.lines[0])
        self.files[self.layout] = java_properties.render(java_properties.add_section(document, properties, domain=written, service=kind))

    def rename_service(self, service: Service, kind: str) -> None:
        """Another type in the header of a service; its properties stay."""
        document = self._document()
        nodes = [
            node.raw.replace(f"/{node.service}]", f"/{kind}]") if isinstance(node, Header) and node.line == service.line else node.raw
            for node in document.nodes
        ]
        self.files[self.layout] = "".join(nodes)
