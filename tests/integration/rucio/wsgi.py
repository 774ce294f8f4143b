"""The real Rucio server, behind what a front-end web server does: naming the client certificate, and breaking when a test asks for it.

Runs in Rucio's own environment. FAULTS names a JSON file {"method": "POST", "path": "/attr/", "after": 2, "times": 1}: after that many
matching calls the next ones are answered 500 without reaching Rucio. ARRIVED grows by one byte with each call, so that a reader of the
access log, which is written after the answer was sent, knows how many lines to wait for; lake.arrived marks their lines. READY gets a line
from each process when it has loaded Rucio.
"""

import json
import os
import threading

from rucio.web.rest.flaskapi.v1.main import application as rucio

FAULTS = os.environ["FAULTS"]
ONE_AT_A_TIME = threading.Lock()
ARRIVED = os.open(os.environ["ARRIVED"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
with open(os.environ["READY"], "a") as ready:
    ready.write(f"{os.getpid()}\n")


def application(environ, start_response):
    os.write(ARRIVED, b".")
    environ["lake.arrived"] = "lake.arrived"
    peer = getattr(environ.get("gunicorn.socket"), "getpeercert", dict)()
    if peer:
        environ["SSL_CLIENT_S_DN"] = "/" + "/".join(
            f"{'CN' if key == 'commonName' else 'O'}={value}" for ((key, value),) in peer["subject"]
        )
    with ONE_AT_A_TIME:
        breaks = os.path.exists(FAULTS) and _breaks(environ)
    if breaks:
        start_response("500 Internal Server Error", [("Content-Type", "text/plain")])
        return [b"broken by the test"]
    return rucio(environ, start_response)


def _breaks(environ):
    with open(FAULTS) as source:
        fault = json.load(source)
    if environ["REQUEST_METHOD"] != fault["method"] or fault["path"] not in environ["PATH_INFO"]:
        return False
    if fault["after"] > 0:
        fault["after"] -= 1
        breaks = False
    else:
        fault["times"] -= 1
        breaks = fault["times"] >= 0
    with open(FAULTS, "w") as target:
        json.dump(fault, target)
    return breaks
