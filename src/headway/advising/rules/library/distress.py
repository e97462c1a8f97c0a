"""The rule about texts that may be a call for help: a person reads at once what a model points to."""

from collections.abc import Sequence

from headway.advising.rules.rule import RECORDS, Evidence, Hit, ScoredText, rule


@rule(
    needs=("texts",),
    list="reach_out",
    text="A text may ask for help: please read it today",
    cool_down_days=1,
    rests_on_silence=False,
    urgent=True,
)
def distress_text(e: Evidence) -> Sequence[Hit]:
    """A text that sounds like distress: a person is to read it; nothing is decided by the score."""
    found: dict[str, list[ScoredText]] = {}
    for text in sorted(e.texts, key=lambda one: (one.learner, one.record)):
        if text.above:
            found.setdefault(text.learner, []).append(text)
    return [
        Hit(learner, {RECORDS: " ".join(text.record for text in texts)}, max(text.score for text in texts))
        for learner, texts in found.items()
    ]
