# SPDX-License-Identifier: Apache-2.0
"""What people see."""

from flask import Blueprint, render_template

from .catalogue import articles

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def index() -> str:
    return render_template("index.html", articles=articles())


@blueprint.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "ok"}
