"""What reasons cost: contributions and sentences of 10,000 learners, with boosting, the forest and logistic regression.

Learners are made up, with the numbers of a whole view: what is measured does not depend on what they mean.
"""

from typing import Any, Final

from headway.benchmarks.benchmark import Benchmark, Order, Outcome
from headway.benchmarks.measure import in_turn, measured
from headway.features.views import view_of

LEARNED_FROM: Final = 3_000
FULL: Final = 10_000


def tell(model: str, n: int) -> dict[str, Any]:
    """Seconds of the processor for contributions and for sentences, of `n` learners by one model."""
    from time import process_time

    import numpy as np

    from headway.explanation.reasons import reasons
    from headway.explanation.shapley import explainer
    from headway.features.definition import FEATURES
    from headway.models.model import MODELS, Matrix
    from headway.scoring.predict import REASONS, medians

    random = np.random.default_rng(1)
    names = view_of().features
    values = np.round(random.lognormal(1.0, 1.0, (LEARNED_FROM + n, len(names))), 1)
    values[random.random(values.shape) < 0.05] = np.nan
    signal = np.nansum(np.log1p(values[:, :12]) * random.normal(size=12), axis=1)
    labels = (signal > np.median(signal)).astype(np.float64)[:LEARNED_FROM]
    past, cohort = Matrix(names, values[:LEARNED_FROM]), Matrix(names, values[LEARNED_FROM:])
    fitted = MODELS.get(model).fit(past, labels, np.ones(LEARNED_FROM), 7)
    begun = process_time()
    added = explainer(fitted, cohort, 7).contributions(cohort)
    explained = process_time()
    told = reasons(cohort, added, {name: FEATURES.get(name) for name in names}, medians(cohort), top=REASONS)
    done = process_time()
    return {
        "learners": len(told),
        "told": sum(len(each) for each in told),
        "contributions_cpu_s": round(explained - begun, 2),
        "reasons_cpu_s": round(done - begun, 2),
    }


def _reasons(order: Order) -> Outcome:
    """Reasons of `n` learners by three kinds of models, each in a process of its own with the fit before it."""
    order.say("boosting, logistic regression and the forest, one after the other")
    models = ("boosting", "logistic", "forest")

    def task(model: str) -> Any:
        return lambda: measured(tell, order.threads, model=model, n=order.n)

    found = in_turn({model: task(model) for model in models}, order.repeat)
    growth = [{"model": model, "n": order.n, **found[model].answer, **found[model].told()} for model in models]
    return Outcome(order.n, found["boosting"], growth=growth, more={"repeat": order.repeat, "threads": order.threads})


BENCHMARKS = (
    Benchmark("reasons", "contributions and sentences of 10,000 learners (n learners)", 2_000, FULL, _reasons, 1),
)
