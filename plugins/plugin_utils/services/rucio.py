# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rucio's REST API: one log-in, reads that need few calls, one method for each write."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from ansible_collections.escape.datalake.plugins.plugin_utils.rucio import values
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError, HttpClient, Tls, read_json

SERVICE = "Rucio"
TOKEN = "X-Rucio-Auth-Token"
WORKERS = 8
# Export and import of a whole lake are one call each: 500 RSEs with all distances took 86 s.
BULK_TIMEOUT = 600.0
NO_RUCIO = "this is no Rucio server, or a log-in page stands before it: check the url option"

# A transaction that the server's database did not take: two writers met, or it was too busy. The server rolled it back.
UNDONE = "DatabaseException"

REMEDIES = {
    "CannotAuthenticate": "check account, user name and password, certificate or token (audience and scope that this server expects)",
    "AccessDenied": "use an account that may: attribute admin=True is enough for RSEs, quotas and distances; accounts and space need root",
    "InsufficientAccountLimit": "give the account a quota on these RSEs",
    "InvalidRSEExpression": "the expression matches no RSE (values are case-sensitive), register the RSEs first",
    "DataIdentifierNotFound": "the data must be registered before rules can be made for it",
    "ScopeNotFound": "make the scope first",
    "AccountNotFound": "make the account first",
    "RSENotFound": "register the RSE first",
    UNDONE: "the server's log has what its database said",
}


@dataclass(frozen=True)
class Login:
    """How to log in. kind x509 needs a client certificate in the TLS settings; token_file is read at every log-in."""

    kind: Literal["userpass", "x509", "token"]
    account: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    token_file: str | None = None
    vo: str | None = None


