from headway.flow.records import hashed
from headway.web.address import slug
from tests.support.pages import RUN, Pages


def test_the_report_is_a_pdf_and_each_is_audited(pages: Pages) -> None:
    learner = pages.of_group("G1")[0]
    answer = pages.client("tutor").get(f"/learners/{slug(learner)}/report.pdf", run=slug(RUN))
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content.startswith(b"%PDF-")
    assert learner not in answer.headers["content-disposition"]
    entry = pages.audited("view")[-1]
    assert (entry["subject"], entry["detail"]["what"]) == (hashed(learner), "report")
