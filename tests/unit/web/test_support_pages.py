from headway.web.address import slug
from tests.support.pages import ACCOUNTS, RUN, Pages


def test_every_account_is_signed_in(pages: Pages) -> None:
    for name in ACCOUNTS:
        assert pages.client(name).get("/").status_code == 303, name
        assert "/sign-in" not in pages.client(name).get("/").headers["location"]
    assert "/sign-in" in pages.client("").get("/").headers["location"]


def test_a_form_is_sent_with_the_token(written_pages: Pages) -> None:
    browser = written_pages.client("tutor")
    assert browser.post("/sign-out", run=slug(RUN)).status_code == 303
    assert "/sign-in" in browser.get("/").headers["location"]


def test_what_goes_wrong_is_told_to_htmx_beside_what_is_there(pages: Pages) -> None:
    for path, status in (("/nowhere", 404), ("/role", 405)):
        answer = pages.client("tutor").get(path, htmx=True)
        assert answer.status_code == status
        assert answer.headers["hx-retarget"] == "#trouble"
        assert answer.headers["hx-push-url"] == "false"
        assert "<html" not in answer.text
        assert "<p>" in answer.text
        assert "<h1>" in pages.client("tutor").get(path).text
