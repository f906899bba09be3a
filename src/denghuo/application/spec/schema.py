"""The published JSON Schema of the page spec; `python -m denghuo.application.spec.schema` writes it beside this module."""

import json
from pathlib import Path

from denghuo.application.spec.page import PageSpec

FILE = Path(__file__).with_name("schema.json")


def schema_text() -> str:
    """The JSON Schema of a page, as it stands in `schema.json`."""
    schema = PageSpec.model_json_schema(mode="validation")
    published = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(published, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(schema_text(), encoding="utf-8")
