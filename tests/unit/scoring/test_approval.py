"""Where two persons are asked for, a model version predicts only once somebody else has approved it."""

from dataclasses import replace
from datetime import timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any, cast

import pytest

from headway import flow
from headway.domain.errors import GateFailed
from headway.features.views import view_of
from headway.flow import scoring, serving
from headway.flow.app import App
from headway.governance import approvals
from tests.support.pages import MODEL, NOW, RUN, Pages, pages_home, written_pages

__all__ = ["pages_home", "written_pages"]

TIMES = (NOW + timedelta(minutes=minute) for minute in count())


def decided(app: App, *, approve: bool) -> None:
    """Somebody asks for the approval, and somebody else decides."""
    with app.store.begin() as connection:
        asked = approvals.ask(connection, NOW, "account a", approvals.MODEL, MODEL, "Checked on last year.")
        approvals.decide(connection, next(TIMES), "account b", asked.id, approve=approve, reason="Read the card.")


def score(app: App) -> None:
    """Scores the run anew."""
    flow.score(app, RUN, "2025-09-05")


def test_scoring_waits_for_the_last_decision(written_pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []

    class ReachedError(Exception):
        """Scoring came as far as the model's files."""

    def load(registry: Any, version: Any) -> None:
        loaded.append(version.ref)
        raise ReachedError

    made = SimpleNamespace(ref=MODEL, view_hash=view_of().hash, model="logistic", label="does_not_finish", seed=7)
    monkeypatch.setattr(scoring, "_model_for", lambda *asked: made)
    monkeypatch.setattr(type(written_pages.app.registry), "load", load)
    free = written_pages.app
    settings = free.settings.model_copy(
        update={"governance": free.settings.governance.model_copy(update={"approval_required": True})}
    )
    app = replace(free, settings=settings)
    with pytest.raises(ReachedError):
        score(free)
    with pytest.raises(GateFailed, match=f"{MODEL} is not approved") as refused:
        score(app)
    assert (refused.value.exit_code, refused.value.http_status) == (4, 409)
    live: Any = SimpleNamespace(run=RUN, prediction=lambda *asked: pytest.fail("it was asked all the same"))
    with pytest.raises(GateFailed):
        serving.risk_now(app, live, written_pages.learners[0], "2025-09-05", cast("Any", made), cast("Any", None))
    for approve, error in ((True, ReachedError), (False, GateFailed), (True, ReachedError)):
        decided(app, approve=approve)
        with pytest.raises(error):
            score(app)
    assert loaded == [MODEL] * 3


def test_an_approval_that_waits_is_none(written_pages: Pages) -> None:
    with written_pages.app.store.begin() as connection:
        asked = approvals.ask(connection, NOW, "account a", approvals.MODEL, MODEL, "Checked on last year.")
        assert not approvals.is_approved(connection, approvals.MODEL, MODEL)
        approvals.decide(connection, NOW, "account b", asked.id, approve=True, reason="Read the card.")
        approvals.ask(connection, NOW, "account a", approvals.MODEL, MODEL, "Once more.")
        assert approvals.is_approved(connection, approvals.MODEL, MODEL)
        assert not approvals.is_approved(connection, approvals.MODEL, "another/1")
