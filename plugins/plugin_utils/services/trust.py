# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which certificate authorities a machine trusts."""

from __future__ import annotations

import ssl
from pathlib import Path


def system_authorities() -> str | bool:
    """File or directory of the authorities that this machine trusts. True, which is requests' own list (certifi), where it has none."""
    paths = ssl.get_default_verify_paths()
    if Path(paths.openssl_cafile).is_file():
        return paths.openssl_cafile
    directory = Path(paths.openssl_capath)
    return str(directory) if directory.is_dir() and any(directory.iterdir()) else True
