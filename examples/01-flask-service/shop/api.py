# SPDX-License-Identifier: Apache-2.0
"""What programs use."""

from typing import Any

from flask import Blueprint, abort

from .catalogue import article, articles
from .rates import in_currency

blueprint = Blueprint("api", __name__)


@blueprint.get("/articles")
def index() -> list[dict[str, Any]]:
    return [found.to_json() for found in articles()]


@blueprint.get("/articles/<name>")
def show(name: str) -> dict[str, Any]:
    found = article(name)
    if found is None:
        abort(404, description=f"there is no article {name}")
    return found.to_json()


@blueprint.get("/articles/<name>/price/<currency>")
def price(name: str, currency: str) -> dict[str, str]:
    found = article(name)
    if found is None:
        abort(404, description=f"there is no article {name}")
    return {"currency": currency, "price": str(in_currency(found.price, currency))}
