"""The relations that features read: one or more rows for each spine row, named by `row`.

- `days`: one row per local day with activity: `age_days` (0 = the as-of day itself), `course_day`, `interactions`,
  `weekday` (0 = Monday), `gap_days` (days without activity before it, null for the first), `streak_days` (active days
  in a row that end with it, itself included).
- `objects`: one row per object used: `first_age_days`, `last_age_days`.
- `types`: one row per day and type of activity: `age_days`, `course_day`, `type`, `interactions`.
- `hours`: one or more rows per four hours of the day, of acts whose time of day is known: `band` (0 = from midnight),
  `interactions`.
- `sessions`: one row per local day with acts whose time is known: `age_days`, `sessions`, `seconds` (time on task, see
  `headway.features.sessions`), `longest_s` (of one session).
- `videos`: one or more rows per recording and day: `age_days`, `video`, `plays`, `pauses`, `back` and `forward`
  (jumps), `watched_s`, `share` (of the recording's length, 0 where that is not known).
- `posts`: one row per post or reply that the learner wrote: `age_days`, `is_reply`, `answers` (replies to it by
  others), `is_answered`.
- `answers`: one row per answer to an item: `age_days`, `correct`, `is_known` (whether it was judged), `attempt`,
  `hints`.
- `skills`: one row per skill that judged answers, or else their items, name: `answers`, `right` (of them), `mastery`
  (what these two numbers alone suggest: (right + 1) / (answers + 2)), `first_age_days`, `last_age_days`.
- `texts`: one row per forum post or survey answer whose words are kept: `age_days`, `words`, `asks` (has a question
  mark), `is_difficult` (speaks of difficulty, in English words).
- `hand_ins`: one row per assessment of the run: `weight`, `type`, `due_in_days` (negative: past), `is_due`,
  `submitted` (bool), `late_days` (negative: early), `submitted_age_days`, `score` (0-1, known results only), `order`
  (by due date), `attempts`, `wait_share` (share of the time from opening to due date that passed before it was handed
  in).
- `planned`: one row per material with a planned day that the learner has opened: `planned_age_days` (negative: its day
  is still to come), `on_time` (opened in the seven days from its day on, or before).
- `others`: one row per other run of the same learner: `ended`, `withdrawn`, `passed` (bools), `final_score`.
- `facts`: one row: `registered_lead_days`, `days_left`, `run_days`, `previous_attempts`, `studied_credits`,
  `planned_items` (materials whose planned day has come).
"""

from collections.abc import Callable
from typing import Any, Final

from headway.features.known import Sources
from headway.features.relations import activity, assessments, folded, forums, learner, practice, texts, timed

ONE_PER_ROW: Final = ("facts",)
"""Relations whose features are expressions rather than aggregates."""

RELATIONS: Final[dict[str, Callable[[Sources], Any]]] = {
    "days": activity.days,
    "objects": activity.objects,
    "types": activity.types,
    "hours": timed.hours,
    "sessions": timed.sessions_a_day,
    "videos": timed.videos,
    "posts": forums.posts,
    "answers": assessments.answers,
    "skills": practice.skills,
    "texts": texts.texts,
    "hand_ins": assessments.hand_ins,
    "planned": assessments.planned,
    "others": learner.others,
    "facts": learner.facts,
}
"""What each relation means; the code of these functions is part of a view's hash."""

FASTER: Final[dict[str, Callable[[Sources], Any]]] = {
    "days": folded.days,
    "objects": folded.objects,
    "types": folded.types,
    "planned": folded.planned,
}
"""How some of them are computed: another way to the same rows, so not part of any hash."""
