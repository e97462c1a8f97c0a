"""The OpenAPI 3.1 document: what the routes say, and what they have in common: keys, errors, bodies read as bytes."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from headway import __version__
from headway.intake import plain

_ERROR: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "request_id"],
            "properties": {
                "code": {"type": "string", "description": "The kind of error; see docs/reference/errors.md."},
                "message": {"type": "string", "description": "What is wrong, and what to do."},
                "request_id": {"type": "string", "description": "Names the request in the server's log."},
                "requirement": {"type": "string", "description": "The requirement of xAPI that was broken."},
                "path": {"type": "string", "description": "Where in the statement or request."},
            },
        }
    },
}
_REFUSALS: Final = {
    "400": "Asked wrongly.",
    "401": "No key, or not a good one.",
    "403": "The key does not allow this.",
    "404": "There is no such thing.",
    "408": "The body did not arrive in time.",
    "409": "In conflict with what is already so, or too little is known.",
    "413": "Too large.",
    "415": "Not a kind of body that is taken.",
    "422": "The data as a whole cannot be read.",
    "429": "Too much at once; `Retry-After` says when to come back.",
    "503": "Cannot be done just now; `Retry-After` says when to come back.",
}
_OPEN: Final = ("/healthz", "/readyz", "/metrics", "/xapi/about")
_STATEMENT: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["actor", "verb", "object"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "actor": {"type": "object"},
        "verb": {"type": "object"},
        "object": {"type": "object"},
        "result": {"type": "object"},
        "context": {"type": "object"},
        "timestamp": {"type": "string", "format": "date-time"},
        "stored": {"type": "string", "format": "date-time"},
        "authority": {"type": "object"},
        "version": {"type": "string"},
        "attachments": {"type": "array", "items": {"type": "object"}},
    },
    "additionalProperties": False,
}
_RECORD: Final = {name: value for name, value in plain.SCHEMA.items() if name != "$schema"}
_EVENT: Final[dict[str, Any]] = {"type": "object"}
_REF: Final = "#/components/schemas/"
_VERSION: Final = {
    "name": "X-Experience-API-Version",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "enum": ["1.0.3", "2.0.0"]},
}


def document(app: FastAPI) -> dict[str, Any]:
    """The document of an application, made once."""
    if app.openapi_schema:
        return app.openapi_schema
    made = get_openapi(
        title="headway",
        version=__version__,
        openapi_version="3.1.0",
        summary="Live records in; predictions and their reasons out.",
        description="Ids of runs and learners hold slashes; write them in paths as they are, or as %2F. "
        "docs/how-to/serve.md shows the first steps.",
        routes=app.routes,
    )
    parts = made.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    for odd in ("HTTPValidationError", "ValidationError"):
        schemas.pop(odd, None)
    schemas |= {"Error": _ERROR, "Statement": _STATEMENT, "Record": _RECORD}
    parts["securitySchemes"] = {
        "basic": {"type": "http", "scheme": "basic", "description": "Key and secret of an API key."},
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "The secret of an API key, or under /v1 a person's token of the identity provider.",
        },
    }
    for path, item in made["paths"].items():
        for operation in item.values():
            _complete(path, operation)
    _bodies(made["paths"])
    _xapi(made["paths"])
    app.openapi_schema = made
    return made


def _complete(path: str, operation: dict[str, Any]) -> None:
    told = {"application/json": {"schema": {"$ref": f"{_REF}Error"}}}
    for status, words in _REFUSALS.items():
        operation["responses"][status] = {"description": words, "content": told}
    operation["security"] = [] if path in _OPEN else [{"basic": []}, {"bearer": []}]


def _bodies(paths: dict[str, Any]) -> None:
    """Bodies that handlers read as bytes."""
    one, many = {"$ref": f"{_REF}Statement"}, {"type": "array", "items": {"$ref": f"{_REF}Statement"}}
    record = {"$ref": f"{_REF}Record"}
    records = {"anyOf": [record, {"type": "array", "items": record, "minItems": 1}]}
    events = {"anyOf": [_EVENT, {"type": "array", "items": _EVENT, "minItems": 1}]}
    lines = {"schema": {"type": "string", "description": "One record a line."}}
    for path, method, schema, more in (
        ("/xapi/statements", "post", {"anyOf": [one, many]}, {}),
        ("/xapi/statements", "put", one, {}),
        ("/v1/records", "post", records, {"application/x-ndjson": lines}),
        ("/v1/caliper", "post", events, {}),
        ("/v1/canvas", "post", events, {}),
    ):
        content = {"application/json": {"schema": schema}} | more
        paths[path][method]["requestBody"] = {"required": True, "content": content}


def _xapi(paths: dict[str, Any]) -> None:
    """Parameters that handlers read themselves."""
    about, statements = paths["/xapi/about"]["get"], paths["/xapi/statements"]
    versions = {"type": "object", "properties": {"version": {"type": "array", "items": {"type": "string"}}}}
    about["responses"]["200"]["content"] = {"application/json": {"schema": versions}}
    ids = {"type": "array", "items": {"type": "string", "format": "uuid"}}
    statements["post"]["responses"]["200"]["content"] = {"application/json": {"schema": ids}}
    statements["get"]["responses"]["200"]["content"] = {"application/json": {"schema": {"type": "object"}}}
    texts = ("agent", "verb", "activity", "since", "until")
    flags = ("related_activities", "related_agents", "attachments", "ascending")
    uuid = {"type": "string", "format": "uuid"}
    names: dict[str, dict[str, Any]] = dict.fromkeys(("statementId", "voidedStatementId", "registration"), uuid)
    names |= {name: {"type": "string"} for name in texts} | {name: {"type": "boolean"} for name in flags}
    names["limit"] = {"type": "integer", "minimum": 0}
    names["format"] = {"type": "string", "enum": ["ids", "exact", "canonical"]}
    asked = [{"name": name, "in": "query", "schema": schema} for name, schema in names.items()]
    statements["get"]["parameters"] = [_VERSION, *asked]
    statements["post"]["parameters"] = [_VERSION]
    statements["put"]["parameters"] = [
        _VERSION,
        {"name": "statementId", "in": "query", "required": True, "schema": uuid},
    ]
