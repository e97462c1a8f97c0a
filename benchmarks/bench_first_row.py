"""Time until an adviser's browser shows the first row of the caseload, and the first answer: the drawer of that row.

    python -m benchmarks.bench_first_row [--learners 2000] [--rounds 4]

As in ux.md, 3.2: a fresh profile each time; *fast* is without brakes, *slow* a processor four times slower, 10 Mbit/s
and 40 ms. Server and browser share the machine and whatever else runs on it, so the best of the rounds says most.
"""

import argparse
import os
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Final

from benchmarks.bench_pages import make
from headway.web.address import slug
from tests.support.first_row import Cost, cost_of
from tests.support.pages import RUN
from tests.support.tabs import ARGUMENTS, serving

CASELOAD: Final = f"/caseload?run={slug(RUN)}"


def main() -> None:
    """Makes a home, opens its caseload in Chromium, and prints a table."""
    from playwright.sync_api import sync_playwright

    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--learners", type=int, default=2_000)
    asked.add_argument("--rounds", type=int, default=4)
    told = asked.parse_args()
    chromium = shutil.which(os.environ.get("CHROMIUM", "chromium"))
    if chromium is None:
        raise SystemExit("no Chromium: install the package chromium, or name it by CHROMIUM")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = Path(folder) / "home"
        make(home, told.learners)
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        with serving(home, browser) as site:
            cost_of(site, "adviser", CASELOAD, slow=False)  # the server's first answer compiles and reads
            found: dict[str, list[Cost]] = {"fast": [], "slow": []}
            for _ in range(told.rounds):
                for profile, costs in found.items():
                    costs.append(cost_of(site, "adviser", CASELOAD, slow=profile == "slow"))
        browser.close()
    one, load = found["fast"][0], os.getloadavg()[0]
    print(f"{told.learners:,} learners, {told.rounds} rounds, load {load:.1f} on {os.cpu_count()} processors")
    print(f"{one.packed / 1000:.1f} KB to the first answer, {len(one.before_row)} requests before the page had loaded")
    print("profile  first row ms (best/median)  first answer ms (best/median)  blocked ms (best)  shift (most)")
    for profile, costs in found.items():
        rows, answers = [each.row_ms for each in costs], [each.answer_ms for each in costs]
        told_row = f"{min(rows):.0f}/{statistics.median(rows):.0f}"
        told_answer = f"{min(answers):.0f}/{statistics.median(answers):.0f}"
        blocked, shift = min(each.blocked_ms for each in costs), max(each.shift for each in costs)
        print(f"{profile:7}  {told_row:>26}  {told_answer:>29}  {blocked:17.0f}  {shift:12.4f}")


if __name__ == "__main__":
    main()
