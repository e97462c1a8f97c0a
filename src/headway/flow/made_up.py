"""Made-up people for the demo: names, groups and one account that may try every role."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import numpy as np

from headway.flow.app import App
from headway.flow.people import keep_people, set_groups
from headway.governance import accounts
from headway.governance.accounts import Account
from headway.governance.scopes import Grant
from headway.governance.vault import Person

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


def _names(rng: np.random.Generator, n: int) -> list[str]:
    """First and last names, no pair twice while there are enough."""
    first, last = FIRST.split(), LAST.split()
    every = len(first) * len(last)
    chosen = rng.permutation(every)[np.arange(n) % every]
    return [f"{first[at // len(last)]} {last[at % len(last)]}" for at in chosen]
