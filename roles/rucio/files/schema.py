# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brings Rucio's database to what the installed Rucio and its rucio.cfg (RUCIO_CONFIG) ask for.

usage: PYTHON-OF-RUCIO schema.py status|apply

Prints one JSON object: {"state": before, "revision": before, "head": of the code, "done": [what apply did]}. States:

  empty       no tables
  unfinished  tables without a revision and without accounts: a bootstrap that died on its way
  outdated    a revision that the installed code knows how to migrate
  incomplete  the schema is right; base VO, root account or root's password identity are not
  current     nothing to do

Decided by the database alone, so that a repeated run after any interruption goes on from what is really there. A database that is
newer than the code, or not Rucio's, is refused. Every service that uses the database must be stopped during apply.

Rucio 39 took a new meaning for the priority 0 of a protocol's operation: best, where it had meant unsupported, but its migration leaves the
rows alone. What was unsupported is therefore made null, which both understand, when a migration goes past that release.

Rucio's migrations leave out most table changes on SQLite. There the new schema is made in a second file, the rows are copied, the old file
is kept as a backup beside it, and the new file takes its place in one rename.
"""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any

from rucio.alembicrevision import ALEMBIC_REVISION
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

BASE_VO = "def"
REVISION_OF_39 = "3b943000da18"
PRIORITIES = [f"{operation}_{domain}" for operation in ("read", "write", "delete") for domain in ("lan", "wan")]
PRIORITIES += ["third_party_copy_read", "third_party_copy_write"]
UNSUPPORTED = [f"UPDATE rse_protocols SET {column} = NULL WHERE {column} = 0" for column in PRIORITIES]


def main() -> None:
    if sys.argv[1:] not in (["status"], ["apply"]):
        sys.exit(__doc__)
    os.umask(0o027)
    config = configparser.ConfigParser()
    config.read(os.environ["RUCIO_CONFIG"], encoding="utf-8")
    try:
        found = examine(config)
        done = apply(config, found) if sys.argv[1] == "apply" else []
    except (SQLAlchemyError, sqlite3.Error) as problem:
        sys.exit(f"the database of [database] default in {os.environ['RUCIO_CONFIG']} cannot be used: {problem}")
    print(json.dumps({**found, "head": ALEMBIC_REVISION, "done": done}))


def examine(config: configparser.ConfigParser) -> dict[str, Any]:
    """State and revision of the database. Reads only, and does not create a missing SQLite file."""
    file = sqlite_file(config)
    if file is not None and not file.exists():
        return {"state": "empty", "revision": None}
    engine = create_engine(config["database"]["default"], poolclass=NullPool)
    with engine.connect() as connection:
        tables = set(inspect(connection).get_table_names())
        if not tables:
            return {"state": "empty", "revision": None}
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if "alembic_version" in tables else None
        if revision is None:
            if "accounts" in tables and connection.execute(text("SELECT count(*) FROM accounts")).scalar():
                sys.exit(
                    "the database holds accounts but no schema revision (table alembic_version): stamp it by hand with the one it has."
                )
            strangers = tables - rucio_tables()
            if strangers:
                names = ", ".join(sorted(strangers))
                sys.exit(f"the database holds tables that are not Rucio's: {names}. Give Rucio a database of its own.")
            return {"state": "unfinished", "revision": None}
        if revision != ALEMBIC_REVISION:
            if not steps(config, revision):
                sys.exit(
                    f"the database has schema revision {revision}, which the installed Rucio does not know: it was made by a newer one. "
                    "Raise rucio_version, or put a backup of the database back."
                )
            return {"state": "outdated", "revision": revision}
        return {"state": "incomplete" if missing(connection, config) else "current", "revision": revision}


def missing(connection: Connection, config: configparser.ConfigParser) -> list[str]:
    """What the bootstrap should have left in the tables and did not: of vo, account, identity."""
    absent = []
    if not connection.execute(text("SELECT count(*) FROM vos WHERE vo = :vo"), {"vo": BASE_VO}).scalar():
        absent.append("vo")
    if not connection.execute(text("SELECT count(*) FROM accounts WHERE account = 'root'")).scalar():
        absent.append("account")
    wanted = config["bootstrap"]
    row = connection.execute(
        text(
            "SELECT i.password, i.salt FROM identities i"
            " JOIN account_map m ON m.identity = i.identity AND m.identity_type = i.identity_type"
            " WHERE m.account = 'root' AND i.identity_type = 'USERPASS' AND i.identity = :identity"
        ),
        {"identity": wanted["userpass_identity"]},
    ).first()
    if row is None or row.password != digest(bytes(row.salt), wanted["userpass_pwd"]):
        absent.append("identity")
    return absent


def digest(salt: bytes, password: str) -> str:
    """The form in which Rucio stores a password [rucio/core/identity.py, rucio/db/sqla/util.py]."""
    return hashlib.sha256(salt + password.encode()).hexdigest()


def apply(config: configparser.ConfigParser, found: dict[str, Any]) -> list[str]:
    """Does what the state asks for and says what it did."""
    done = []
    file = sqlite_file(config)
    if found["state"] in ("empty", "unfinished"):
        if file is None:
            build_in_place(drop=found["state"] == "unfinished")
        else:
            build_beside(file, found, [])
        done.append(f"made schema {ALEMBIC_REVISION}")
    elif found["state"] == "outdated":
        if file is None:
            migrate_in_place(config, found["revision"])
        else:
            build_beside(file, found, UNSUPPORTED if REVISION_OF_39 in steps(config, found["revision"]) else [])
        done.append(f"migrated schema {found['revision']} to {ALEMBIC_REVISION}")
    if examine(config)["state"] == "incomplete":
        done += complete(config)
    state = examine(config)["state"]
    if state != "current":
        sys.exit(f"the database is {state} after: {', '.join(done)}")
    return done


def build_in_place(drop: bool) -> None:
    """Makes schema and revision in an empty database; drop: after removing the tables of an unfinished attempt, which hold nothing."""
    from rucio.db.sqla import models
    from rucio.db.sqla.session import get_engine
    from rucio.db.sqla.util import build_database

    if drop:
        models.unregister_models(get_engine())
    build_database()


def migrate_in_place(config: configparser.ConfigParser, revision: str) -> None:
    """Rucio's own migrations, one transaction for all of them."""
    from alembic import command

    if REVISION_OF_39 in steps(config, revision):
        with create_engine(config["database"]["default"], poolclass=NullPool).begin() as connection:
            for statement in UNSUPPORTED:
                connection.execute(text(statement))
    command.upgrade(alembic_config(config), "head")


