"""A view with a few features of each kind, for tests whose promise is not about features: most time is theirs."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from headway.features.views import STANDARD, FeatureView, view_of, view_with

FEW = (
    *("active_days_14d", "active_days_total", "days_since_first_activity", "days_since_last_activity"),
    *("interactions_14d", "interactions_before_start", "interactions_total", "interactions_total_percentile"),
    *("assessments_missed", "days_to_next_due", "earned_share", "last_score", "mean_score", "mean_score_percentile"),
    *("previous_attempts", "registered_lead_days", "submitted_share", "studied_credits"),
)


def few(name: str = STANDARD) -> FeatureView:
    """Those of a view's features that are among the few, under the view's name."""
    return view_with(name, tuple(feature for feature in view_of(name).features if feature in FEW))


@contextmanager
def few_features(*modules: str) -> Iterator[None]:
    """Within it, these modules take the few for the view that they ask for."""
    with pytest.MonkeyPatch.context() as patch:
        for module in modules:
            patch.setattr(f"{module}.view_of", few)
        yield
