"""What is called: it splits an amount of money into shares that add up to it."""

from decimal import Decimal


def handle(event):
    cents = int(Decimal(event["amount"]) * 100)
    each, left = divmod(cents, event["among"])
    return {"shares": [str(Decimal(each + (index < left)) / 100) for index in range(event["among"])]}