def build_beside(file: Path, found: dict[str, Any], corrections: list[str]) -> None:
    """Makes the schema in a second SQLite file with the corrected rows of the first, which is kept as a backup and replaced."""
    from rucio.db.sqla import models

    fresh = file.with_name(file.name + ".new")
    for leftover in file.parent.glob(fresh.name + "*"):
        leftover.unlink()
    engine = create_engine(f"sqlite:///{fresh}", poolclass=NullPool)
    models.register_models(engine)
    with sqlite3.connect(fresh) as new:
        if found["state"] == "outdated":
            copy_rows(file, new)
        for statement in corrections:
            new.execute(statement)
        new.execute("DELETE FROM alembic_version")
        new.execute("INSERT INTO alembic_version (version_num) VALUES (?)", (ALEMBIC_REVISION,))
        new.commit()
        # Readers go on while one process writes, which server and daemons do all the time.
        new.execute("PRAGMA journal_mode = WAL")
        new.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    new.close()
    if file.exists():
        keep(file, file.with_name(f"{file.name}.{found['revision'] or found['state']}.bak"))
    sync(fresh)
    os.replace(fresh, file)
    sync(file.parent)


def copy_rows(source: Path, new: sqlite3.Connection) -> None:
    """Copies every row of every table that both schemas have, in the columns that both have."""
    new.execute("PRAGMA foreign_keys = OFF")
    new.execute("ATTACH DATABASE ? AS old", (str(source),))
    names = "SELECT name FROM {}.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    before = {name for (name,) in new.execute(names.format("old"))}
    for (table,) in new.execute(names.format("main")).fetchall():
        if table not in before or table == "alembic_version":
            continue
        kept = {row[1] for row in new.execute(f'PRAGMA old.table_info("{table}")')}
        columns = ", ".join(f'"{row[1]}"' for row in new.execute(f'PRAGMA main.table_info("{table}")') if row[1] in kept)
        new.execute(f'INSERT INTO main."{table}" ({columns}) SELECT {columns} FROM old."{table}"')
    new.commit()
    new.execute("DETACH DATABASE old")
    broken = new.execute("PRAGMA main.foreign_key_check").fetchall()
    if broken:
        tables = ", ".join(sorted({row[0] for row in broken}))
        sys.exit(f"{len(broken)} rows of {source} point to rows that do not exist (tables {tables}). Repair them; nothing was changed.")


