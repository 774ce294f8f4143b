# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plug-ins of gPlazma: phases and releases.

Source: gplazma-plugins.xml and the implemented interfaces of each module at the tags 5.2.0 to 12.0.1 of dCache/dcache.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_release import ALWAYS, OMNISESSION, Release, Span, since
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.gplazma_conf import Phase

AUTH, MAP, ACCOUNT, SESSION, IDENTITY = Phase


@dataclass(frozen=True)
class Plugin:
    """phases: where it may stand. span: releases that ship it. instead: what to use where it is gone. required: properties it needs."""

    phases: tuple[Phase, ...]
    span: Span = ALWAYS
    instead: str = ""
    required: tuple[str, ...] = ()


PLUGINS: dict[str, Plugin] = {
    "alise": Plugin((MAP,), since("9.2.24", "10.0.8", "10.1.2", "10.2.0"), required=("gplazma.alise.endpoint", "gplazma.alise.apikey")),
    "argus": Plugin((ACCOUNT,), since("0.0.0", gone="10.2.0"), "banfile"),
    "authzdb": Plugin((MAP, SESSION)),
    "banfile": Plugin((ACCOUNT,)),
    "gridmap": Plugin((MAP,), since("0.0.0", gone="12.0.0"), "multimap with dn: lines"),
    "htpasswd": Plugin((AUTH,)),
    "jaas": Plugin((AUTH,)),
    "kpwd": Plugin((AUTH, MAP, ACCOUNT, SESSION)),
    "krb5": Plugin((MAP,)),
    "ldap": Plugin((AUTH, MAP, SESSION, IDENTITY)),
    "multimap": Plugin((MAP,)),
    "mutator": Plugin((MAP,)),
    "nis": Plugin((MAP, SESSION, IDENTITY), since("0.0.0", gone="12.0.0"), "nsswitch"),
    "nsswitch": Plugin((MAP, SESSION, IDENTITY)),
    "oidc": Plugin((AUTH,)),
    "oidc-te": Plugin((AUTH,), since("10.1.0")),
    "omnisession": Plugin((SESSION,), OMNISESSION, "authzdb in the session phase"),
    "pyscript": Plugin((AUTH, MAP), since("10.2.0"), required=("gplazma.pyscript.workdir",)),
    "roles": Plugin((SESSION,)),
    "scitoken": Plugin((AUTH,)),
    "vogroup": Plugin((MAP,), required=("vo-group-path",)),
    "voms": Plugin((AUTH,)),
    "vorolemap": Plugin((MAP,)),
    "x509": Plugin((AUTH,)),
    "xacml": Plugin((AUTH,), since("0.0.0", gone="9.1.0"), "voms with vorolemap or multimap"),
}


def available(release: Release) -> tuple[str, ...]:
    """The plug-ins that a release ships."""
    return tuple(name for name, plugin in PLUGINS.items() if plugin.span.covers(release))
