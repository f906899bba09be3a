from typing import Any

import pytest

from denghuo.application.spec import Contracts

MONEY = {"type": "string", "format": "money", "x-unit": "yuan", "x-label": {"zh": "余额", "en": "Balance"}}
TEXT = {"type": "string", "x-label": {"zh": "户名", "en": "Name"}}

CONTRACTS_JSON: dict[str, Any] = {
    "operations": {
        "customer.find": {
            "kind": "query",
            "permit": "customer.read",
            "request": {
                "type": "object",
                "properties": {"keyword": TEXT, "limit": {"type": "integer"}, "after": {"type": "string"}},
            },
            "reply": {
                "type": "object",
                "properties": {
                    "rows": {"type": "array", "items": {"$ref": "#/$defs/Row"}},
                    "total": {"type": "integer"},
                    "as_of": {"type": "string", "format": "date-time"},
                },
                "$defs": {
                    "Row": {
                        "type": "object",
                        "properties": {
                            "account": TEXT,
                            "name": TEXT,
                            "balance": {"anyOf": [{"$ref": "#/$defs/Money"}, {"type": "null"}]},
                        },
                    },
                    "Money": MONEY,
                },
            },
        },
        "customer.register": {
            "kind": "command",
            "permit": "customer.register",
            "request": {"type": "object", "properties": {"name": TEXT, "phone": TEXT}, "required": ["name"]},
            "reply": {"type": "object", "properties": {"account": TEXT}},
        },
    }
}


@pytest.fixture
def contracts() -> Contracts:
    return Contracts.from_json(
        CONTRACTS_JSON,
        components=frozenset({"bill_print"}),
        screens=frozenset({"county"}),
        pages={"customer.accounts": frozenset(), "customer.account": frozenset({"account"})},
    )


@pytest.fixture
def page() -> dict[str, Any]:
    """A small correct page; tests change it."""
    return {
        "spec": 1,
        "id": "customer.accounts",
        "title": {"zh": "客户档案", "en": "Customers"},
        "blocks": [
            {
                "kind": "list",
                "source": {"operation": "customer.find"},
                "key": "account",
                "filters": ["keyword"],
                "fields": [
                    "account",
                    "name",
                    {"name": "balance", "tone": {"if": [{"<": [{"var": "row.balance"}, 0]}, "danger", "plain"]}},
                ],
                "open": {"page": "customer.account", "given": {"account": {"var": "row.account"}}, "place": "drawer"},
                "as_of": "as_of",
                "actions": [
                    {
                        "label": {"zh": "登记用户", "en": "Register"},
                        "operation": "customer.register",
                        "ask": ["name", "phone"],
                        "tone": "primary",
                    }
                ],
            }
        ],
    }
