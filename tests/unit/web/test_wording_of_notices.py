"""What leaves the house by mail and by webhook is worded as the pages are (ux.md, check 27)."""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

from headway.flow.caseload import task_for
from headway.flow.notices import OUTCOMES, tell_of, write_digests
from headway.flow.tasks import record_contact
from headway.governance import accounts, challenges
from headway.governance.scopes import Grant, Scope
from headway.store.tables import NOTICES
from headway.web.address import slug
from tests.support.mailing import rows
from tests.support.page_text import FORBIDDEN
from tests.support.pages import NOW, RUN, Pages, opened_pages

ANN = "ann@example.org"
SETTINGS: dict[str, Any] = {
    "smtp_host": "mail.test",
    "link": "https://headway.test",
    "advisers": {ANN: ["simulated/*"]},
    "webhooks": {"records": "https://records.test/hook"},
    "slack_url_file": "secrets/slack",
    "teams_url_file": "secrets/teams",
}


def strings(value: object) -> list[str]:
    """All texts in a payload, those of its keys too."""
    if isinstance(value, dict):
        return [text for pair in value.items() for each in pair for text in strings(each)]
    if isinstance(value, list):
        return [text for each in value for text in strings(each)]
    return [value] if isinstance(value, str) else []


def everything_that_may_be_told(pages: Pages) -> None:
    """New tasks, a follow-up that is due, an answer of each outcome, and letters to two learners."""
    app = pages.app
    with app.store.begin() as connection:
        ann = accounts.create(connection, NOW, "test", ANN, [Grant("adviser", RUN)])
        officer = Scope.of("governance", [Grant("governance")])
        for place, outcome in enumerate(OUTCOMES):
            told: dict[str, Any] = {"run": RUN, "learner": pages.learners[place], "score_run_id": f"{place}"}
            told["by"] = f"account {ann.id}"
            challenges.raise_(connection, NOW, kind="wrong_data", text="", **told)
            (waiting,) = challenges.waiting(connection, officer)
            challenges.answer(connection, NOW, officer, waiting.id, outcome, "Looked at.", "account o")
    tasks = [task_for(app, RUN, learner, reason="No visit for 9 days") for learner in pages.learners[:4]]
    with app.store.begin() as connection:
        tell_of(app, connection, tasks, NOW)
    record_contact(app, tasks[0].id, "phone", "no_answer", follow_up_on=(NOW + timedelta(days=2)).date())
    chosen = [slug(each) for each in pages.learners[4:6]]
    letter: dict[str, Any] = {"subject": "{course}: {thing}", "greeting": "Dear {name},", "closing": "{sender}"}
    letter |= {"question": "What would help?", "reply_to": ANN, "count": "2"}
    letter |= {"run": slug(RUN), "learner": chosen, "to": chosen}
    assert pages.client("adviser").post("/contact/send", **letter).status_code == 303
    assert write_digests(app) == 1


def test_check_27_no_mail_and_no_message_says_what_pages_do_not_say(pages_home: Path, tmp_path: Path) -> None:
    shutil.copytree(pages_home, tmp_path / "home")
    with opened_pages(tmp_path / "home", notifications=SETTINGS) as pages:
        everything_that_may_be_told(pages)
        notices = rows(pages, NOTICES)
    assert {str(each["channel"]) for each in notices} == {"email", "webhook", "slack", "teams"}
    texts = [text for each in notices for text in strings(each["payload"])]
    whole = "\n".join(texts)
    assert "No visit for 9 days" in whole
    assert all(f"was answered: {told}" in whole for told in OUTCOMES.values())
    assert "What would help?" in whole
    assert [found[0] for text in texts if (found := FORBIDDEN.search(text))] == []
    assert "does not know about illness, work or a plan agreed with a tutor" in whole


def test_check_27_finds_a_word_that_slipped_in() -> None:
    planted = {"text": "2 new", "blocks": [{"elements": ["Your high-risk students"]}]}
    assert [found[0] for text in strings(planted) if (found := FORBIDDEN.search(text))] == ["high-risk"]
