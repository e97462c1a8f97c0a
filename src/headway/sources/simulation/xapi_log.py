"""The simulator's acts as xAPI statements (1.0.3), videos by the xAPI video profile 1.0.

Promises that the source `xapi` reads every line, in the same run, learner and moment as the simulated records. A
statement's id is made of the world, the run, the act and the event's serial number, so that none comes twice.
"""

import json
from typing import Any, Final

from headway.sources.simulation.acts import Act, length_s
from headway.sources.simulation.forms import ORGANISATION, Thing, things_of
from headway.sources.simulation.lines import Template
from headway.sources.simulation.plan import Run

HOME: Final = "https://lms.example.org"
ORDER: Final = (
    *("own", "user", "own", "other", "score", "seconds", "origin", "position", "position", "progress", "other"),
    *("at", "known"),
)

_BARE: Final = ("score", "origin", "progress")
_VIDEO: Final = "https://w3id.org/xapi/video"
_TYPES: Final = {
    "page": "http://activitystrea.ms/schema/1.0/page",
    "video": f"{_VIDEO}/activity-type/video",
    "quiz": "http://adlnet.gov/expapi/activities/cmi.interaction",
    "forum": "http://id.tincanapi.com/activitytype/forum",
    "thread": "http://id.tincanapi.com/activitytype/forum-topic",
    "reply": "http://id.tincanapi.com/activitytype/forum-reply",
    "assignment": f"{HOME}/types/assignment",
    "test": f"{HOME}/types/test",
    "exam": f"{HOME}/types/exam",
    "course": "http://adlnet.gov/expapi/activities/course",
}
_ADL: Final = "http://adlnet.gov/expapi/verbs"
_VERBS: Final = {
    Act.ENROLLED: f"{_ADL}/registered",
    Act.WITHDREW: "http://id.tincanapi.com/verb/unregistered",
    Act.VIEWED: "http://id.tincanapi.com/verb/viewed",
    Act.WENT_ON: "http://id.tincanapi.com/verb/viewed",
    Act.READ: "http://id.tincanapi.com/verb/viewed",
    Act.OPENED: f"{_ADL}/posted",
    Act.REPLIED: "http://id.tincanapi.com/verb/replied",
    Act.PLAYED: f"{_VIDEO}/verbs/played",
    Act.SEEKED: f"{_VIDEO}/verbs/seeked",
    Act.PAUSED: f"{_VIDEO}/verbs/paused",
    Act.SAW_WHOLE: f"{_ADL}/completed",
    Act.NONE_RIGHT: f"{_ADL}/answered",
    Act.ONE_RIGHT: f"{_ADL}/answered",
    Act.TWO_RIGHT: f"{_ADL}/answered",
    Act.ALL_RIGHT: f"{_ADL}/answered",
    Act.SUBMITTED: "http://activitystrea.ms/schema/1.0/submit",
    Act.MARKED: f"{_ADL}/scored",
}


def course_iri(run: Run) -> str:
    """The IRI of the run."""
    return f"{HOME}/courses/course-v1:{ORGANISATION}+{run.course.code}+{run.name}"


def native_run(run: Run) -> str:
    """The run as the source `xapi` calls it."""
    return f"xapi/{ORGANISATION}+{run.course.code}/{run.name}"


def native_id(user: str) -> str:
    """What the source `xapi` hashes for this account."""
    return f"account\x1f{HOME}\x1f{user}"


def template_of(run: Run, fingerprint: int) -> Template:
    """The templates of a run's statements, in a world with this number."""
    things, lines = things_of(run), _Lines(run, fingerprint)
    return lambda act, thing: lines.line(Act(act), things[thing], thing)


class _Lines:
    """Statements of one run."""

    def __init__(self, run: Run, fingerprint: int) -> None:
        self.run = run
        self.course = course_iri(run)
        self.world = f"{fingerprint:08x}-{run.number:04x}"

    def line(self, act: Act, thing: Thing, number: int) -> str:
        told: dict[str, Any] = {
            "id": f"{self.world}-4{act:03x}-8000-#own#",
            "actor": {"objectType": "Agent", "account": {"homePage": HOME, "name": "#user#"}},
            "verb": {"id": _VERBS[act]},
            "object": self._object(act, thing),
        }
        if result := self._result(act):
            told["result"] = result
        told["context"] = self._context(act, thing, number)
        # A mark happens when it is released.
        stored = {} if act is Act.MARKED else {"stored": "#known#"}
        told |= {"version": "1.0.3", "timestamp": "#at#", **stored}
        text = json.dumps(told)
        for slot in _BARE:
            text = text.replace(f'"#{slot}#"', f"#{slot}#")
        return text.replace('time": "#position#"', 'time": #position#').replace(
            'time-to": "#position#"', 'time-to": #position#'
        )

    def _activity(self, kind: str, place: str, title: str) -> dict[str, Any]:
        return {
            "objectType": "Activity",
            "id": f"{HOME}/{place}",
            "definition": {"type": _TYPES[kind], "name": {"en": title}},
        }

    def _named(self, thing: Thing) -> dict[str, Any]:
        return self._activity(thing.type, f"things/{thing.name}", thing.title)

    def _object(self, act: Act, thing: Thing) -> dict[str, Any]:
        if act in (Act.ENROLLED, Act.WITHDREW):
            return {
                "objectType": "Activity",
                "id": self.course,
                "definition": {"type": _TYPES["course"], "name": {"en": self.run.course.title}},
            }
        if act is Act.REPLIED:
            return self._activity("reply", f"posts/{self.run.number}-#own#", "Reply")
        if act in (Act.READ, Act.OPENED):
            slot = "own" if act is Act.OPENED else "other"
            return self._activity("thread", f"threads/{self.run.number}-#{slot}#", "Thread")
        return self._named(thing)

    def _result(self, act: Act) -> dict[str, Any]:
        seen = {f"{_VIDEO}/extensions/played-segments": "0[.]#position#"}
        if act is Act.PLAYED:
            return {"extensions": {f"{_VIDEO}/extensions/time": "#position#"}}
        if act is Act.SEEKED:
            places = {"time-from": "#origin#", "time-to": "#position#"}
            return {"extensions": {f"{_VIDEO}/extensions/{name}": place for name, place in places.items()}}
        if act in (Act.PAUSED, Act.SAW_WHOLE):
            more = {f"{_VIDEO}/extensions/progress": "#progress#"}
            return {"extensions": {f"{_VIDEO}/extensions/time": "#position#", **seen, **more}}
        if act is Act.MARKED:
            return {"score": {"scaled": "#score#"}}
        if Act.NONE_RIGHT <= act <= Act.ALL_RIGHT:
            return {"score": {"scaled": "#score#"}, "success": act > Act.NONE_RIGHT, "duration": "PT#seconds#S"}
        return {"duration": "PT#seconds#S"} if act in (Act.VIEWED, Act.WENT_ON, Act.READ) else {}

    def _context(self, act: Act, thing: Thing, number: int) -> dict[str, Any]:
        course = {"id": self.course, "definition": {"type": _TYPES["course"]}}
        around: dict[str, Any] = {"grouping": [course]}
        if act is Act.REPLIED:
            around = {"parent": [self._activity("thread", f"threads/{self.run.number}-#other#", "Thread")], **around}
        elif act is Act.OPENED:
            around = {"parent": [self._named(thing)], **around}
        if thing.type != "video" or act in (Act.ENROLLED, Act.WITHDREW):
            return {"contextActivities": around}
        around["category"] = [{"id": _VIDEO}]
        return {"contextActivities": around, "extensions": {f"{_VIDEO}/extensions/length": length_s(number)}}
