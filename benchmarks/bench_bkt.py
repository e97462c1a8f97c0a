"""BKT beside pyBKT: the time to fit the same made-up answers in the same run, and how far parameters lie apart.

pyBKT 1.4.3 only works on numpy 1.26 and scikit-learn 1.5, so it needs an environment of its own:

    python3 -m venv /tmp/pybkt
    /tmp/pybkt/bin/pip install numpy==1.26.4 scikit-learn==1.5.2 pyBKT==1.4.3
    python -m benchmarks.bench_bkt --python /tmp/pybkt/bin/python

Times are of fitting alone, in processor seconds of the process and its children. pyBKT stops when a step gains less
than 0.005 in log-likelihood, which can lie some way before the optimum; its parameters are told as they are, and after
more of its own steps from there ("polished").
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path
from time import process_time
from typing import Any, Final

import numpy as np

from headway.models.mastery.bkt import NAMES, Bkt
from headway.models.mastery.responses import Responses

PEER: Final = """
import json, os, sys, warnings
warnings.filterwarnings("ignore")
import numpy as np
import pandas as pd
from pyBKT.fit import EM_fit
from pyBKT.models import Model

def seconds():
    told = os.times()
    return told.user + told.system + told.children_user + told.children_system

data = pd.read_csv(sys.argv[1])
names = {"order_id": "place", "skill_name": "skill", "correct": "correct", "user_id": "learner"}
model = Model(seed=1, num_fits=int(sys.argv[2]))
begun = seconds()
model.fit(data=data, defaults=names)
spent = seconds() - begun

def told(fit):
    return {name: float(np.ravel(fit[key])[0]) for name, key in
            (("prior", "prior"), ("learn", "learns"), ("forget", "forgets"), ("guess", "guesses"), ("slip", "slips"))}

found = {skill: told(fit) for skill, fit in model.fit_model.items()}
polished = {}
for skill, fit in model.fit_model.items():
    own = data[data.skill == skill].sort_values(["learner", "place"], kind="stable")
    lengths = own.groupby("learner", sort=True).size().to_numpy().astype(np.int64)
    starts = (np.cumsum(lengths) - lengths + 1).astype(np.int64)
    answers = {"data": (own.correct.to_numpy() + 1).astype(np.int32)[None, :], "starts": starts, "lengths": lengths,
               "resources": np.ones(len(own), dtype=np.int64), "notes": []}
    again, _ = EM_fit.EM_fit(dict(fit), answers, tol=1e-9, maxiter=int(sys.argv[3]), parallel=False)
    polished[skill] = told(again)
print(json.dumps({"seconds": spent, "found": found, "polished": polished}))
"""


def made(learners: int, skills: int, answers: int, seed: int = 1) -> dict[str, Any]:
    """Columns of made-up answers: learner, skill, correct."""
    random = np.random.default_rng(seed)
    columns: dict[str, list[Any]] = {"learner": [], "skill": [], "correct": []}
    for skill in range(skills):
        prior, learn, guess, slip = random.uniform([0.1, 0.05, 0.1, 0.05], [0.6, 0.3, 0.3, 0.2])
        known = random.random(learners) < prior
        for _ in range(answers):
            right = np.where(known, random.random(learners) >= slip, random.random(learners) < guess)
            columns["learner"] += list(range(learners))
            columns["skill"] += [f"s{skill}"] * learners
            columns["correct"] += right.astype(int).tolist()
            known |= random.random(learners) < learn
    return columns


def ours(columns: dict[str, Any]) -> tuple[float, dict[str, dict[str, float]]]:
    """Processor seconds of the fit, and parameters by skill."""
    skills = [[skill] for skill in columns["skill"]]
    who = [str(learner) for learner in columns["learner"]]
    responses = Responses.of(who, columns["skill"], skills, [right == 1 for right in columns["correct"]])
    begun = process_time()
    fitted = Bkt().fit(responses, seed=0)
    spent = process_time() - begun
    rows = fitted.chances.stacked().T.tolist()
    return spent, {skill: dict(zip(NAMES, row, strict=True)) for skill, row in zip(fitted.skills, rows, strict=True)}


def theirs(python: str, columns: dict[str, Any], starts: int, steps: int) -> dict[str, Any] | None:
    """What pyBKT found and how long it took; None where it cannot be run."""
    with tempfile.TemporaryDirectory() as folder:
        script, data = Path(folder) / "peer.py", Path(folder) / "answers.csv"
        script.write_text(PEER, encoding="utf-8")
        places = range(len(columns["learner"]))
        rows = zip(columns["learner"], columns["skill"], columns["correct"], places, strict=True)
        lines = [",".join(map(str, row)) for row in rows]
        data.write_text("\n".join(["learner,skill,correct,place", *lines, ""]), encoding="utf-8")
        command = [python, str(script), str(data), str(starts), str(steps)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError) as wrong:
            print(f"pyBKT is not there: {python} cannot run it ({getattr(wrong, 'stderr', '') or wrong}).")
            return None
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def apart(one: dict[str, dict[str, float]], other: dict[str, dict[str, float]]) -> float:
    """The greatest distance of a parameter of any skill."""
    return max(abs(one[skill][name] - other[skill][name]) for skill in one for name in NAMES)


def main() -> None:
    """Fits both and prints times, ratio and distances."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--python", default="", help="the Python of an environment with pyBKT")
    parser.add_argument("--learners", type=int, default=2000)
    parser.add_argument("--skills", type=int, default=10)
    parser.add_argument("--answers", type=int, default=20, help="of each learner on each skill")
    parser.add_argument("--starts", type=int, default=5, help="of pyBKT, 5 by its default; ours has 5")
    parser.add_argument("--steps", type=int, default=300, help="most further steps of pyBKT, for its polished answer")
    chosen = parser.parse_args()
    columns = made(chosen.learners, chosen.skills, chosen.answers)
    spent, found = ours(columns)
    print(
        f"{len(columns['learner']):,} answers, {chosen.skills} skills: headway fits in {spent:.2f} s of processor time"
    )
    if not chosen.python:
        print("pyBKT was not asked for: name the Python of its environment with --python (see this file's head).")
        return
    peer = theirs(chosen.python, columns, chosen.starts, chosen.steps)
    if peer is not None:
        print(f"pyBKT fits in {peer['seconds']:.2f} s: {peer['seconds'] / spent:.0f} times as long")
        told = (apart(found, peer["found"]), apart(found, peer["polished"]))
        print(f"greatest distance of a parameter: {told[0]:.5f} as pyBKT stopped, {told[1]:.5f} polished")


if __name__ == "__main__":
    main()
