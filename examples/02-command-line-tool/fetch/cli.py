# SPDX-License-Identifier: Apache-2.0
"""The command line."""

import argparse
import sys
from typing import Sequence

import requests

from . import __version__
from .client import fetch
from .output import render


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="fetch", description="Fetches a URL and shows the answer for reading.")
    made.add_argument("--version", action="version", version=f"fetch {__version__}")
    made.add_argument("-X", "--method", default="GET", help="the request's method (default: GET)")
    made.add_argument("-H", "--header", action="append", default=[], metavar="NAME:VALUE", help="may be repeated")
    made.add_argument("-d", "--data", help="the request's body; - reads it from standard input")
    made.add_argument("--format", choices=["auto", "raw"], default="auto", help="raw shows the body as it came")
    made.add_argument("--timeout", type=float, default=10, metavar="SECONDS")
    made.add_argument("url", help="an address; - renders JSON from standard input instead")
    return made


def main(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    if options.url == "-":
        render("application/json", sys.stdin.read(), options.format)
        return 0
    try:
        answer = fetch(options.method, options.url, options.header, options.data, options.timeout)
    except requests.RequestException as problem:
        print(f"fetch: {problem}", file=sys.stderr)
        return 1
    render(answer.headers.get("content-type", ""), answer.text, options.format)
    return 0 if answer.ok else 4
