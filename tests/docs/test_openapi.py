"""The committed OpenAPI document is that of the routes."""

from scripts.openapi import PAGE, page


def test_the_openapi_document_is_that_of_the_routes() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m scripts.openapi"
