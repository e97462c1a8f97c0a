"""The planted truth: what is latent in every simulated learner, for tests that ask whether headway finds it.

Never an input of a model, and never a record: no source delivers it.
"""

from typing import Final

import numpy as np
import pyarrow as pa

from headway.sources.simulation.drafts import label, local_dates
from headway.sources.simulation.people import RHYTHMS, SEGMENTS
from headway.sources.simulation.plan import Floats
from headway.sources.simulation.weeks import Fate
from headway.sources.simulation.world import Block, World

TRUTH: Final = pa.schema(
    [
        ("run", pa.string()),
        ("learner", pa.string()),
        ("ability", pa.float64()),
        ("motivation_start", pa.float64()),
        ("motivation_slope", pa.float64()),  # change from the first week to the last, without swings
        ("time", pa.float64()),
        ("hours_per_week", pa.float64()),
        ("segment", pa.string()),
        ("rhythm", pa.string()),
        ("decided_on", pa.date32()),  # the day on which they stopped; null for who stayed
        ("withdrew_on", pa.date32()),
        ("motivation", pa.list_(pa.float64())),  # by week
        ("hazard", pa.list_(pa.float64())),  # by week: true chance of deciding to leave, given still there
        ("finish_probability", pa.float64()),
        ("finished", pa.bool_()),
        ("label", pa.string()),
        ("risk", pa.list_(pa.float64())),  # by week: true chance of not finishing of who is there when it begins
        ("contacted_on", pa.date32()),  # null for who was not contacted
        ("finished_if_not_contacted", pa.bool_()),
        ("finished_if_contacted", pa.bool_()),
        ("finish_probability_if_contacted", pa.float64()),
    ]
)


def truth_of(world: World) -> pa.Table:
    """The planted truth of the whole world, one row per run and learner, schema `TRUTH`."""
    return pa.concat_tables([truth_of_block(block, world) for run in world.runs for block in world.blocks(run)])


def truth_of_block(block: Block, world: World) -> pa.Table:
    """The planted truth of one block."""
    true, fate = block.people.true, block.fate
    contact_day = 7 * (world.knobs.contact_week - 1)
    columns = {
        "run": np.repeat(block.run.id, len(block.learner)),
        "learner": block.learner,
        "ability": true.ability,
        "motivation_start": true.motivation,
        "motivation_slope": true.slope,
        "time": true.time,
        "hours_per_week": true.hours,
        "segment": np.array(SEGMENTS)[true.segment],
        "rhythm": np.array(RHYTHMS)[block.people.rhythm],
        "decided_on": local_dates(block.run, fate.decided_day),
        "withdrew_on": local_dates(block.run, fate.left_day),
        "motivation": pa.array(list(block.life.motivation)),
        "hazard": pa.array(list(fate.hazard)),
        "finish_probability": fate.finish_probability,
        "finished": fate.finished,
        "label": label(block),
        "risk": pa.array(list(_risk(fate))),
        "contacted_on": local_dates(block.run, np.where(block.contacted, contact_day, block.run.days)),
        "finished_if_not_contacted": block.if_not_contacted.finished,
        "finished_if_contacted": block.if_contacted.finished,
        "finish_probability_if_contacted": block.if_contacted.finish_probability,
    }
    return pa.table(columns, schema=TRUTH)


def _risk(fate: Fate) -> Floats:
    stays = np.cumprod(1 - fate.hazard, axis=1)
    before = np.concatenate([np.ones((len(stays), 1)), stays[:, :-1]], axis=1)
    return np.asarray(1 - fate.finish_probability[:, None] / before)