class RucioClient(HttpClient):
    """A session of one account. Methods raise ApiError with the server's own class of error, which says more than its status."""

    def __init__(self, url: str, login: Login, *, tls: Tls | None = None, timeout: float = 60.0, read_only: bool = False) -> None:
        super().__init__(SERVICE, url, tls=tls, timeout=timeout, read_only=read_only)
        self.login = login
        self._token: str | None = None
        self._log_in_lock = threading.Lock()
        self._version: str | None = None
        if login.vo:
            self.headers["X-Rucio-VO"] = login.vo

    # Session

    def request(self, method: str, path: str, **options: Any) -> Any:
        """Logs in before the first call, and once more when the server no longer takes the token."""
        if path == "ping" or path.startswith("auth/"):
            return super().request(method, path, **options)
        token = self._logged_in()
        headers = options.pop("headers", None) or {}
        try:
            return super().request(method, path, headers={**headers, TOKEN: token}, **options)
        except ApiError as problem:
            # The server checks the token before it looks at the call, so nothing was written and even a write may be repeated.
            if problem.error_class != "CannotAuthenticate" or (fresh := self._logged_in(stale=token)) == token:
                raise
            return super().request(method, path, headers={**headers, TOKEN: fresh}, **options)

    def passes(self, answer: Any) -> bool:
        """Reads are repeated after trouble of the server's database too."""
        return super().passes(answer) or answer.headers.get("ExceptionClass") == UNDONE

    def error(self, method: str, answer: Any) -> ApiError:
        """The server's class of error and message, with what to do about it."""
        try:
            body = read_json(answer.content)
        except ValueError:
            body = {}
        body = body if isinstance(body, dict) else {}
        error_class = answer.headers.get("ExceptionClass") or body.get("ExceptionClass")
        if not error_class:
            if answer.status_code in (404, 405):
                return ApiError(SERVICE, method, answer.url, answer.status_code, NO_RUCIO)
            return super().error(method, answer)
        words = str(body.get("ExceptionMessage") or answer.headers.get("ExceptionMessage") or answer.reason)[:500]
        remedy = REMEDIES.get(error_class)
        return ApiError(SERVICE, method, answer.url, answer.status_code, f"{words}; {remedy}" if remedy else words, error_class)

    @property
    def version(self) -> str:
        """The server's version, "41.5.1"."""
        if self._version is None:
            answer = self.request("GET", "ping")
            told = _document(answer, answer.content, dict)
            if "version" not in told:
                raise _stranger(answer)
            self._version = str(told["version"])
        return self._version

    @property
    def major(self) -> int:
        return values.major_version(self.version)

    def _logged_in(self, stale: str | None = None) -> str:
        """The token; a new one when there is none or it is the stale one."""
        with self._log_in_lock:
            if self._token is None or self._token == stale:
                self._token = self._log_in()
            return self._token

    def _log_in(self) -> str:
        login = self.login
        if login.kind == "token":
            return _token_of(login, self.base)
        headers = {"X-Rucio-Account": login.account} if login.account else {}
        if login.kind == "userpass":
            headers |= {"X-Rucio-Username": login.username or "", "X-Rucio-Password": login.password or ""}
        answer = self.request("GET", f"auth/{login.kind}", headers=headers)
        token = answer.headers.get(TOKEN)
        if not token:
            raise ApiError(
                SERVICE,
                "GET",
                answer.url,
                answer.status_code,
                "the log-in brought no token; several accounts fit this identity, set the account option",
            )
        return str(token)

    def whoami(self) -> str:
        """The account that is logged in (the server answers with a redirection to it)."""
        answer = self.request("GET", "accounts/whoami")
        if "Location" in answer.headers:
            return str(answer.headers["Location"].rstrip("/").rsplit("/", 1)[-1])
        return str(_document(answer, answer.content, dict)["account"])

    # Reading

    def _get(self, path: str, kind: type = dict, **options: Any) -> Any:
        """One JSON document; infinite quotas come as a bare Infinity, which Python's parser takes."""
        answer = self.request("GET", path, **options)
        return _document(answer, answer.content, kind)

    def _lines(self, path: str, **options: Any) -> list[Any]:
        """One JSON object per line."""
        answer = self.request("GET", path, **options)
        return [_document(answer, line, dict) for line in answer.content.split(b"\n") if line.strip()]

    def _lines_or_none(self, path: str, missing: str) -> list[Any]:
        try:
            return self._lines(path)
        except ApiError as problem:
            if problem.error_class == missing:
                return []
            raise

    def lake(self, names: Iterable[str] | None = None, *, distances: bool = False) -> dict[str, Any]:
        """All RSEs as the export gives them: ``{"rses": {name: {columns, attributes, protocols, MinFreeSpace}}, "distances": {...}}``.

        One call for root. Where the account may not export: what single_rses() gives, and no distances (see distances_between).
        """
        try:
            return self._export(distances)
        except ApiError as problem:
            if problem.error_class != "AccessDenied":
                raise
        return {"rses": self.single_rses(names)}

    def single_rses(self, names: Iterable[str] | None = None) -> dict[str, Any]:
        """The RSEs of lake() without export: the columns of all by one call, the rest by three for each of names (of all when None)."""
        columns = self.columns()
        wanted = [name for name in (columns if names is None else dict.fromkeys(names)) if name in columns]
        details = in_parallel(self._details, wanted)
        return {**columns, **{name: {**columns[name], **found} for name, found in zip(wanted, details, strict=True)}}

    def columns(self) -> dict[str, dict[str, Any]]:
        """The columns of all RSEs by name, which is one query for the server."""
        return {each["rse"]: each for each in self._lines("rses/")}

    def _export(self, distances: bool) -> dict[str, Any]:
        answer = self.request("GET", "export/", params={"distance": str(distances)}, timeout=max(self.timeout, BULK_TIMEOUT))
        lake = dict(_document(answer, answer.content, dict))
        if not all(isinstance(lake.get(half), dict) for half in ("rses", "distances")[: 1 + distances]):
            raise _stranger(answer)
        return lake

    def _details(self, rse: str) -> dict[str, Any]:
        return {"attributes": self.attributes(rse), "protocols": self.protocols(rse), "MinFreeSpace": self.limits(rse).get("MinFreeSpace")}

    def protocols(self, rse: str) -> list[dict[str, Any]]:
        """Doors of an RSE; that there is none is an error to the server."""
        try:
            return list(self._get(f"rses/{_url(rse)}/protocols", list))
        except ApiError as problem:
            if problem.error_class == "RSEProtocolNotSupported":
                return []
            raise

    def attributes(self, rse: str) -> dict[str, Any]:
        """Attributes of an RSE, also of a deleted one."""
        return dict(self._get(f"rses/{_url(rse)}/attr/"))

    def deleted_attributes(self, rse: str) -> dict[str, Any] | None:
        """Attributes of a deleted RSE; None when the name was never used. The caller knows that no active RSE has the name."""
        try:
            return self.attributes(rse)
        except ApiError as problem:
            if problem.error_class == "RSENotFound":
                return None
            raise

    def limits(self, rse: str) -> dict[str, int]:
        return dict(self._get(f"rses/{_url(rse)}/limits"))

    def usage(self, rse: str, source: str) -> dict[str, Any]:
        """Usage that a source reported, bytes; empty when it never did."""
        return next((each for each in self._lines(f"rses/{_url(rse)}/usage", params={"source": source}) if each["source"] == source), {})

    def distances_between(self, pairs: Sequence[tuple[str, str]]) -> dict[str, dict[str, dict[str, Any]]]:
        """Distances of these pairs in the shape of the export: one call for each pair."""

        def one(pair: tuple[str, str]) -> list[Any]:
            try:
                return list(self._get(f"rses/{_url(pair[0])}/distances/{_url(pair[1])}", list))
            except ApiError as problem:
                if problem.error_class == "RSENotFound":
                    return []
                raise

        found: dict[str, dict[str, dict[str, Any]]] = {}
        for (source, destination), entries in zip(pairs, in_parallel(one, pairs), strict=True):
            if entries:
                found.setdefault(source, {})[destination] = entries[0]
        return found

    def accounts(self, **attribute: str) -> dict[str, dict[str, Any]]:
        """All active accounts: type and email by name. attribute: only those that have it, with this value."""
        return {each["account"]: each for each in self._lines("accounts/", params=attribute)}

    def account(self, name: str) -> dict[str, Any] | None:
        """An account of any status."""
        try:
            return dict(self._get(f"accounts/{_url(name)}"))
        except ApiError as problem:
            if problem.error_class == "AccountNotFound":
                return None
            raise

    def identities(self, account: str) -> list[dict[str, Any]]:
        return self._lines_or_none(f"accounts/{_url(account)}/identities", "AccountNotFound")

    def account_attributes(self, account: str) -> dict[str, Any]:
        return {each["key"]: each["value"] for each in self._get(f"accounts/{_url(account)}/attr/", list)}

    def rse_names(self, expression: str) -> list[str]:
        """RSEs that an expression matches; that there is none is an error to the server."""
        try:
            return [each["rse"] for each in self._lines("rses/", params={"expression": expression})]
        except ApiError as problem:
            if problem.error_class == "InvalidRSEExpression" and "empty" in problem.words.lower():
                return []
            raise

    def quotas_on(self, rse: str) -> dict[str, int | None]:
        """Bytes by account, None for those without quota; of all accounts that the server knows, whatever their status."""
        return {each["account"]: each["quota_bytes"] for each in self._lines(f"rses/{_url(rse)}/accounts/usage")}

    def local_quotas(self, account: str) -> dict[str, float]:
        """Bytes by RSE, infinity for no limit."""
        return dict(self._get(f"accounts/{_url(account)}/limits/local"))

    def global_quotas(self, account: str, expressions: Iterable[str]) -> dict[str, float]:
        """Bytes by RSE expression; of these expressions alone where a stored one matches no RSE any more, which fails the whole list."""
        path = f"accounts/{_url(account)}/limits/global"
        try:
            return {expression: each["limit"] for expression, each in self._get(path).items()}
        except ApiError as problem:
            if problem.error_class != "InvalidRSEExpression":
                raise
        answers = [self._get(f"{path}/{_url(expression)}") for expression in expressions]
        return {expression: size for answer in answers for expression, size in answer.items() if size is not None}

    def scopes(self, account: str) -> list[str]:
        try:
            return list(self._get(f"scopes/{_url(account)}/scopes", list))
        except ApiError as problem:
            if problem.error_class in ("ScopeNotFound", "AccountNotFound"):
                return []
            raise

    def rules(self, **filters: str) -> list[dict[str, Any]]:
        """Rules by account, scope, name."""
        return self._lines("rules/", params=filters)

    # Writing: RSEs

    def add_rse(self, rse: str, properties: Mapping[str, Any]) -> None:
        self.request("POST", f"rses/{_url(rse)}", json=dict(properties))

    def update_rse(self, rse: str, properties: Mapping[str, Any]) -> None:
        self.request("PUT", f"rses/{_url(rse)}", json=dict(properties))

    def delete_rse(self, rse: str) -> None:
        self.request("DELETE", f"rses/{_url(rse)}")

    def revive_rse(self, rse: str) -> None:
        """Makes a deleted RSE active again; only the import can.

        Refused where the import is known to delete all RSEs that it does not name (the server's configuration file cannot be read).
        """
        mode = self.request("GET", "config/importer/rse_sync_method", accept={404}).content
        if mode.strip().strip(b'"') == b"hard":
            words = "its importer is set to hard and would delete all other RSEs; set importer/rse_sync_method to edit first"
            raise ApiError(SERVICE, "POST", f"{self.base}import/", None, words)
        self.request("POST", "import/", json={"rses": {rse: {}}})

    def import_rses(self, rses: Mapping[str, Mapping[str, Any]]) -> None:
        """Makes many new RSEs in one call and one transaction.

        Only for a server without any RSE: depending on its configuration, those that are not named are deleted
        (``[importer] rse_sync_method = hard``).
        """
        body = {name: {**rse, "protocols": [self._protocol(door) for door in rse["protocols"]]} for name, rse in rses.items()}
        self.request("POST", "import/", json={"rses": body}, timeout=max(self.timeout, BULK_TIMEOUT))

    def set_attribute(self, rse: str, key: str, value: Any) -> None:
        self.request("POST", f"rses/{_url(rse)}/attr/{_url(key)}", json={"value": value})

    def delete_attribute(self, rse: str, key: str) -> None:
        self.request("DELETE", f"rses/{_url(rse)}/attr/{_url(key)}")

    def add_protocol(self, rse: str, protocol: Mapping[str, Any]) -> None:
        self.request("POST", f"rses/{_url(rse)}/protocols/{_url(protocol['scheme'])}", json=self._protocol(protocol))

    def update_protocol(self, rse: str, protocol: Mapping[str, Any]) -> None:
        body = {**self._protocol(protocol), "extended_attributes": protocol["extended_attributes"]}
        self.request("PUT", self._door(rse, protocol), json=body)

    def delete_protocol(self, rse: str, protocol: Mapping[str, Any]) -> None:
        """Host and port are always named: without them every door of the scheme would go."""
        self.request("DELETE", self._door(rse, protocol))

    def _door(self, rse: str, protocol: Mapping[str, Any]) -> str:
        return f"rses/{_url(rse)}/protocols/{_url(protocol['scheme'])}/{_url(protocol['hostname'])}/{protocol['port']}"

    def _protocol(self, protocol: Mapping[str, Any]) -> dict[str, Any]:
        """The body of a protocol, priorities in the server's terms; empty extended attributes are left out, they fail a new protocol."""
        domains = {
            domain: {operation: values.sent_priority(value, self.major) for operation, value in priorities.items()}
            for domain, priorities in protocol["domains"].items()
        }
        kept = {key: value for key, value in protocol.items() if key != "extended_attributes" or value}
        return {**kept, "domains": domains}

    def set_limit(self, rse: str, name: str, value: int) -> None:
        self.request("PUT", f"rses/{_url(rse)}/limits", json={"name": name, "value": value})

    def set_usage(self, rse: str, source: str, used: int, free: int, files: int | None) -> None:
        body = {"source": source, "used": used, "free": free}
        self.request("PUT", f"rses/{_url(rse)}/usage", json=body if files is None else {**body, "files": files})

    # Writing: distances

    def add_distance(self, source: str, destination: str, distance: int) -> None:
        self.request("POST", f"rses/{_url(source)}/distances/{_url(destination)}", json={"distance": distance})

    def update_distance(self, source: str, destination: str, distance: int) -> None:
        """Of a pair that has one: for others the server answers 200 and does nothing."""
        self.request("PUT", f"rses/{_url(source)}/distances/{_url(destination)}", json={"distance": distance})

    def delete_distance(self, source: str, destination: str) -> None:
        self.request("DELETE", f"rses/{_url(source)}/distances/{_url(destination)}")

    def import_distances(self, distances: Mapping[tuple[str, str], int]) -> None:
        """Adds and changes many distances in one call and one transaction."""
        body: dict[str, dict[str, dict[str, int]]] = {}
        for (source, destination), distance in distances.items():
            body.setdefault(source, {})[destination] = {"distance": distance}
        # A connection for each import: a server of several processes then gives it to one that is free, and computes on several cores.
        headers = {"Connection": "close"}
        self.request("POST", "import/", json={"distances": body}, headers=headers, timeout=max(self.timeout, BULK_TIMEOUT))

    # Writing: accounts

    def add_account(self, account: str, kind: str, email: str) -> None:
        self.request("POST", f"accounts/{_url(account)}", json={"type": kind, "email": email})

    def update_account(self, account: str, key: Literal["account_type", "email", "status"], value: str) -> None:
        self.request("PUT", f"accounts/{_url(account)}", json={key: value})

    def delete_account(self, account: str) -> None:
        self.request("DELETE", f"accounts/{_url(account)}")

    def add_account_attribute(self, account: str, key: str, value: Any) -> None:
        """The value must be a text; the server turns "True" into a boolean itself."""
        self.request("POST", f"accounts/{_url(account)}/attr/{_url(key)}", json={"key": key, "value": str(value)})

    def delete_account_attribute(self, account: str, key: str) -> None:
        self.request("DELETE", f"accounts/{_url(account)}/attr/{_url(key)}")

    def add_identity(
        self, account: str, kind: str, identity: str, email: str, *, password: str | None = None, default: bool = False
    ) -> None:
        """Opens the account to an identity.

        A user name that was ever used keeps its first password, and no call of the API changes it: then the identity is taken off again,
        because whoever knows the old password would be let in.
        """
        body: dict[str, Any] = {"identity": identity, "authtype": kind, "email": email, "default": default}
        self.request("POST", f"accounts/{_url(account)}/identities", json={**body, "password": password} if password else body)
        if password and not self._opens(account, identity, password):
            self.delete_identity(account, kind, identity)
            words = f"the user name {identity} was used before and keeps its old password, which Rucio cannot change; use another one"
            raise ApiError(SERVICE, "POST", self.base, None, words)

    def _opens(self, account: str, username: str, password: str) -> bool:
        headers = {"X-Rucio-Account": account, "X-Rucio-Username": username, "X-Rucio-Password": password}
        return bool(self.request("GET", "auth/userpass", headers=headers, accept={401}).status_code == 200)

    def delete_identity(self, account: str, kind: str, identity: str) -> None:
        self.request("DELETE", f"accounts/{_url(account)}/identities", json={"identity": identity, "authtype": kind})

    def set_quota(self, account: str, where: str, size: int | None, *, everywhere: bool = False) -> None:
        """size: bytes on the RSE where, or on all RSEs that the expression where matches together; None removes the quota."""
        path = f"accountlimits/{'global' if everywhere else 'local'}/{_url(account)}/{_url(where)}"
        if size is None:
            self.request("DELETE", path)
        else:
            self.request("POST", path, json={"bytes": size})

    def add_scope(self, account: str, scope: str) -> None:
        self.request("POST", f"scopes/{_url(account)}/{_url(scope)}")

    # Writing: rules

    def add_rule(self, body: Mapping[str, Any]) -> None:
        self.request("POST", "rules/", json=dict(body))

    def update_rule(self, rule: str, options: Mapping[str, Any]) -> None:
        self.request("PUT", f"rules/{_url(rule)}", json={"options": dict(options)})

    def delete_rule(self, rule: str) -> None:
        self.request("DELETE", f"rules/{_url(rule)}", json={})


def in_parallel(function: Callable[[Any], Any], items: Iterable[Any], workers: int = WORKERS) -> list[Any]:
    """function of each item, so many at a time, in the order of items; raises the first failure."""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        return list(pool.map(function, items))


def _document(answer: Any, raw: bytes, kind: type) -> Any:
    """A JSON document of an answer; raises ApiError for all else, such as the log-in page of a proxy."""
    try:
        found = read_json(raw)
    except ValueError:
        raise _stranger(answer) from None
    if not isinstance(found, kind):
        raise _stranger(answer)
    return found


def _stranger(answer: Any) -> ApiError:
    return ApiError(SERVICE, "GET", answer.url, answer.status_code, NO_RUCIO)


def _token_of(login: Login, url: str) -> str:
    if login.token_file is None:
        return (login.token or "").strip()
    try:
        token = Path(login.token_file).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise ApiError(SERVICE, "log-in", url, None, f"the token file cannot be read: {problem}") from problem
    if not token:
        raise ApiError(SERVICE, "log-in", url, None, f"the token file {login.token_file} is empty; get a new token")
    return token


def _url(part: Any) -> str:
    """One part of a path."""
    return quote(str(part), safe="")