def keep(file: Path, backup: Path) -> None:
    """Copies a SQLite database with what its journal holds, and leaves the original without a journal, so that it can be replaced."""
    partial = backup.with_name(backup.name + ".partial")
    partial.unlink(missing_ok=True)
    source, target = sqlite3.connect(file), sqlite3.connect(partial)
    try:
        source.backup(target)
        if source.execute("PRAGMA journal_mode = DELETE").fetchone() != ("delete",):
            sys.exit(f"{file} is in use: stop every Rucio service first")
    finally:
        target.close()
        source.close()
    sync(partial)
    os.replace(partial, backup)


def sync(path: Path) -> None:
    """Waits until a file's content, or a folder's entries, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def complete(config: configparser.ConfigParser) -> list[str]:
    """Adds base VO, root account and root's password identity where they are missing, and sets root's password where it differs."""
    from rucio.common.types import InternalAccount
    from rucio.db.sqla import models
    from rucio.db.sqla.constants import IdentityType
    from rucio.db.sqla.session import get_session
    from rucio.db.sqla.util import create_base_vo, create_root_account

    session = get_session()()
    absent = missing(session.connection(), config)
    session.rollback()
    if "vo" in absent:
        create_base_vo()
    if "account" in absent:
        create_root_account()
    wanted, salt = config["bootstrap"], os.urandom(255)
    with session.begin():
        key = {"identity": wanted["userpass_identity"], "identity_type": IdentityType.USERPASS}
        identity = session.get(models.Identity, key)
        if identity is None:
            identity = models.Identity(**key, email=wanted["userpass_email"])
            session.add(identity)
        identity.salt, identity.password = salt, digest(salt, wanted["userpass_pwd"])
        session.flush()
        root = InternalAccount("root", BASE_VO)
        if session.get(models.IdentityAccountAssociation, {**key, "account": root}) is None:
            session.add(models.IdentityAccountAssociation(**key, account=root, is_default=True))
    return [{"vo": "made the base VO", "account": "made account root", "identity": "set root's password identity"}[each] for each in absent]


def sqlite_file(config: configparser.ConfigParser) -> Path | None:
    """The file of a SQLite database, None for every other kind."""
    url = make_url(config["database"]["default"])
    return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None


def rucio_tables() -> set[str]:
    from rucio.db.sqla.models import BASE

    return set(BASE.metadata.tables)


def steps(config: configparser.ConfigParser, revision: str) -> list[str]:
    """The migrations from a revision to the code's; empty when the code does not know the revision."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(alembic_config(config))
    if revision not in {script.revision for script in scripts.walk_revisions()}:
        return []
    return [script.revision for script in scripts.iterate_revisions(ALEMBIC_REVISION, revision)]


def alembic_config(config: configparser.ConfigParser) -> Any:
    from alembic.config import Config

    return Config(config["alembic"]["cfg"])


if __name__ == "__main__":
    main()
