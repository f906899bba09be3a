"""The published JSON Schema is that of the model."""

from denghuo.application.spec.schema import FILE, schema_text


def test_schema_is_current() -> None:
    assert FILE.read_text(encoding="utf-8") == schema_text(), "run python -m denghuo.application.spec.schema"
