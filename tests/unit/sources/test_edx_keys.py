"""Keys and addresses of Open edX: one name for one thing, however it is written."""

import pytest

from headway.sources.edx_keys import make_links, make_macros
from headway.sources.staging import Staging

RUNS = {
    "course-v1:MadeX+C101+T1_2026": "edx/MadeX+C101/T1_2026",
    "course-v1%3AMadeX%2BC101%2BT1_2026": "edx/MadeX+C101/T1_2026",
    "MadeX/C101/T1_2026": "edx/MadeX+C101/T1_2026",
    " MadeX/C101/T1_2026 ": "edx/MadeX+C101/T1_2026",
    "course-v1:Università+C.1-a+T~1": "edx/Università+C.1-a/T~1",
    "ccx-v1:MadeX+C101+T1+ccx@12": "edx/MadeX+C101/T1+ccx@12",
    "block-v1:MadeX+C101+T1+type@problem+block@p1": "edx/MadeX+C101/T1",
    "ccx-block-v1:MadeX+C101+T1+ccx@12+type@problem+block@p1": "edx/MadeX+C101/T1+ccx@12",
    "course-v1:MadeX+C101": None,
    "MadeX/C101": None,
    "MadeX/C101/T1/more": None,
    "course-v1:++": None,
    "%ff%fe": None,
    "a b/c/d": None,
    "": None,
}

BLOCKS = {
    "block-v1:MadeX+C101+T1+type@problem+block@9c_e": "problem/9c_e",
    "ccx-block-v1:MadeX+C101+T1+ccx@12+type@vertical+block@Q_3": "vertical/Q_3",
    "i4x://MadeX/C101/problem/9ce": "problem/9ce",
    "i4x:;_;_MadeX;_C101;_problem;_9ce": "problem/9ce",
    "i4x-MadeX-C101-problem-9ce": "problem/9ce",
    "9ce": "video/9ce",
    "i4x://MadeX": None,
    "type@": None,
    "someone@made.example": None,
    "two words": None,
    "": None,
}

C = "course-v1:MadeX+C101+T1"
THREAD, FORUM = "553024d156c02c8f55000001", "cba3e4cd91d0466b9ac50926e495b76f"

ADDRESSES = {
    f"/courses/{C}/info": ("/courses/info", "info", None),
    f"/courses/{C}": ("/courses", "course", None),
    f"https://made.example:8000/courses/{C}/courseware/w1/s1/2": ("/courses/courseware", "courseware/w1/s1", None),
    "/courses/MadeX/C101/T1/courseware/w1": ("/courses/courseware", "courseware/w1", None),
    "/courses/course-v1%3AMadeX%2BC101%2BT1/about": ("/courses/about", "about", None),
    f"https://apps.made.example/learning/course/{C}/block-v1:MadeX+C101+T1+type@sequential+block@s1": (
        "/courses/courseware",
        "sequential/s1",
        None,
    ),
    f"/courses/{C}/xblock/block-v1:MadeX+C101+T1+type@video+block@v1/handler/xmodule_handler/save_user_state": (
        "/xblock/handler/save_user_state",
        "video/v1",
        None,
    ),
    "/courses/MadeX/C101/T1/xblock/i4x:;_;_MadeX;_C101;_video;_v1/handler/transcript/translation/en": (
        "/xblock/handler/transcript",
        "video/v1",
        None,
    ),
    "/xblock/block-v1:MadeX+C101+T1+type@vertical+block@u1": ("/xblock", "vertical/u1", None),
    f"/courses/{C}/jump_to/block-v1:MadeX+C101+T1+type@vertical+block@u1": ("/courses/jump_to", "vertical/u1", None),
    f"/courses/{C}/discussion/forum/{FORUM}/threads/{THREAD}": (
        "/courses/discussion/forum/threads",
        f"thread/{THREAD}",
        f"forum/{FORUM}",
    ),
    f"/courses/{C}/discussion/comments/{THREAD}/reply": (
        "/courses/discussion/comments/reply",
        f"post/{THREAD}",
        "forum",
    ),
    f"/courses/{C}/discussion/forum/users/55": ("/courses/discussion/forum", "forum", "forum"),
    f"/courses/{C}/progress/55": ("/courses/progress/of_one", "progress", None),
    f"/courses/{C}/wiki/MadeX.C101/greta/": ("/courses/wiki", "wiki", None),
    f"/courses/{C}/pdfbook/0/": ("/courses/pdfbook", "pdfbook/0", None),
    f"/courses/{C}/{'0a' * 16}/": ("/courses/tab", f"tab/{'0a' * 16}", None),
    f"/courses/{C}/greta/": ("/courses/other", None, None),
}

ELSEWHERE = {"/dashboard": "/dashboard", "/u/greta": "/other", "/": "/other", "x_module": "/other", "/%ff%": "/other"}


@pytest.fixture(scope="module")
def staging() -> Staging:
    made = Staging("edx", 256)
    make_macros(made)
    return made


def test_a_course_key_names_its_run(staging: Staging) -> None:
    found = {key: staging.run("SELECT run_of_key($key)", key=key)[0][0] for key in RUNS}
    assert found == RUNS


def test_a_block_has_one_name(staging: Staging) -> None:
    found = {block: staging.run("SELECT block_of($block, 'video')", block=block)[0][0] for block in BLOCKS}
    assert found == BLOCKS


def test_an_address_says_what_was_asked_for_and_never_by_whom(staging: Staging) -> None:
    staging.run("CREATE TABLE urls AS SELECT unnest($urls) AS url", urls=[*ADDRESSES, *ELSEWHERE])
    make_links(staging, "urls")
    found = {url: rest for url, *rest in staging.run("SELECT url, run, word, object, parent FROM links")}
    for url, (word, thing, parent) in ADDRESSES.items():
        assert found[url] == ["edx/MadeX+C101/T1", word, thing, parent], url
    for url, word in ELSEWHERE.items():
        assert found[url] == [None, word, None, None], url
