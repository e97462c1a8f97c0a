"""A small sample for every registered source, and how to read a source to the end.

`CASES` names a function that writes the sample into an empty folder and gives the request for it. All of it is made up.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from headway.domain.records import KINDS, REJECTS
from headway.sources.source import Delivery, Request, Source
from tests.contract import (
    caliper_case,
    canvas_case,
    edx_case,
    moodle_case,
    records_case,
    tabular_cases,
    warehouse_case,
    xapi_case,
)

OULAD: Final = {
    "courses": """code_module,code_presentation,module_presentation_length
XYZ,2013J,240
XYZ,2014B,200
""",
    "vle": """id_site,code_module,code_presentation,activity_type,week_from,week_to
11,XYZ,2013J,oucontent,,
12,XYZ,2013J,forumng,,
13,XYZ,2013J,quiz,2,3
21,XYZ,2014B,resource,?,?
""",
    "assessments": """code_module,code_presentation,id_assessment,assessment_type,date,weight
XYZ,2013J,101,TMA,19,40
XYZ,2013J,102,CMA,54,60
XYZ,2013J,103,Exam,,100
XYZ,2014B,201,TMA,30,0
""",
    "studentRegistration": """code_module,code_presentation,id_student,date_registration,date_unregistration
XYZ,2013J,1001,-60,
XYZ,2013J,1002,-10,40
XYZ,2013J,1003,5,
XYZ,2014B,1001,-20,
XYZ,2014B,1004,,12
""",
    "studentInfo": """code_module,code_presentation,id_student,gender,region,highest_education,imd_band,age_band,\
num_of_prev_attempts,studied_credits,disability,final_result
XYZ,2013J,1001,M,Scotland,HE Qualification,20-30%,35-55,0,60,N,Pass
XYZ,2013J,1002,F,Wales,A Level or Equivalent,?,0-35,1,120,Y,Withdrawn
XYZ,2013J,1003,F,"London Region",Lower Than A Level,50-60%,0-35,0,60,N,Fail
XYZ,2014B,1001,M,Scotland,HE Qualification,20-30%,35-55,1,30,N,Distinction
XYZ,2014B,1004,F,Ireland,No Formal quals,,55<=,0,60,N,Withdrawn
""",
    "studentAssessment": """id_assessment,id_student,date_submitted,is_banked,score
101,1001,18,0,80
101,1002,25,0,
102,1001,54,0,50
101,1003,-1,1,70
201,1001,29,0,90
""",
    "studentVle": """code_module,code_presentation,id_student,id_site,date,sum_click
XYZ,2013J,1001,11,-5,3
XYZ,2013J,1001,11,-5,3
XYZ,2013J,1001,12,26,1
XYZ,2013J,1002,13,8,14
XYZ,2013J,1003,11,180,2
XYZ,2014B,1001,21,0,7
XYZ,2014B,1004,21,58,1
""",
}

CSV_TABLES: Final = {
    "runs.csv": """course,term,first_day,last_day,published
BIO101,2024A,02/09/2024,20/12/2024,01/06/2024
""",
    "enrolments.csv": """course;term;number;state;enrolled_on;left_on
