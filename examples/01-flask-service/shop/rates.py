# SPDX-License-Identifier: Apache-2.0
"""Exchange rates, of another service where SHOP_RATES_URL names one."""

import os
from decimal import Decimal

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

FIXED = {"EUR": Decimal(1), "CHF": Decimal("0.95"), "JPY": Decimal(160)}

session = requests.Session()
session.mount("https://", HTTPAdapter(max_retries=Retry(total=2, backoff_factor=0.2)))


def in_currency(price: Decimal, currency: str) -> Decimal:
    return (price * rate(currency)).quantize(Decimal("0.01"))


def rate(currency: str) -> Decimal:
    url = os.environ.get("SHOP_RATES_URL")
    if url is None:
        return FIXED.get(currency, Decimal(1))
    answer = session.get(url, params={"currency": currency}, timeout=2)
    answer.raise_for_status()
    return Decimal(answer.json()["rate"])
