# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``poolmanager.conf`` and the output of ``psu dump setup``: commands of the pool selection unit and its neighbours.

Names and numbers of words from dCache PoolSelectionUnitV2.java, PartitionManager.java, RequestContainerV5.java, CostModuleV1.java.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ansible_collections.escape.datalake.plugins.plugin_utils.formats import cell_commands
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cell_commands import Command, Signature
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.line_document import Document

_MANY = 10_000
_OBSOLETE_CM = "cm commands do nothing any more"


def _takes(count: int, *options: str) -> Signature:
    return Signature(count, count, frozenset(options))


_PARTITION = frozenset(
    {
        *("p2p-allowed", "p2p-oncost", "p2p-fortransfer", "stage-allowed", "stage-oncost"),
        *("idle", "p2p", "alert", "halt", "fallback", "fallback-onspace", "slope"),
        *("cpucostfactor", "spacecostfactor", "max-copies", "sameHostCopy", "sameHostRetry"),
    }
)
"""Parameters of a partition; others are dropped silently. Source: dCache Partition.java and its subclasses."""

SIGNATURES: dict[str, Signature] = {
    "psu set regex": _takes(1),
    "psu set allpoolsactive": _takes(1),
    "psu create unit": _takes(1, "net", "store", "dcache", "protocol"),
    "psu create ugroup": _takes(1),
    "psu create pool": _takes(1, "noping", "disabled", "rdonly"),
    "psu create pgroup": _takes(1, "resilient", "primary", "dynamic", "tags"),
    "psu create link": Signature(2, _MANY),
    "psu create linkGroup": _takes(1, "reset"),
    "psu addto ugroup": _takes(2, "net"),
    "psu addto pgroup": _takes(2),
    "psu addto link": _takes(2),
    "psu addto linkGroup": _takes(2),
    "psu add link": _takes(2),
    "psu removefrom ugroup": _takes(2, "net"),
    "psu removefrom pgroup": _takes(2),
    "psu removefrom link": _takes(2),
    "psu removefrom linkGroup": _takes(2),
    "psu unlink": _takes(2),
    "psu remove unit": _takes(1, "net"),
    "psu remove ugroup": _takes(1),
    "psu remove pool": _takes(1),
    "psu remove pgroup": _takes(1),
    "psu remove link": _takes(1),
    "psu remove linkGroup": _takes(1),
    "psu set link": _takes(1, "readpref", "writepref", "cachepref", "p2ppref", "section"),
    "psu set linkGroup custodialAllowed": _takes(2),
    "psu set linkGroup replicaAllowed": _takes(2),
    "psu set linkGroup nearlineAllowed": _takes(2),
    "psu set linkGroup onlineAllowed": _takes(2),
    "psu set linkGroup outputAllowed": _takes(2),
    "psu set storage unit": _takes(1, "required", "onlyOneCopyPer"),
    "psu set pool": _takes(2),
    "psu set enabled": _takes(1),
    "psu set disabled": _takes(1),
    "psu set active": _takes(1, "no"),
    "psu clear im really sure": _takes(0),
    "pm create": Signature(1, 1, frozenset({"type"})),
    "pm set": Signature(0, 1, _PARTITION),
    "pm destroy": _takes(1),
    "rc onerror": _takes(1),
    "rc set max retries": _takes(1),
    "rc set retry": _takes(1),
    "rc set poolpingtimer": _takes(1),
    "rc set max restore": _takes(1),
    "rc set max threads": Signature(0, 1, frozenset(), "the number of threads is a property now"),
    "rc set warning path": Signature(0, 1, frozenset(), "obsolete"),
    "rc set sameHostCopy": _takes(1),
    "rc set sameHostRetry": _takes(1),
    "rc suspend": Signature(0, 1, frozenset({"all"})),
    "set timeout pool": Signature(1, 1, None, "obsolete"),
    "set max threads": Signature(1, 1, None, "obsolete"),
    "cm set debug": Signature(0, _MANY, None, _OBSOLETE_CM),
    "cm set active": Signature(0, _MANY, None, _OBSOLETE_CM),
    "cm set update": Signature(0, _MANY, None, _OBSOLETE_CM),
    "cm set magic": Signature(0, _MANY, None, _OBSOLETE_CM),
    "cm fake": Signature(1, 2, frozenset({"cpu"})),
}

LANGUAGE = cell_commands.language(SIGNATURES)

PoolManagerConf = Document[Command]


def parse(text: str) -> PoolManagerConf:
    return cell_commands.parse(text, LANGUAGE)


def render(commands: Iterable[Command], header: Sequence[str] = ()) -> str:
    return cell_commands.render(commands, LANGUAGE, header)
