# SPDX-License-Identifier: Apache-2.0
"""The articles, in SQLite."""

import sqlite3
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from flask import Flask, current_app

ARTICLES = [
    ("tea", "Darjeeling, first flush", "12.50"),
    ("cup", "A cup without a handle", "8.00"),
    ("kettle", "A kettle that whistles", "39.90"),
]


@dataclass(frozen=True)
class Article:
    name: str
    description: str
    price: Decimal

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "price": str(self.price)}


def init_app(app: Flask) -> None:
    database = sqlite3.connect(app.config["DATABASE"], check_same_thread=False)
    database.execute("create table if not exists article (name text primary key, description text, price text)")
    database.executemany("insert or ignore into article values (?, ?, ?)", ARTICLES)
    database.commit()
    app.extensions["catalogue"] = database


def articles() -> list[Article]:
    rows = current_app.extensions["catalogue"].execute("select name, description, price from article order by name")
    return [Article(name, description, Decimal(price)) for name, description, price in rows]


def article(name: str) -> "Article | None":
    return next((found for found in articles() if found.name == name), None)
