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
from collections.abc import Callable
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
    app.wsgi_app = _one_slash(app.wsgi_app)  # type: ignore[method-assign]
    for issuer in config.issuers:
        app.register_blueprint(_pages(issuer, Service(issuer, config.data / issuer.name)))
    app.register_error_handler(OAuthError, _oauth_answer)
    app.register_error_handler(HTTPException, _http_answer)
    return app


def _pages(issuer: Issuer, service: Service) -> Blueprint:
    pages = Blueprint(issuer.name, __name__, url_prefix=issuer.prefix or "/")
    for part in (oauth, scim, registration, labonly):
        part.add_endpoints(pages, service)
    return pages


def _one_slash(application: Callable[..., Any]) -> Callable[..., Any]:
    """Reads ``//`` in paths as ``/``, as IAM's server does.

    libscitokens 0.7.3 puts a slash between an issuer that ends with one and ``.well-known``, and gives up at a redirect.
    """

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        return application({**environ, "PATH_INFO": re.sub("/{2,}", "/", environ["PATH_INFO"])}, start_response)

    return answer


def _oauth_answer(problem: OAuthError) -> tuple[Response, int]:
    answer = jsonify({"error": problem.error, "error_description": problem.description})
    if problem.status == 401:
        scheme = "Basic" if problem.error == "invalid_client" else "Bearer"
        answer.headers["WWW-Authenticate"] = f'{scheme} realm="lab", error="{problem.error}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer, problem.status


def _http_answer(problem: HTTPException) -> tuple[Response, int]:
    return jsonify({"error": problem.name, "error_description": problem.description}), problem.code or 500
