"""Made-up people for the demo: names, groups and one account that may try every role."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

import numpy as np
import sqlalchemy as sa

from headway.domain.errors import InputError
from headway.flow.app import App
from headway.flow.people import keep_people, set_groups
from headway.governance import accounts, vault
from headway.governance.accounts import Account
from headway.governance.scopes import Grant
from headway.governance.vault import Person
from headway.scoring import kept, pages
from headway.scoring.kept import ScoreRun
from headway.store.tables import GROUP_MEMBERS

FIRST: Final = (
    "Ada Amir Ana Anouk Aoife Arjun Aya Ben Bilal Carla Chidi Chloe Dana Daniel Deniz Elif Emil Ewa Femi "
    "Fatima Grace Hana Hugo Ines Ivan Jae Jonas Julia Kaito Karim Kofi Lea Lena Leo Lina Luca Maja Marta "
    "Mateo Mei Milan Mina Nadia Nia Noor Olga Omar Oskar Priya Quinn Rafael Rosa Ruth Sami Sara Selin "
    "Sofia Tariq Theo Tomás Uma Vera Wen Yara Yusuf Zoe Åsa Émile"
)
LAST: Final = (
    "Abebe Ahmed Almeida Andersen Bauer Bianchi Chen Costa Dahl Diallo Diaz Eriksson Fofana Fischer "
    "Garcia Haddad Hansen Horvat Ito Jansen Jovanović Kaya Khan Kim Kowalska Kumar Larsen Lopez Mbeki "
    "Meyer Mitchell Moreau Müller Nakamura Ncube Nguyen Novák Okafor Oliveira Özdemir Park Patel Petrov "
    "Quispe Rahman Rossi Sato Silva Šimić Singh Smith Suzuki Tanaka Torres Varga Virtanen Wagner Walsh "
    "Wong Yılmaz Zhang"
)
GROUP_OF: Final = 20
_LONG: Final = 1e6


def invent_people(app: App, run: str, learners: Sequence[str], seed: int = 1) -> list[str]:
    """The groups that the learners of a run were put into; each gets a name that belongs to nobody."""
    rng = np.random.default_rng(seed)
    names = _names(rng, len(learners))
    people = {
        learner: Person(name, str(100_000 + at), f"learner{100_000 + at}@example.org", f"+44 20 7946 0{at % 1000:03d}")
        for at, (learner, name) in enumerate(zip(sorted(learners), names, strict=True))
    }
    keep_people(app, people)
    groups = [f"G{1 + at // GROUP_OF}" for at in range(len(people))]
    set_groups(app, run, dict(zip(people, groups, strict=True)))
    return sorted(set(groups), key=lambda group: int(group[1:]))


def demo_account(app: App, run: str, learner: str, group: str, at: datetime) -> Account:
    """The account that the demo is signed in with: every role, over the demo's made-up people."""
    with app.store.begin() as connection:
        known = {account.name: account for account in accounts.every(connection)}
        if "demo" in known:
            return known["demo"]
        grants = [Grant("adviser"), Grant("tutor", run, group), Grant("instructor"), Grant("data_scientist")]
        grants += [Grant("governance"), Grant("learner", run, learner=learner)]
        return accounts.create(connection, at, app.actor, "demo", grants, shown_as="M. Adviser")


def open_demo(app: App, run: str, capacity: int) -> str:
    """The path of a link that is good once: it signs in to the demo, at the caseload with its first learner opened.

    Names are invented for everyone who was scored, and the account is made, unless they are there.
    """
    with app.store.read() as connection:
        score_run = pages.newest(connection, run)
        if score_run is None:
            raise InputError(f"{run} was not scored yet. Run: headway demo")
        learners = [said.learner for said in kept.predictions_of(connection, score_run)]
        known = set(vault.known(connection))
        first, somebody = _first(connection, score_run)
    if not known.issuperset(learners):
        invent_people(app, run, learners)
    with app.store.read() as connection:
        same = (GROUP_MEMBERS.c.run == run) & (GROUP_MEMBERS.c.learner == first)
        group = connection.execute(sa.select(GROUP_MEMBERS.c.group_name).where(same)).scalar_one()
    account = demo_account(app, run, somebody, group, app.clock.now())
    with app.store.begin() as connection:
        accounts.keep_settings(connection, account.id, {**account.settings, "capacity": capacity})
        token = accounts.start(connection, app.clock.now(), account, "adviser")
    return f"/demo/{token}?{urlencode({'run': run.replace('/', '~'), 'learner': first.replace('/', '~')})}"


def _first(connection: sa.Connection, score_run: ScoreRun) -> tuple[str, str]:
    """The learner whom the caseload puts first, and one in its middle who was there lately, to see the own page as."""
    scored = [said for said in kept.predictions_of(connection, score_run) if said.risk is not None]
    scored.sort(key=lambda said: (-(said.risk or 0), -(said.low or 0), said.learner))
    middle = scored[len(scored) // 2 :]
    lately = min(middle, key=lambda said: _LONG if said.days_since_visit is None else said.days_since_visit)
    return scored[0].learner, lately.learner


def _names(rng: np.random.Generator, n: int) -> list[str]:
    """First and last names, no pair twice while there are enough."""
    first, last = FIRST.split(), LAST.split()
    every = len(first) * len(last)
    chosen = rng.permutation(every)[np.arange(n) % every]
    return [f"{first[at // len(last)]} {last[at % len(last)]}" for at in chosen]
