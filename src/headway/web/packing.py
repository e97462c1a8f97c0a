"""Answers made small: pages packed with gzip where the browser takes it, our own files packed once for good."""

import functools
import gzip
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from headway.web.rendering import static_file

LEAST: Final = 1_000
"""Bytes from which packing is worth it."""

PAGE_LEVEL: Final = 5
FILE_LEVEL: Final = 9
_TEXT: Final = ("text/", "application/json", "image/svg+xml")


def takes_gzip(request: Request) -> bool:
    """Whether the browser says that it takes gzip.

    >>> def asking(told):
    ...     return Request({"type": "http", "headers": [(b"accept-encoding", told)]})
    >>> takes_gzip(asking(b"br, gzip")), takes_gzip(asking(b"br")), takes_gzip(asking(b"gzip;q=0"))
    (True, False, False)
    """
    for told in request.headers.get("accept-encoding", "").split(","):
        name, _, quality = told.partition(";")
        if name.strip() == "gzip":
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def packed(answer: Response, request: Request) -> Response:
    """The answer, packed where it is a text, long enough, whole, and the browser takes it."""
    kind = answer.headers.get("content-type", "")
    body = getattr(answer, "body", b"")  # an answer that comes piece by piece has none
    if not kind.startswith(_TEXT) or len(body) < LEAST or "content-encoding" in answer.headers:
        return answer
    answer.headers.add_vary_header("Accept-Encoding")
    if takes_gzip(request):
        answer.body = gzip.compress(body, PAGE_LEVEL, mtime=0)
        answer.headers["Content-Encoding"] = "gzip"
        answer.headers["Content-Length"] = str(len(answer.body))
    return answer


def file_answer(request: Request) -> Response:
    """One of our files, which never changes under its address.

    Raises:
        UnknownName: there is none of this name and content.
    """
    digest, name = request.path_params["digest"], request.path_params["name"]
    content, kind = static_file(digest, name)
    told = {"Cache-Control": "public, max-age=31536000, immutable", "ETag": f'"{digest}"', "Vary": "Accept-Encoding"}
    if f'"{digest}"' in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=told)
    if takes_gzip(request) and len(content) >= LEAST:
        return Response(_file_packed(digest, name), media_type=kind, headers=told | {"Content-Encoding": "gzip"})
    return Response(content, media_type=kind, headers=told)


@functools.cache
def _file_packed(digest: str, name: str) -> bytes:
    return gzip.compress(static_file(digest, name)[0], FILE_LEVEL, mtime=0)