BIO101;2024A;s1001;A;15/08/2024;
BIO101;2024A;s1002;A;20/08/2024;14/10/2024
BIO101;2024A;s1003;X;21/08/2024;
""",
    "clicks.csv": '''who,at,page,run
s1001,2024-10-26T23:30:00,intro,BIO101
s1001,2024-10-27T00:30:00Z,intro,BIO101
s1002,2024-09-03,"a, quoted ""page""",BIO101
s1002,2024-09-03,"a, quoted ""page""",BIO101
''',
}

CSV_MAPPING: Final = """
source_name = "college"
zone = "Europe/London"

[[table]]
file = "runs.csv"
kind = "course_runs"
run = "{source_name}/{course}/{term}"
occurred_at = { column = "published", format = "%d/%m/%Y" }
[table.columns]
starts_on = { column = "first_day", format = "%d/%m/%Y" }
ends_on = { column = "last_day", format = "%d/%m/%Y" }

[[table]]
file = "enrolments.csv"
kind = "enrolments"
delimiter = ";"
run = "{source_name}/{course}/{term}"
learner = "number"
learner_is_pseudonym = false
occurred_at = { column = "enrolled_on", format = "%d/%m/%Y" }
[table.columns]
status = { column = "state", values = { A = "enrolled" } }

[[table]]
file = "clicks.csv"
kind = "statements"
run = "{source_name}/{run}/2024A"
learner = "who"
learner_is_pseudonym = false
occurred_at = "at"
[table.columns]
verb = { constant = "viewed" }
object = "page"
"""

KEY: Final = b"a key for tests, no secret"


def oulad(folder: Path) -> Request:
    """A made-up data set of OULAD's form: two runs, four learners."""
    for table, text in OULAD.items():
        (folder / f"{table}.csv").write_text(text, encoding="utf-8")
    return Request([folder])


def csv(folder: Path) -> Request:
    """Three tables of a made-up college; the mapping lies beside the folder, so that nothing mistakes it for data."""
    for name, text in CSV_TABLES.items():
        (folder / name).write_text(text, encoding="utf-8")
    place = folder.parent / f"{folder.name}-map.toml"
    place.write_text(CSV_MAPPING, encoding="utf-8")
    return Request([folder], {"map": str(place)}, KEY)


def simulated(folder: Path) -> Request:
    """Two small made-up runs; nothing is read from the folder."""
    assert folder.is_dir()
    return Request([], {"learners": "30", "runs": "2", "seed": "1"})


def edx(folder: Path) -> Request:
    """A made-up tracking log and table dumps of one course of Open edX."""
    edx_case.write(folder)
    return Request([folder], {}, KEY)


def xapi(folder: Path) -> Request:
    """Made-up xAPI statements of two courses."""
    xapi_case.write(folder)
    return Request([folder], {}, KEY)


def caliper(folder: Path) -> Request:
    """Made-up Caliper envelopes of one course section."""
    caliper_case.write(folder)
    return Request([folder], {}, KEY)


def canvas(folder: Path) -> Request:
    """A made-up course of Canvas: Live Events, page views, submissions."""
    canvas_case.write(folder)
    return Request([folder], {}, KEY)


def moodle(folder: Path) -> Request:
    """A made-up Moodle course as log report, log store and grade book."""
    moodle_case.write(folder)
    return Request([folder], moodle_case.OPTIONS, KEY)


def warehouse(folder: Path) -> Request:
    """A made-up warehouse in DuckDB."""
    return warehouse_case.in_duckdb(folder, KEY)


def records(folder: Path) -> Request:
    """Made-up plain records of one run."""
    records_case.write(folder)
    return Request([folder], {}, KEY)


CASES: Final[dict[str, Callable[[Path], Request]]] = {
    "caliper": caliper,
    "canvas": canvas,
    "csv": csv,
    "edx": edx,
    "moodle": moodle,
    "oulad": oulad,
    "records": records,
    "simulated": simulated,
    "warehouse": warehouse,
    "xapi": xapi,
    **tabular_cases.CASES,
}
MADE: Final = frozenset({"simulated", "warehouse"})  # sources that read no file


@dataclass(frozen=True)
class Read:
    """All that a source delivered: its records by kind, and the rows it refused."""

    records: dict[str, pa.Table]
    rejects: pa.Table

    def rows(self, kind: str) -> list[dict[str, Any]]:
        """The records of a kind."""
        return self.records[kind].to_pylist() if kind in self.records else []

    def reasons(self) -> list[tuple[str, int, str]]:
        """File, line and reason of every refused row."""
        return sorted((row["file"], row["line"], row["reason"]) for row in self.rejects.to_pylist())

    def counts(self) -> dict[str, int]:
        """Records by kind."""
        return {kind: table.num_rows for kind, table in self.records.items() if table.num_rows}


def drain(source: Source, request: Request) -> Read:
    """All that the source delivers, one delivery after the other."""
    return drained(source.read(request))


def drained(deliveries: Iterable[Delivery]) -> Read:
    """All that is in the deliveries, which must have the columns of their kinds."""
    batches: dict[str, list[pa.RecordBatch]] = {}
    rejects = [REJECTS.empty_table()]
    for delivery in deliveries:
        assert delivery.records.schema.equals(KINDS[delivery.kind].schema), delivery.kind
        assert delivery.rejects.schema.equals(REJECTS)
        held = batches.setdefault(delivery.kind, [])
        for batch in delivery.records:
            assert batch.schema.equals(KINDS[delivery.kind].schema), delivery.kind
            held.append(batch)
        rejects.append(delivery.rejects)
    records = {kind: pa.Table.from_batches(held, KINDS[kind].schema) for kind, held in batches.items()}
    return Read(records, pa.concat_tables(rejects))
