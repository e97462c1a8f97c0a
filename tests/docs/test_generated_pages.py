"""The reference pages that are made from the code are those that the code makes."""

from headway.features.definition import FEATURES
from headway.features.labels import LABELS
from scripts import cli_page, feature_page, pages_page


def test_the_command_page_is_the_command_line() -> None:
    assert cli_page.PAGE.read_text(encoding="utf-8") == cli_page.page(), "run python -m scripts.cli_page"


def test_the_feature_page_is_the_features_and_labels() -> None:
    page = feature_page.page()
    assert feature_page.PAGE.read_text(encoding="utf-8") == page, "run python -m scripts.feature_page"
    for name in [*FEATURES.names(), *LABELS]:
        assert page.count(f"| `{name}` |") >= 1, name


def test_the_page_of_pages_is_the_registered_pages() -> None:
    assert pages_page.PAGE.read_text(encoding="utf-8") == pages_page.page(), "run python -m scripts.pages_page"
