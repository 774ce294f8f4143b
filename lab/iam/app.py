# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A token issuer for the lab that speaks like INDIGO IAM. A stand-in: never for real users or data.

Run by one process, because it keeps its state itself::

    gunicorn --workers 1 --threads 8 --bind 0.0.0.0:443 --certfile host.pem --keyfile host.key \\
        'lab.iam.app:create_app("/etc/datalake-iam/config.yml")'
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from flask import Blueprint, Flask, Response, jsonify
from werkzeug.exceptions import HTTPException

from . import labonly, oauth, registration, scim
from .config import Issuer, load
from .service import OAuthError, Service


def create_app(config_path: str) -> Flask:
    """The application for a configuration file; raises ConfigError."""
    config = load(config_path)
    app = Flask(__name__)
    app.url_map.strict_slashes = False
    for issuer in config.issuers:
        app.register_blueprint(_pages(issuer, Service(issuer, config.data / issuer.name)))
    app.register_error_handler(OAuthError, _oauth_answer)
    app.register_error_handler(HTTPException, _http_answer)
    app.wsgi_app = _merge_slashes(app.wsgi_app)  # type: ignore[method-assign]
    return app


def _merge_slashes(application: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """Serves ``//`` like ``/``, as the web servers in front of real issuers do.

    libscitokens (0.7.3) asks for ``<iss>/.well-known/...`` without first taking off the slash that ends INDIGO's issuers, and follows no
    redirect.
    """

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ["PATH_INFO"] = re.sub("//+", "/", environ["PATH_INFO"])
        return application(environ, start_response)

    return serve


def _pages(issuer: Issuer, service: Service) -> Blueprint:
    pages = Blueprint(issuer.name, __name__, url_prefix=issuer.prefix or "/")
    for part in (oauth, scim, registration, labonly):
        part.add_endpoints(pages, service)
    return pages


def _oauth_answer(problem: OAuthError) -> tuple[Response, int]:
    answer = jsonify({"error": problem.error, "error_description": problem.description})
    if problem.status == 401:
        scheme = "Basic" if problem.error == "invalid_client" else "Bearer"
        answer.headers["WWW-Authenticate"] = f'{scheme} realm="lab", error="{problem.error}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer, problem.status


def _http_answer(problem: HTTPException) -> tuple[Response, int]:
    return jsonify({"error": problem.name, "error_description": problem.description}), problem.code or 500
