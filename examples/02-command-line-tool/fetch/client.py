# SPDX-License-Identifier: Apache-2.0
"""The request."""

import sys
from typing import Optional, Sequence

import requests

from . import __version__


def fetch(method: str, url: str, headers: Sequence[str], data: Optional[str], timeout: float) -> requests.Response:
    session = requests.Session()
    session.headers["user-agent"] = f"fetch/{__version__}"
    for header in headers:
        name, _, value = header.partition(":")
        session.headers[name.strip()] = value.strip()
    body = sys.stdin.read() if data == "-" else data
    return session.request(method, url, data=body, timeout=timeout)
