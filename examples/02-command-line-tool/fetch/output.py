# SPDX-License-Identifier: Apache-2.0
"""The answer, coloured on a terminal and plain elsewhere."""

import json
import sys

from pygments.lexers.data import JsonLexer
from pygments.lexers.html import HtmlLexer
from rich.console import Console
from rich.markdown import Markdown
from rich.syntax import Syntax

LEXERS = {"application/json": JsonLexer, "text/html": HtmlLexer}


def render(content_type: str, body: str, style: str) -> None:
    kind = content_type.partition(";")[0].strip()
    if style == "raw":
        sys.stdout.write(body)
        return
    if kind == "application/json":
        body = json.dumps(json.loads(body), indent=2, sort_keys=True)
    console = Console()
    if not console.is_terminal:
        print(body)
    elif kind == "text/markdown":
        console.print(Markdown(body))
    elif kind in LEXERS:
        console.print(Syntax(body, LEXERS[kind](), background_color="default"))
    else:
        print(body)
