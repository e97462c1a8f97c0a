"""Rules: the language of conditions, rules of the settings, the built-in ones, and what holds a task back."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from headway.advising.rules.conditions import COMPARISONS, Condition, condition
from headway.advising.rules.configured import rules_of
from headway.advising.rules.opening import Opened, Standing, admit
from headway.advising.rules.rule import RULES, Evidence, Hit, Read, Rule, Said, ScoredText
from headway.domain.errors import ConfigError, UnknownName
from headway.domain.time import AsOf
from headway.features.definition import FEATURES
from headway.live_settings import RuleSettings, span_of

NOW = datetime(2026, 3, 9, 7, 30, tzinfo=UTC)
AS_OF = AsOf(NOW)
RUN = "s/c/1"
NAMES = ("engagement_score", "assessments_missed", "last_score")
NAN = float("nan")


def evidence(columns: Mapping[str | tuple[str, int], Sequence[float]], **more: object) -> Evidence:
    filled: dict[Read, NDArray[np.float64]] = {
        (Read(name) if isinstance(name, str) else Read(*name)): np.array(values, dtype=float)
        for name, values in columns.items()
    }
    size = max((len(values) for values in filled.values()), default=0)
    learners = [f"s/{number}" for number in range(size)]
    return Evidence(RUN, AS_OF, learners, filled, **more)  # type: ignore[arg-type]  # fields as keywords


def concerned(rule: Rule, seen: Evidence) -> list[str]:
    return [hit.learner for hit in rule.decide(seen)]


class TestConditions:
    @pytest.mark.parametrize(
        ("text", "values", "holds"),
        [
            ("assessments_missed >= 2", [1, 2, NAN], [False, True, False]),
            ("assessments_missed>2", [2, 3, NAN], [False, True, False]),
            ("last_score < 0.5", [0.4999999, 0.4, NAN], [False, True, False]),
            ("last_score <= 0.5", [0.5, 0.51, NAN], [True, False, False]),
            ("last_score == 0.1", [0.1, 0.1 + 1e-9, NAN], [True, True, False]),
            ("last_score != 0", [0, 1, NAN], [False, True, False]),
            ("last_score is absent", [0, NAN, 1], [False, True, False]),
            ("last_score is present", [0, NAN, 1], [True, False, True]),
            ("last_score > -1.5", [-2, -1, NAN], [False, True, False]),
        ],
    )
    def test_of_now(self, text: str, values: list[float], holds: list[bool]) -> None:
        one = condition(text, NAMES)
        assert one.holds(evidence({one.feature: values})).tolist() == holds

    def test_of_a_fall_and_a_rise(self) -> None:
        seen = evidence({"engagement_score": [50, 80, NAN, 30], ("engagement_score", 7): [70, 50, 70, NAN]})
        assert condition("engagement_score fell by >= 20 in 7d", NAMES).holds(seen).tolist() == [True] + [False] * 3
        assert (
            condition("engagement_score rose by > 20 in 7d", NAMES).holds(seen).tolist() == [False, True] + [False] * 2
        )

    def test_of_days_in_a_row(self) -> None:
        seen = evidence({("engagement_score", ago): [30, 30 + 20 * (ago == 1), NAN] for ago in range(3)})
        one = condition("engagement_score < 40 for 3d", NAMES)
        assert one.reads == (Read("engagement_score"), Read("engagement_score", 1), Read("engagement_score", 2))
        assert one.holds(seen).tolist() == [True, False, False]

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "assessments_missed",
            "assessments_missed >= ",
            "assessments_missed >= two",
            "assessments_missed = 2",
            "assessments_missed >= 2 and last_score < 1",
            "assessments_missed >= 2; import os",
            "__import__('os').system('true') >= 1",
            "assessments_missed >= 1e99",
            "assessments_missed >= ２",
            "assessments_missed >= 2 for 3 days",
            "assessments_missed >= 2\n>= 3",
            "2 >= assessments_missed",
            "engagement_score fell by 20 in 7d",
            "x" * 300,
        ],
    )
    def test_anything_else_is_refused_with_examples(self, text: str) -> None:
        with pytest.raises(ConfigError, match=r"is no condition\. Write it like one of: assessments_missed >= 2"):
            condition(text, NAMES)

    @pytest.mark.parametrize("text", ["engagement_score < 4 for 0d", "engagement_score < 4 for 29d"])
    def test_days_have_bounds(self, text: str) -> None:
        with pytest.raises(ConfigError, match="from 1d to 28d"):
            condition(text, NAMES)

    def test_an_unknown_feature_is_answered_with_near_ones(self) -> None:
        with pytest.raises(UnknownName, match="Did you mean 'assessments_missed'"):
            condition("missed_assessments >= 2", NAMES)

    @given(st.text(max_size=80))
    def test_no_text_does_anything_but_become_a_condition_or_be_refused(self, text: str) -> None:
        try:
            one = condition(text, NAMES)
        except (ConfigError, UnknownName):
            return
        assert one.feature in NAMES

    @given(
        st.sampled_from(NAMES),
        st.sampled_from(sorted(COMPARISONS)),
        st.decimals(-999, 999, places=3),
        st.sampled_from(["", " for {}d", "change"]),
        st.integers(1, 28),
        st.sampled_from(["fell", "rose"]),
    )
    def test_what_is_written_is_what_is_read(
        self, name: str, sign: str, number: object, form: str, days: int, change: str
    ) -> None:
        text = f"{name} {change} by {sign} {number} in {days}d" if form == "change" else f"{name} {sign} {number}"
        text += form.format(days) if form != "change" else ""
        one = condition(text, NAMES)
        assert condition(str(one), NAMES) == one
        assert (one.feature, one.sign, one.number) == (name, sign, float(str(number)))

    @given(st.lists(st.one_of(st.none(), st.integers(-5, 5)), min_size=1, max_size=20), st.integers(-5, 5))
    def test_comparisons_are_those_of_numbers(self, values: list[int | None], number: int) -> None:
        seen = evidence({"last_score": [NAN if value is None else value for value in values]})
        for sign, compare in COMPARISONS.items():
            found = Condition("last_score", sign, number).holds(seen).tolist()
            assert found == [value is not None and compare(value, number) for value in values]


class TestConfiguredRules:
    def made(self, **sections: RuleSettings) -> dict[str, Rule]:
        return {rule.name: rule for rule in rules_of(sections, [*FEATURES.names(), "course_day"])}

    def test_the_built_in_ones_are_there(self) -> None:
        assert set(self.made()) >= {
            "missed_two_quizzes_and_silent",
            "engagement_below",
            "never_started",
            "risk_above_cut",
            "distress_text",
        }

    def test_one_of_the_settings(self) -> None:
        section = RuleSettings(
            when=("assessments_missed >= 1", "last_score < 0.4"),
            cool_down="3d",
            list="check_in",
            text="{assessments_missed} missed, last score {last_score}",
            per_day=3,
        )
        rule = self.made(low=section)["low"]
        assert (rule.cool_down, rule.list, rule.per_day, rule.rests_on_silence) == (
            timedelta(days=3),
            "check_in",
            3,
            True,
        )
        seen = evidence({"assessments_missed": [1, 2, 0], "last_score": [0.3, 0.5, 0.1]})
        (hit,) = rule.decide(seen)
        assert hit.learner == "s/0"
        assert rule.sentence(hit) == "1 missed, last score 0.3"

    def test_without_a_text_it_tells_its_conditions(self) -> None:
        rule = self.made(low=RuleSettings(when=("last_score<0.4",)))["low"]
        assert rule.sentence(Hit("s/0", {})) == "last_score < 0.4"

    def test_who_is_furthest_comes_first(self) -> None:
        rule = self.made(low=RuleSettings(when=("last_score < 0.9",)))["low"]
        hits = rule.decide(evidence({"last_score": [0.5, 0.1, 0.8]}))
        assert [hit.learner for hit in sorted(hits, key=lambda hit: -hit.strength)] == ["s/1", "s/0", "s/2"]

    def test_a_built_in_one_can_be_changed_and_switched_off(self) -> None:
        rules = self.made(
            never_started=RuleSettings(enabled=False), risk_above_cut=RuleSettings(cool_down="14d", runs=("s/*",))
        )
        assert not rules["never_started"].enabled
        assert rules["risk_above_cut"].cool_down == timedelta(days=14)
        assert rules["risk_above_cut"].runs == ("s/*",)

    @pytest.mark.parametrize(
        ("name", "section", "words"),
        [
            ("mine", RuleSettings(), r"The rule mine in the settings: it has no `when`"),
            ("never_startd", RuleSettings(list="check_in"), "Did you mean 'never_started'"),
            ("mine", RuleSettings(when=("missed_assessments >= 2",)), "Did you mean .*'assessments_missed'"),
            ("mine", RuleSettings(when=("last_score >",)), "is no condition"),
            ("never_started", RuleSettings(when=("last_score > 1",)), "has its own conditions"),
            ("mine", RuleSettings(when=("last_score > 1",), text="{last_score.__class__}"), "write a plain name"),
            ("mine", RuleSettings(when=("last_score > 1",), text="{last_score!r}"), "write a plain name"),
            ("mine", RuleSettings(when=("last_score > 1",), text="{mean_score}"), "Unknown placeholder 'mean_score'"),
            ("mine", RuleSettings(when=("last_score > 1",), text="{"), "cannot be read"),
        ],
    )
    def test_what_does_not_fit_is_named(self, name: str, section: RuleSettings, words: str) -> None:
        with pytest.raises(ConfigError, match=words):
            rules_of({name: section}, FEATURES.names())

    @given(st.text(min_size=1, max_size=60), st.sampled_from(["", "{last_score}"]))
    def test_a_sentence_is_told_as_it_stands(self, text: str, placeholder: str) -> None:
        plain = text.replace("{", "").replace("}", "") + "."
        section = RuleSettings(when=("last_score > 1",), text=plain + placeholder)
        (rule,) = [one for one in rules_of({"mine": section}, FEATURES.names()) if one.name == "mine"]
        assert rule.sentence(Hit("s/0", {"last_score": 2.0})) == plain + ("2" if placeholder else "")

    @given(st.text(alphabet="{}.[]!:_ax0", min_size=1, max_size=12))
    def test_braces_are_plain_names_or_refused(self, text: str) -> None:
        try:
            rules_of({"mine": RuleSettings(when=("last_score > 1",), text=text)}, ["last_score", "a", "x"])
        except ConfigError:
            return
        assert not re.search(r"(?<!\{)\{(?!\{)[^{}]*[^a-z0-9_{}]", text.replace("{{", "").replace("}}", ""))

    @pytest.mark.parametrize("text", ["7", "7 days", "0d", "-1d", "1w", "999999d", "1.5h", ""])
    def test_spans_are_strict(self, text: str) -> None:
        with pytest.raises(ValueError, match="write a whole number and a unit"):
            span_of(text)


class TestBuiltInRules:
    def test_every_rule_reads_what_is_there(self) -> None:
        known = {*FEATURES.names(), "course_day"}
        for rule in RULES:
            assert {read.feature for read in rule.reads} <= known
            assert rule.summary

    def test_missed_two_and_silent(self) -> None:
        seen = evidence({"assessments_missed": [2, 2, 1, 3, 2], "days_since_last_activity": [5, 4, 9, 20, NAN]})
        rule = RULES.get("missed_two_quizzes_and_silent")
        assert concerned(rule, seen) == ["s/0", "s/3"]
        assert rule.sentence(rule.decide(seen)[1]) == "3 assessments not handed in, last visit 20 days ago"

    @pytest.mark.parametrize(
        ("day", "lead", "total", "found"),
        [
            (6, 10, 0, False),
            (7, 10, 0, True),
            (7, 10, 1, False),
            (7, 10, NAN, True),
            (20, -14, 0, False),
            (21, -14, 0, True),
        ],
    )
    def test_never_started(self, day: float, lead: float, total: float, found: bool) -> None:
        seen = evidence({"course_day": [day], "registered_lead_days": [lead], "interactions_total": [total]})
        assert bool(concerned(RULES.get("never_started"), seen)) is found

    @pytest.mark.parametrize(
        ("before", "now", "found"),
        [(45, 39, True), (39, 30, False), (90, 66, False), (90, 65, True), (NAN, 10, False), (45, NAN, False)],
    )
    def test_engagement_below(self, before: float, now: float, found: bool) -> None:
        seen = evidence({"engagement_score": [now], ("engagement_score", 7): [before]})
        assert bool(concerned(RULES.get("engagement_below"), seen)) is found

    def test_risk_above_cut_is_as_long_as_the_capacity(self) -> None:
        said = {f"s/{place}": Said(0.9, place, "run-1", None) for place in range(1, 6)}
        rule = RULES.get("risk_above_cut")
        hits = rule.decide(evidence({}, predictions=said, capacity=2))
        assert [hit.learner for hit in hits] == ["s/1", "s/2"]
        assert rule.sentence(hits[0]) == "Among the first in this week's list"

    def test_distress_asks_for_a_person_and_quotes_nothing(self) -> None:
        texts = [
            ScoredText("s/a", "01", 0.9, True),
            ScoredText("s/a", "02", 0.6, True),
            ScoredText("s/b", "03", 0.2, False),
        ]
        rule = RULES.get("distress_text")
        (hit,) = rule.decide(evidence({}, texts=texts))
        assert (hit.learner, hit.records, hit.strength) == ("s/a", frozenset({"01", "02"}), 0.9)
        assert rule.sentence(hit) == "A text may ask for help: please read it today"
        assert rule.urgent
        assert not rule.rests_on_silence

    def test_a_rule_sees_only_what_it_named(self) -> None:
        with pytest.raises(ConfigError, match="without naming it in `reads`"):
            evidence({"last_score": [1]}).value("mean_score")


def rule_of(name: str = "one", **changes: object) -> Rule:
    given: dict[str, object] = {
        "name": name,
        "summary": name,
        "list": "reach_out",
        "text": name,
        "decide": lambda _: [],
    }
    return Rule(**(given | changes))  # type: ignore[arg-type]  # fields as keywords


def hits(*learners: str) -> list[Hit]:
    return [Hit(learner, {}, float(-place)) for place, learner in enumerate(learners)]


def opened(found: list[Opened]) -> list[tuple[str, str]]:
    return [(one.rule, task.learner) for one in found for task in one.tasks]


class TestOpening:
    def admitted(self, *found: tuple[Rule, list[Hit]], capacity: int = 9, **standing: object) -> list[Opened]:
        return admit(found, Standing(**standing), RUN, AS_OF, NOW, capacity)  # type: ignore[arg-type]  # fields as keywords

    def test_one_task_for_each_learner_and_rule(self) -> None:
        long_ago = NOW - timedelta(days=90)
        (one,) = self.admitted((rule_of(), hits("a", "b")), tasks={("a", "one"): (long_ago, "reach_out")})
        assert [task.learner for task in one.tasks] == ["b"]
        assert one.counts() == {"concerned": 2, "opened": 1, "has_a_task": 1}

    def test_a_second_task_only_for_a_list_that_asks_for_more(self) -> None:
        long_ago = NOW - timedelta(days=90)
        standing = {("a", "other"): (long_ago, "check_in"), ("b", "other"): (long_ago, "reach_out")}
        assert opened(self.admitted((rule_of(), hits("a", "b")), tasks=standing)) == [("one", "a")]
        assert opened(self.admitted((rule_of(list="check_in"), hits("a", "b")), tasks=standing)) == []

    def test_of_two_rules_at_once_the_one_that_asks_for_more(self) -> None:
        found = self.admitted((rule_of("a_small", list="check_in"), hits("a")), (rule_of("b_large"), hits("a")))
        assert opened(found) == [("b_large", "a")]

    @pytest.mark.parametrize(("days", "opens"), [(6.9, False), (7, True)])
    def test_rest_after_a_task_and_after_a_contact(self, days: float, opens: bool) -> None:
        at = NOW - timedelta(days=days)
        assert bool(opened(self.admitted((rule_of(), hits("a")), tasks={("a", "one"): (at, None)}))) is opens
        assert bool(opened(self.admitted((rule_of(), hits("a")), contacts={"a": at}))) is opens

    def test_who_asked_not_to_be_contacted_is_left_alone(self) -> None:
        (one,) = self.admitted((rule_of(), hits("a")), not_to_contact={"a"})
        assert one.counts() == {"concerned": 1, "opened": 0, "asked_not_to": 1}

    def test_capacity_of_a_week_counts_what_was_opened(self) -> None:
        before = [("other", "reach_out", NOW - timedelta(days=6.9)), ("other", "reach_out", NOW - timedelta(days=7.1))]
        (one,) = self.admitted((rule_of(), hits("a", "b", "c")), capacity=3, opened=before)
        assert [task.learner for task in one.tasks] == ["a", "b"]
        assert one.held == {"capacity": 1}

    def test_other_lists_do_not_use_the_capacity(self) -> None:
        found = self.admitted((rule_of(list="check_in"), hits("a", "b", "c")), capacity=0)
        assert len(opened(found)) == 3

    @pytest.mark.parametrize("limited", [rule_of(per_day=2), rule_of(per_week=2)])
    def test_limits_of_a_rule(self, limited: Rule) -> None:
        before = [("one", "reach_out", NOW - timedelta(hours=5))]
        (one,) = self.admitted((limited, hits("a", "b", "c")), opened=before)
        assert [task.learner for task in one.tasks] == ["a"]

    def test_nothing_holds_an_urgent_rule_back_but_its_own_task(self) -> None:
        urgent = rule_of("urgent", urgent=True, cool_down=timedelta(days=1))
        standing: dict[str, object] = {
            "tasks": {("a", "other"): (NOW, "reach_out"), ("b", "urgent"): (NOW, "reach_out")},
            "contacts": {"a": NOW},
            "not_to_contact": {"a"},
        }
        assert opened(self.admitted((urgent, hits("a", "b")), capacity=0, **standing)) == [("urgent", "a")]

    def test_a_task_tells_when_it_expires_and_what_was_seen(self) -> None:
        rule = rule_of(due_in=timedelta(days=3), text="{x} of {y}")
        (one,) = self.admitted((rule, [Hit("a", {"x": 2.0, "y": None})]))
        (task,) = one.tasks
        assert (task.due_at, task.reason, task.evidence) == (NOW + timedelta(days=3), "2 of –", {"x": 2.0, "y": None})
        assert (task.as_of, task.opened_at, task.status) == (NOW, NOW, "open")

    @given(
        st.lists(
            st.tuples(st.sampled_from("abc"), st.sampled_from(["reach_out", "check_in"]), st.booleans()), max_size=4
        ),
        st.lists(st.sampled_from("uvwxyz"), max_size=6, unique=True),
        st.integers(0, 4),
    )
    def test_never_more_than_capacity_and_never_anyone_twice(
        self, specs: list[tuple[str, str, bool]], learners: list[str], capacity: int
    ) -> None:
        found = [
            (rule_of(f"{name}{place}", list=where, urgent=urgent), hits(*learners))
            for place, (name, where, urgent) in enumerate(specs)
        ]
        made = self.admitted(*found, capacity=capacity)
        urgent_rules = {rule.name for rule, _ in found if rule.urgent}
        plain = [task for one in made for task in one.tasks if one.rule not in urgent_rules]
        assert sum(task.list == "reach_out" for task in plain) <= capacity
        for name in ("reach_out", "check_in"):
            of_list = [task.learner for task in plain if task.list == name]
            assert len(of_list) == len(set(of_list))
        for one in made:
            assert one.concerned == len(one.tasks) + sum(one.held.values())
