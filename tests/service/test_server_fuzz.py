"""Whatever is asked of any route of the OpenAPI document: a clear answer in the document's own terms, and no 5xx."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from headway import flow
from headway.flow import open_app
from tests.support import made
from tests.support.served import VERSION, make_key, serving

pytestmark = pytest.mark.service

EXAMPLES = 8


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a server with a course, and a key's secret."""
    home: Path = tmp_path_factory.mktemp("fuzzed") / "home"
    with open_app(home) as app:
        flow.ingest(app, made.SOURCE, [], {"learners": "20", "runs": "1", "weeks": "2", "seed": "3"})
    _, secret = make_key(home)
    with serving(home) as running:
        yield running.url, secret


def test_no_request_makes_the_server_fail(place: tuple[str, str]) -> None:
    # Each process of a run collects this file, and one runs it.
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

    url, secret = place
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    checks = [not_a_server_error, status_code_conformance, response_schema_conformance]
    count = 0
    for found in schema.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr] # an invalid schema fails here

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            headers = {"Authorization": f"Bearer {secret}", **VERSION}
            case.call_and_validate(base_url=url, headers=headers, checks=checks, timeout=60)

        ask()
        count += 1
    assert count >= 20
