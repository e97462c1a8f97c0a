"""The cookie that says who is signed in: kept from scripts, from other sites, and from the clear where TLS is on."""

from typing import Final

from starlette.responses import Response

from headway.web.visit import Visit

COOKIE: Final = "headway_session"
LONGEST_S: Final = 7 * 86_400


def keep_session(visit: Visit, answer: Response, token: str) -> Response:
    """The answer with the session's cookie."""
    answer.set_cookie(COOKIE, token, max_age=LONGEST_S, httponly=True, samesite="lax", secure=visit.secure, path="/")
    return answer


def leave_session(answer: Response) -> Response:
    """The answer without it."""
    answer.delete_cookie(COOKIE, path="/")
    return answer
