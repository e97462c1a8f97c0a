"""How many xAPI statements a core reads, validates and prepares in a second.

`python benchmarks/bench_xapi_validation.py`
Counts CPU seconds of this process (user and system), so that other work on the machine changes little; the best of a
few rounds is told. Every statement is another: ids, learners, objects and times differ, so that only what repeats in
real traffic (verbs, types, languages, extension keys) is found in the caches.
"""

import argparse
import json
import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from headway.intake.xapi.query import index_terms
from headway.intake.xapi.statement import parse, prepare, validate, validate_all

WORLD = "https://lms.example"
AUTHORITY = {"objectType": "Agent", "account": {"homePage": WORLD, "name": "key-1"}}
STORED = "2026-03-05T09:00:05.250Z"


def small(number: int) -> dict[str, Any]:
    """A view of a page: what most statements are like."""
    return {
        "id": str(uuid.UUID(int=(number * 0x9E3779B97F4A7C15) % 2**128, version=4)),
        "actor": {"objectType": "Agent", "account": {"homePage": WORLD, "name": f"learner-{number % 5003}"}},
        "verb": {"id": "http://id.tincanapi.com/verb/viewed", "display": {"en": "viewed"}},
        "object": {
            "objectType": "Activity",
            "id": f"{WORLD}/course/9/page/{number % 997}",
            "definition": {"type": "http://activitystrea.ms/schema/1.0/page", "name": {"en": f"Page {number % 997}"}},
        },
        "timestamp": f"2026-03-{1 + number % 28:02d}T{number % 24:02d}:{number % 60:02d}:07.{number % 1000:03d}Z",
    }


def rich(number: int) -> dict[str, Any]:
    """An answer in a quiz with score, course and extensions."""
    course = {"id": f"{WORLD}/course/9", "definition": {"type": "http://adlnet.gov/expapi/activities/course"}}
    return small(number) | {
        "result": {
            "score": {"scaled": 0.5, "raw": 5, "min": 0, "max": 10},
            "success": number % 2 == 0,
            "completion": True,
            "response": f"choice-{number % 7}",
            "duration": f"PT{number % 600}.25S",
            "extensions": {f"{WORLD}/x/tries": number % 4},
        },
        "context": {
            "registration": str(uuid.UUID(int=number, version=4)),
            "contextActivities": {
                "parent": [{"id": f"{WORLD}/course/9/quiz/{number % 31}"}],
                "grouping": [course],
                "category": [{"id": "https://w3id.org/xapi/lms"}],
            },
            "platform": "LMS",
            "language": "en",
            "extensions": {f"{WORLD}/x/session": f"{number:x}", f"{WORLD}/x/device": {"kind": "phone", "width": 390}},
        },
        "version": "1.0.0",
    }


def measure(what: str, count: int, work: Callable[[], Any], rounds: int) -> dict[str, Any]:
    """Microseconds and statements per CPU second of the best round."""
    best = min(_seconds(work) for _ in range(rounds))
    print(f"{what:58} {best / count * 1e6:8.2f} us   {count / best:10,.0f} statements/s")
    return {"what": what, "us": best / count * 1e6, "per_s": count / best}


def _seconds(work: Callable[[], Any]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def run(kind: str, make: Callable[[int], dict[str, Any]], count: int, rounds: int) -> list[dict[str, Any]]:
    """The measures of one kind of statement."""
    made = [make(number) for number in range(count)]
    single = [json.dumps(statement, separators=(",", ":")).encode() for statement in made]
    batches = [b"[" + b",".join(single[start : start + 50]) + b"]" for start in range(0, count, 50)]
    size = sum(map(len, single)) // count
    sound = [parse(body, "1.0.3")[0] for body in single]
    kept = [prepare(one, stored=STORED, authority=AUTHORITY, version="1.0.3") for one in sound]

    def each(work: Callable[[Any], object], values: list[Any]) -> Callable[[], None]:
        def once() -> None:
            for value in values:
                work(value)

        return once

    def whole() -> None:
        for body in single:
            (statement,) = parse(body, "1.0.3")
            validate(statement, "1.0.3")

    def in_batches() -> None:
        for body in batches:
            validate_all(parse(body, "1.0.3"), "1.0.3")

    def road() -> None:
        for body in batches:
            read = parse(body, "1.0.3")
            validate_all(read, "1.0.3")
            for statement in read:
                prepare(statement, stored=STORED, authority=AUTHORITY, version="1.0.3")

    name = f"{kind}, {size} bytes:"
    return [
        measure(f"{name} JSON alone (msgspec, no checks)", count, each(msgspec.json.decode, single), rounds),
        measure(f"{name} parse (strict JSON)", count, each(partial(parse, version="1.0.3"), single), rounds),
        measure(f"{name} validate", count, each(partial(validate, version="1.0.3"), sound), rounds),
        measure(f"{name} parse and validate, one by one", count, whole, rounds),
        measure(f"{name} parse and validate, batches of 50", count, in_batches, rounds),
        measure(f"{name} parse, validate and prepare, batches of 50", count, road, rounds),
        measure(f"{name} index_terms", count, each(index_terms, kept), rounds),
    ]


def main() -> None:
    """Measure small and rich statements, print a line each, and JSON where asked."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--count", type=int, default=20_000, help="statements of each kind")
    options.add_argument("--rounds", type=int, default=5, help="rounds, of which the best is told")
    options.add_argument("--json", action="store_true", help="print the measures as JSON too")
    given = options.parse_args()
    measures = run("small", small, given.count, given.rounds) + run("rich", rich, given.count, given.rounds)
    if given.json:
        print(json.dumps(measures))


if __name__ == "__main__":
    main()
