"""The simulator's acts as tracking log lines of Open edX, and its final results as that platform's certificates.

Promises that the source `edx` reads every line, in the same run, learner and moment as the simulated records. People
are made up, addresses are of the kinds that are kept for documentation (RFC 2606, RFC 5737).
"""

import json
from typing import Any, Final

from headway.sources.simulation.acts import Act, length_s
from headway.sources.simulation.forms import ORGANISATION, Thing, things_of
from headway.sources.simulation.lines import Template
from headway.sources.simulation.plan import Run

HOST: Final = "courses.example.org"
STAFF: Final = 1 << 33  # the user who gives marks; learners have numbers below 2**32
ORDER: Final = (
    *("user", "own", "other", "origin", "position", "percent", "attempt"),
    *("user", "user", "known", "at"),
)
MOST: Final = 100  # marks are out of this

_AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
_BARE: Final = ("user", "origin", "position", "percent", "attempt")
_THREAD: Final = "000000000000#{slot}#"
_RIGHT: Final = {Act.NONE_RIGHT: 0, Act.ONE_RIGHT: 1, Act.TWO_RIGHT: 2, Act.ALL_RIGHT: 3}


def course_key(run: Run) -> str:
    """The platform's key of the run."""
    return f"course-v1:{ORGANISATION}+{run.course.code}+{run.name}"


def native_run(run: Run) -> str:
    """The run as the source `edx` calls it."""
    return f"edx/{ORGANISATION}+{run.course.code}/{run.name}"


def template_of(run: Run) -> Template:
    """The templates of a run's lines."""
    things, lines = things_of(run), _Lines(run)
    return lambda act, thing: lines.line(Act(act), things[thing], thing)


def dumped(value: Any) -> str:
    """JSON in which a slot that is a value of its own stands without quotes, if it is for a number."""
    text = json.dumps(value)
    for slot in _BARE:
        text = text.replace(f'"#{slot}#"', f"#{slot}#")
    return text


