# SPDX-License-Identifier: Apache-2.0
"""A small shop: an application factory, two blueprints, a database and a client for another service."""

from flask import Flask

from . import api, catalogue, pages


def create_app() -> Flask:
    app = Flask(__name__)
    app.config.from_prefixed_env("SHOP")
    app.config.setdefault("DATABASE", ":memory:")
    catalogue.init_app(app)
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(api.blueprint, url_prefix="/api")
    return app
