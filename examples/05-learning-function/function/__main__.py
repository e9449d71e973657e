"""Answers calls as HTTP requests, as platforms for functions make them: one after the other, on $PORT."""

import os
import signal
import sys
from wsgiref.simple_server import make_server

from flask import Flask, request

from function import handle

app = Flask(__name__)


@app.post("/")
def call():
    return handle(request.get_json())


def stop(signum, frame):
    sys.exit(0)


signal.signal(signal.SIGTERM, stop)
port = int(os.environ.get("PORT", "8080"))
print(f"function: listening on port {port}", file=sys.stderr, flush=True)
make_server("", port, app).serve_forever()