class _Lines:
    """Lines of one run."""

    def __init__(self, run: Run) -> None:
        self.key = course_key(run)
        self.path = f"/courses/{self.key}"
        self.block = self.key.replace("course-v1", "block-v1")

    def line(self, act: Act, thing: Thing, number: int) -> str | None:
        if act in (Act.ENROLLED, Act.WITHDREW):
            name = f"edx.course.enrollment.{'activated' if act is Act.ENROLLED else 'deactivated'}"
            event = {"course_id": self.key, "user_id": "#user#", "mode": "audit"}
            return self._server(name, event, received=True)
        if act is Act.VIEWED:
            path = f"{self.path}/courseware/{thing.place}/{thing.name}/"
            return self._server(path, '{"POST": {}, "GET": {}}', received=True, path=path)
        if act is Act.WENT_ON:
            tabs = {"current_tab": 1, "tab_count": 4, "widget_placement": "top"}
            page = {"id": self._block("sequential", thing.name), **tabs}
            return self._browser("edx.ui.lms.sequence.next_selected", page, thing)
        if act in (Act.PLAYED, Act.SEEKED, Act.PAUSED, Act.SAW_WHOLE):
            return self._video(act, thing, number)
        if act in (Act.READ, Act.OPENED, Act.REPLIED):
            return self._forum(act, thing)
        if act in _RIGHT:
            return self._check(thing, _RIGHT[act])
        return self._handed_in(thing) if act is Act.SUBMITTED else self._mark(thing)

    def _block(self, kind: str, name: str) -> str:
        return f"{self.block}+type@{kind}+block@{name}"

    def _video(self, act: Act, thing: Thing, number: int) -> str:
        about: dict[str, Any] = {"id": thing.name, "code": "html5", "duration": length_s(number)}
        if act is Act.SEEKED:
            places = {"old_time": "#origin#", "new_time": "#position#", "type": "onSlideSeek"}
            return self._browser("seek_video", {**about, **places}, thing)
        name = {Act.PLAYED: "play_video", Act.PAUSED: "pause_video", Act.SAW_WHOLE: "stop_video"}[act]
        return self._browser(name, {**about, "currentTime": "#position#"}, thing)

    def _forum(self, act: Act, thing: Thing) -> str:
        own, about = (_THREAD.format(slot=slot) for slot in ("own", "other"))
        forum = {"commentable_id": thing.name, "category_name": thing.title}
        if act is Act.REPLIED:
            event = {"id": own, "discussion": {"id": about}, **forum}
            return self._server("edx.forum.response.created", event, received=True)
        if act is Act.READ:
            return self._server("edx.forum.thread.viewed", {"id": about, **forum}, received=True)
        event = {"id": own, "thread_type": "discussion", **forum}
        return self._server("edx.forum.thread.created", event, received=True)

    def _check(self, thing: Thing, right: int | None) -> str:
        """A problem handed in: practice of three items, or a test, of which only the mark is told."""
        marks = (
            {}
            if right is None
            else {
                f"{thing.name}_{item + 2}_1": {
                    "correctness": "correct" if item < right else "incorrect",
                    "npoints": None,
                }
                for item in range(3)
            }
        )
        event = {
            "problem_id": self._block("problem", thing.name),
            "grade": "#percent#",
            "max_grade": MOST,
            "attempts": "#attempt#",
            "success": "correct" if right == 3 else "incorrect",
            "correct_map": marks,
        }
        return self._server("problem_check", event, received=True, module=("problem", thing))

    def _handed_in(self, thing: Thing) -> str:
        if thing.type == "test":
            return self._check(thing, None)
        if thing.type == "exam":
            exam = {"exam_content_id": self._block("sequential", thing.name), "attempt_user_id": "#user#"}
            return self._server("edx.special_exam.timed.attempt.submitted", exam, received=True)
        module = ("openassessment", thing)
        event: dict[str, Any] = {"attempt_number": 1, "answer": {"parts": []}}
        return self._server("openassessmentblock.create_submission", event, received=True, module=module)

    def _mark(self, thing: Thing) -> str | None:
        """A mark that staff give; a test is marked when it is handed in."""
        if thing.type == "test":
            return None
        event: dict[str, Any] = {"course_id": self.key, "user_id": "#user#"}
        if thing.type == "exam":
            event |= {"block_id": self._block("sequential", thing.name)}
            event |= {"weighted_graded_earned": "#percent#", "weighted_graded_possible": MOST}
            return self._server("edx.grades.subsection.score_overridden", event, by_staff=True)
        event |= {"problem_id": self._block("openassessment", thing.name)}
        event |= {"weighted_earned": "#percent#", "weighted_possible": MOST}
        return self._server("edx.grades.problem.submitted", event, by_staff=True)

    def _server(
        self,
        name: str,
        event: Any,
        *,
        received: bool = False,
        by_staff: bool = False,
        path: str | None = None,
        module: tuple[str, Thing] | None = None,
    ) -> str:
        context = self._context(path or f"{self.path}/xblock", by_staff=by_staff)
        if module:
            kind, thing = module
            context["module"] = {"display_name": thing.title, "usage_key": self._block(kind, thing.name)}
        if received:
            context["received_at"] = "#known#"
        told = {**self._head(name, by_staff=by_staff), "event": event, "event_source": "server", "context": context}
        return dumped({**told, "time": "#at#", "page": None})

    def _browser(self, name: str, event: dict[str, Any], thing: Thing) -> str:
        context = {**self._context("/event", by_staff=False), "received_at": "#known#"}
        page = f"https://{HOST}{self.path}/courseware/{thing.place}/{thing.name}/"
        told = {**self._head(name, by_staff=False), "event": dumped(event), "event_source": "browser"}
        return dumped({**told, "context": context, "time": "#at#", "page": page})

    def _head(self, name: str, *, by_staff: bool) -> dict[str, Any]:
        user = f"staff{STAFF}" if by_staff else "learner#user#"
        return {"username": user, "event_type": name, "name": name, "ip": "192.0.2.1", "agent": _AGENT, "host": HOST}

    def _context(self, path: str, *, by_staff: bool) -> dict[str, Any]:
        user = STAFF if by_staff else "#user#"
        return {"user_id": user, "org_id": ORGANISATION, "course_id": self.key, "path": path}
