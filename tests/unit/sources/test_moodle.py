"""The Moodle source: what rows of its exports become, and which are refused."""

import gzip
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.domain.errors import HeadwayError, InputError, SourceError
from headway.domain.vocabulary import ACTIVITY_TYPES, VERBS
from headway.governance.pseudonyms import pseudonym
from headway.sources.moodle import Moodle
from headway.sources.moodle_events import _TABLE, of_class, of_report
from headway.sources.moodle_grades import items_of
from headway.sources.moodle_words import report_columns
from headway.sources.source import Request
from tests.contract.moodle_case import GRADES, LOGSTORE, OPTIONS, REPORT
from tests.contract.source_cases import KEY, Read, drain

HEADER = "Time,User full name,Affected user,Event context,Component,Event name,Description,Origin,IP address\n"
VIEWED = "The user with id '11' viewed the 'quiz' activity with course module id '41'."


def read(tmp_path: Path, files: dict[str, str], **options: str) -> Read:
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    paths = [tmp_path / name for name in files]
    return drain(Moodle(), Request(paths, options, KEY))


def report(tmp_path: Path, rows: str, **options: str) -> Read:
    return read(tmp_path, {"log.csv": HEADER + rows}, **{"run": "moodle/7/1", "zone": "UTC", **options})


def row(description: str, **values: str) -> str:
    cells = {
        "time": "18/09/23, 11:02",
        "user": "Ada Brook",
        "affected": "-",
        "context": "Quiz: Cells",
        "component": "Quiz",
        "event": "Course module viewed",
        "description": description,
        "origin": "web",
        "ip": "10.0.0.1",
        **values,
    }
    return ",".join(f'"{value}"' for value in cells.values()) + "\n"


def learner(native: str) -> str:
    return f"moodle/{pseudonym(native, KEY)}"


def test_every_row_of_the_three_forms_is_counted_once(tmp_path: Path) -> None:
    found = read(tmp_path, {"a.csv": REPORT, "b.csv": LOGSTORE, "c.csv": GRADES}, **OPTIONS)
    assert found.counts() == {
        "course_runs": 1, "activities": 8, "enrolments": 2, "statements": 10, "results": 2, "outcomes": 1
    }  # fmt: skip
    assert [reason for _, _, reason in found.reasons()] == ["automated_job", "no_course", "login_as"]


def test_both_forms_of_a_log_know_the_same_learner_run_thread_and_module(tmp_path: Path) -> None:
    one = read(tmp_path, {"a.csv": REPORT}, zone="Europe/London").rows("statements")
    other = read(tmp_path, {"b.csv": LOGSTORE}).rows("statements")
    (posted,) = [s for s in one if s["event"] == "Post created"]
    told = [s for s in other if s["event"].endswith("post_created")]
    assert posted["learner"] == told[0]["learner"] == learner("12")
    assert posted["run"] == told[0]["run"] == "moodle/7/1"
    assert {s["parent"] for s in (posted, *told)} == {"discussion/8"}, "JSON and PHP-serialised alike"
    assert [s["object"] for s in (posted, *told)] == ["post/9", "post/19", "post/20"]
    assert {(s["verb"], s["object_type"]) for s in (posted, *told)} == {("replied", "message")}


def test_local_times_are_turned_into_instants(tmp_path: Path) -> None:
    found = report(tmp_path, row(VIEWED), zone="Europe/Berlin").rows("statements")
    assert found[0]["occurred_at"] == datetime(2023, 9, 18, 9, 2, tzinfo=UTC)
    assert (found[0]["hour"], str(found[0]["occurred_on"])) == (11, "2023-09-18")


LANGUAGES: dict[str, tuple[str, str, str, str, str]] = {
    "German": (
        ("Zeit,Vollständiger Name,Betroffene/r Nutzer/in,Ereigniskontext,Komponente,Ereignisname,Beschreibung,Herkunft,"
         "IP-Adresse"),
        "18.09.23, 11:02", "Test: Zellen", "Test", "Kursmodul angesehen",
    ),
    "French": (
        ("Heure,Nom complet de l'utilisateur,Utilisateur touché,Contexte de l'événement,Composant,Nom de l'événement,"
         "Description,Origine,Adresse IP"),
        "18/09/23, 11:02", "Test: Cellules", "Test", "Module de cours consulté",
    ),
    "Spanish": (
        ("Hora,Nombre completo del usuario,Usuario afectado,Contexto del evento,Componente,Nombre evento,Descripción,"
         "Origen,Dirección IP"),
        "18/09/23, 11:02", "Cuestionario: Células", "Cuestionario", "Módulo de curso visto",
    ),
    "Portuguese": (
        "Hora,Nome completo,Usuário afetado,Contexto do Evento,Componente,Nome do evento,Descrição,Origem,endereço IP",
        "18/09/23, 11:02", "Questionário: Células", "Questionário", "Módulo do curso visualizado",
    ),
    "Italian": (
        ("Ora,Nome completo utente,Utente coinvolto,Contesto dell'evento,Componente,Nome evento,Descrizione,Origine,"
         "Indirizzo IP"),
        "18/09/23, 11:02", "Quiz: Cellule", "Quiz", "Visualizzato modulo corso",
    ),
    "Dutch": (
        ("Tijd,Volledige naam gebruiker,Betrokken gebruiker,Gebeurteniscontext,Component,Gebeurtenis,Beschrijving,"
         "Oorsprong,IP-adres"),
        "18-09-23, 11:02", "Test: Cellen", "Test", "Cursusmodule bekeken",
    ),
    "none we know": (
        "Ĉas,Nomo,Alia,Ĉirkaŭo,Parto,Okazo,Priskribo,Deveno,Adreso",
        "18 sep 2023, 11:02", "Quiz: Ĉeloj", "Quiz", "Rigardita",
    ),
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_is_read_in_every_common_language(tmp_path: Path, language: str) -> None:
    header, time, context, component, event = LANGUAGES[language]
    assert len(report_columns(header.split(","))) in (9, *([0, 1, 2, 3] if language.startswith("none") else []))
    text = header + "\r\n" + row(VIEWED, time=time, context=context, component=component, event=event)
    (found,) = read(tmp_path, {"log.csv": text}, run="moodle/7/1", zone="UTC").rows("statements")
    assert (found["verb"], found["object"], found["object_type"]) == ("viewed", "41", "quiz")
    assert found["occurred_at"] == datetime(2023, 9, 18, 11, 2, tzinfo=UTC)
    assert found["learner"] == learner("11")


def test_a_localised_description_gives_its_ids_by_their_order(tmp_path: Path) -> None:
    described = "Der Nutzer mit der ID '11' hat die Aktivität 'quiz' mit der Kursmodul-ID '41' angezeigt."
    found = report(tmp_path, row(described, context="Test: Zellen", component="Test", event="Kursmodul angesehen"))
    (statement,) = found.rows("statements")
    assert (statement["learner"], statement["object"], statement["object_type"]) == (learner("11"), "41", "quiz")


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("packed", [False, True])
def test_any_line_ending_is_read_and_packed_files_too(tmp_path: Path, ending: str, packed: bool) -> None:
    text = REPORT.replace("\n", ending).encode()
    path = tmp_path / ("log.csv.gz" if packed else "log.csv")
    path.write_bytes(gzip.compress(text) if packed else text)
    found = drain(Moodle(), Request([path], {"zone": "UTC"}, KEY))
    assert found.counts()["statements"] == 7


def test_columns_may_stand_in_any_order_and_be_separated_by_tabs_or_semicolons(tmp_path: Path) -> None:
    for delimiter in "\t;":
        names = HEADER.strip().split(",")
        cells = row(VIEWED).strip().strip('"').split('","')
        text = "\n".join(delimiter.join(reversed(line)) for line in (names, cells)) + "\n"
        found = read(tmp_path, {"log.csv": text}, run="moodle/7/1", zone="UTC")
        assert found.counts()["statements"] == 1


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"origin": "cron"}, "automated_job"),
        ({"origin": "cli"}, "automated_job"),
        ({"origin": "restore"}, "automated_job"),
        ({"user": "Root Admin as Ada Brook"}, "login_as"),
        ({"user": "-", "description": "The user with id '0' did this."}, "no_learner"),
        ({"user": "Guest user", "description": VIEWED.replace("11", "1")}, "no_learner"),
        ({"time": "31/09/23, 11:02"}, "bad_date"),
        ({"time": ""}, "bad_date"),
        ({"time": "18/09/1023, 11:02"}, "bad_date"),
        ({"user": "Nobody Known", "description": "Something happened."}, "unknown_learner"),
    ],
)
def test_what_no_learner_did_is_refused_with_its_reason(tmp_path: Path, values: dict[str, str], reason: str) -> None:
    description = values.pop("description", VIEWED)
    found = report(tmp_path, row(VIEWED) + row(description, **values))
    assert found.counts()["statements"] == 1
    assert found.reasons() == [("log.csv", 3, reason)]


def test_a_row_without_an_id_is_of_who_alone_has_that_name(tmp_path: Path) -> None:
    found = report(tmp_path, row(VIEWED) + row("Something happened."))
    assert [s["learner"] for s in found.rows("statements")] == [learner("11")] * 2


def test_two_people_of_one_name_are_not_mixed_up(tmp_path: Path) -> None:
    found = report(tmp_path, row(VIEWED) + row(VIEWED.replace("11", "12")) + row("Something happened."))
    assert found.reasons() == [("log.csv", 4, "unknown_learner")]


def test_a_report_without_ids_knows_learners_by_name(tmp_path: Path) -> None:
    hidden = VIEWED.replace("11", "x").replace("41", "x")
    found = report(tmp_path, row(hidden) + row(hidden, user="ada  BROOK"))
    assert {s["learner"] for s in found.rows("statements")} == {learner("name:ada brook")}
    assert {s["object"] for s in found.rows("statements")} == {"quiz/Cells"}


def test_who_acts_on_others_is_staff(tmp_path: Path) -> None:
    quiz = "for the quiz with course module id '41'."
    in_course = {"context": "Course: Biology", "component": "System"}
    described = {
        "The user with id '2' updated the grade with id '5' for the user with id '11'.": {
            **in_course,
            "event": "User graded",
        },
        f"The user with id '2' has viewed the attempt with id '5' belonging to the user with id '11' {quiz}": {},
        f"The user with id '11' has viewed the attempt with id '5' belonging to the user with id '11' {quiz}": {},
        f"The user with id '11' has had their attempt with id '5' reviewed by the user with id '2' {quiz}": {},
        "The user with id '11' viewed the profile for the user with id '12'.": {
            **in_course,
            "event": "User profile viewed",
        },
    }
    rows = [row(text, **values) for text, values in described.items()]
    found = report(tmp_path, "".join(rows)).rows("statements")
    assert [(s["learner"], s["role"]) for s in found] == [
        (learner("2"), "instructor"),
        (learner("2"), "instructor"),
        (learner("11"), None),
        (learner("2"), "instructor"),
        (learner("11"), None),
    ]


def test_enrolments_are_told_or_implied_for_learners_only(tmp_path: Path) -> None:
    found = read(tmp_path, {"a.csv": REPORT}, zone="UTC").rows("enrolments")
    assert {(e["learner"], e["status"], str(e["valid_from"])) for e in found} == {
        (learner("11"), "enrolled", "2023-09-15 08:00:00+00:00"),
        (learner("12"), "enrolled", "2023-09-17 09:09:00+00:00"),
    }


def test_equal_rows_are_as_many_events_and_a_second_file_with_them_is_no_more(tmp_path: Path) -> None:
    once = report(tmp_path, row(VIEWED) * 3)
    assert len({s["id"] for s in once.rows("statements")}) == 3
    twice = read(tmp_path, {"a.csv": HEADER + row(VIEWED) * 3, "b.csv": HEADER + row(VIEWED) * 2},
                 run="moodle/7/1", zone="UTC")  # fmt: skip
    assert {s["id"] for s in twice.rows("statements")} == {s["id"] for s in once.rows("statements")}


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        ({"log.csv": REPORT}, {}, "zone="),
        ({"log.csv": HEADER + row(VIEWED)}, {"zone": "UTC"}, "run="),
        ({"log.csv": HEADER + row(VIEWED, time="05/09/23, 11:02")}, {"zone": "UTC", "run": "moodle/7/1"}, "locale="),
        ({"log.csv": HEADER + row(VIEWED, time="18 Sep, 11:02")}, {"zone": "UTC", "run": "moodle/7/1"}, "year="),
        ({"log.csv": REPORT + REPORT.partition("\n")[2].replace("course with id '7'", "course with id '8'")},
         {"zone": "UTC"}, "2 courses"),
        ({"log.csv": HEADER.replace("Origin", "Zzz") + row(VIEWED)}, {"zone": "UTC"}, "no column for origin"),
        ({"x.csv": "a,b\n1,2\n"}, {}, "x.csv is no log report"),
        ({"b.csv": LOGSTORE.replace(",timecreated", ",when")}, {}, "timecreated"),
        ({"b.csv": LOGSTORE.replace("12,7,", "12,9,")}, {"run": "moodle/7/1"}, "several courses"),
        ({"c.csv": GRADES}, {"run": "moodle/7/1"}, "people=FILE"),
        ({"c.csv": GRADES}, {"run": "moodle/7/1", "learner": "name"}, "starts and ends"),
        ({"c.csv": GRADES}, {"learner": "name"}, "run="),
    ],
)  # fmt: skip
def test_what_cannot_be_known_is_asked_for(
    tmp_path: Path, files: dict[str, str], options: dict[str, str], message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        read(tmp_path, files, **options)


@pytest.mark.parametrize(
    "options",
    [{"learner": "mail"}, {"pass_mark": "none"}, {"pass_mark": "0"}, {"max_grade": "a lot"}, {"year": "18"},
     {"url": "mysql://reader:secret@host/moodle"}, {"url_env": "NO_SUCH_VARIABLE"}, {"locale": "en"}],
)  # fmt: skip
def test_options_without_a_usable_value_are_refused(tmp_path: Path, options: dict[str, str]) -> None:
    text = (
        REPORT.replace("18/09", "08/09").replace("17/09", "07/09").replace("16/09", "06/09").replace("15/09", "05/09")
    )
    with pytest.raises(InputError):
        read(tmp_path, {"log.csv": text, "c.csv": GRADES}, **{**OPTIONS, **options})


def logstore(tmp_path: Path, **values: str) -> Read:
    names = LOGSTORE.partition("\n")[0].split(",")
    cells = dict.fromkeys(names, "") | {
        "id": "9", "eventname": r"\mod_quiz\event\attempt_submitted", "component": "mod_quiz", "action": "submitted",
        "target": "attempt", "objectid": "5", "crud": "u", "contextlevel": "70", "contextinstanceid": "41",
        "userid": "11", "courseid": "7", "anonymous": "0", "timecreated": "1694941200", "origin": "web", **values,
    }  # fmt: skip
    line = ",".join('"' + value.replace('"', '""') + '"' for value in cells.values())
    return read(tmp_path, {"b.csv": LOGSTORE.splitlines()[0] + "\n" + line + "\n"})


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"origin": "cli"}, "automated_job"),
        ({"origin": "restore"}, "automated_job"),
        ({"realuserid": "2"}, "login_as"),
        ({"anonymous": "1"}, "anonymous"),
        ({"userid": "0"}, "no_learner"),
        ({"userid": "-10"}, "no_learner"),
        ({"userid": "1"}, "no_learner"),
        ({"userid": "many"}, "no_learner"),
        ({"courseid": "0"}, "no_course"),
        ({"courseid": "1"}, "no_course"),
        ({"courseid": "NULL"}, "no_course"),
        ({"timecreated": "soon"}, "bad_date"),
        ({"timecreated": "9e99"}, "bad_date"),
        ({"timecreated": "0"}, "bad_date"),
        ({"eventname": ""}, "missing_value"),
    ],
)
def test_rows_of_the_log_store_that_no_learner_made_are_refused(
    tmp_path: Path, values: dict[str, str], reason: str
) -> None:
    found = logstore(tmp_path, **values)
    assert found.counts() == {}
    assert found.reasons() == [("b.csv", 2, reason)]


def test_an_enrolment_by_a_job_is_kept_without_a_statement(tmp_path: Path) -> None:
    event = r"\core\event\user_enrolment_created"
    found = logstore(tmp_path, eventname=event, origin="cli", userid="0", relateduserid="11", contextlevel="50")
    assert found.counts() == {"course_runs": 1, "enrolments": 1}
    assert found.rows("enrolments")[0]["learner"] == learner("11")
    assert found.rejects.num_rows == 0
    gone = logstore(tmp_path, eventname=event, origin="cli", userid="0", contextlevel="50")
    assert gone.reasons() == [("b.csv", 2, "automated_job")]


@pytest.mark.parametrize(
    ("event", "other", "meant"),
    [
        (r"\mod_quiz\event\attempt_submitted", "", ("submitted", "quiz", None)),
        (r"\mod_assign\event\assessable_submitted", "", ("submitted", "assignment", None)),
        (r"\mod_assign\event\submission_graded", "", ("interacted", "assignment", "instructor")),
        (r"\core\event\course_module_created", '{"name":"Cells"}', ("created", None, "instructor")),
        (r"\core\event\course_module_completion_updated", '{"completionstate":1}', ("completed", None, None)),
        (r"\core\event\course_module_completion_updated", '{"completionstate":0}', ("changed", None, None)),
        (r"\mod_strange\event\thing_deleted", "", ("removed", "other", None)),
        (r"\mod_strange\event\thing_wobbled", "", ("changed", "other", None)),  # crud u
    ],
)
def test_events_have_our_words(
    tmp_path: Path, event: str, other: str, meant: tuple[str, str | None, str | None]
) -> None:
    action = event.rpartition("_")[2]
    (found,) = logstore(tmp_path, eventname=event, other=other, action=action).rows("statements")
    assert (found["verb"], found["object_type"], found["role"]) == meant
    assert found["event"] == event


def test_every_rule_uses_words_of_the_vocabulary() -> None:
    for line in _TABLE.strip().splitlines():
        component, event, name, verb, kind, _ = line.split("|")
        assert verb in VERBS, line
        assert kind in ("", *ACTIVITY_TYPES), line
        assert of_class(f"\\{component}\\event\\{event}", component, "", "", "r").verb == verb
        assert of_report("", "", name, "").verb in VERBS


def test_hostile_texts_in_other_are_harmless(tmp_path: Path) -> None:
    for other in (
        '{"content":"\\"discussionid\\":5"}',
        'O:8:"Evil":0:{}',
        '{"discussionid":',
        "a:999999999:{",
        "x" * 100_000,
    ):
        (found,) = logstore(tmp_path, eventname=r"\mod_forum\event\post_created", other=other).rows("statements")
        assert found["parent"] == "41", "the forum, because the thread is not told"


def database(path: Path, rows: int = 0) -> str:
    with sqlite3.connect(path) as connection:
        names = LOGSTORE.partition("\n")[0].split(",")
        connection.execute(f"CREATE TABLE m_logstore_standard_log ({', '.join(names)})")
        line = {"eventname": r"\core\event\course_viewed", "userid": 12, "courseid": 7, "timecreated": 1694941200,
                "origin": "web", "realuserid": None, "anonymous": 0, "contextlevel": 50}  # fmt: skip
        for number in range(rows):
            values = [{"id": number, **line}.get(name) for name in names]
            connection.execute(f"INSERT INTO m_logstore_standard_log VALUES ({','.join('?' * len(names))})", values)
    connection.close()
    return f"sqlite:///{path}"


def test_the_database_gives_the_same_records_as_its_export(tmp_path: Path) -> None:
    url = database(tmp_path / "moodle.db", 12_000)  # more than one batch
    found = drain(Moodle(), Request([], {"url": url, "prefix": "m_"}, KEY))
    assert found.counts()["statements"] == 12_000
    exported = logstore(tmp_path, id="3", eventname=r"\core\event\course_viewed", userid="12", contextlevel="50")
    (same,) = [s for s in found.rows("statements") if s["id"] == exported.rows("statements")[0]["id"]]
    assert same == exported.rows("statements")[0]


def test_a_database_that_is_none_of_moodles_is_refused(tmp_path: Path) -> None:
    url = database(tmp_path / "moodle.db")
    with pytest.raises(SourceError, match="prefix=mdl_"):
        drain(Moodle(), Request([], {"url": url}, KEY))
    with pytest.raises(InputError, match="driver"):
        drain(Moodle(), Request([], {"url": "nonsense://host/x"}, KEY))
    with pytest.raises(InputError, match="prefix"):
        drain(Moodle(), Request([], {"url": url, "prefix": "m; DROP"}, KEY))


def test_grades_are_shares_of_the_highest_and_totals_outcomes_after_the_end(tmp_path: Path) -> None:
    found = read(tmp_path, {"a.csv": REPORT, "c.csv": GRADES}, **OPTIONS)
    scores = {(r["learner"], r["activity"]): r["score"] for r in found.rows("results")}
    assert scores == {(learner("11"), "quiz/Cells"): 0.8, (learner("12"), "grade/Essay"): 0.9125}
    assert {str(r["recorded_at"]) for r in found.rows("results")} == {"2023-12-19 15:33:20+00:00"}
    (outcome,) = found.rows("outcomes")
    assert (outcome["learner"], outcome["label"], outcome["final_score"]) == (learner("11"), "pass", 0.555)
    types = {a["activity"]: a["type"] for a in found.rows("activities")}
    assert (types["quiz/Cells"], types["grade/Essay"]) == ("test", "assignment")


def test_a_total_is_no_outcome_before_the_end_or_without_a_pass_mark(tmp_path: Path) -> None:
    early = read(tmp_path, {"a.csv": REPORT, "c.csv": GRADES}, **{**OPTIONS, "ends": "2024-06-01"})
    assert ("c.csv", 2, "not_final") in early.reasons()
    unasked = read(
        tmp_path, {"a.csv": REPORT, "c.csv": GRADES}, **{k: v for k, v in OPTIONS.items() if k != "pass_mark"}
    )
    assert ("c.csv", 2, "no_pass_mark") in unasked.reasons()
    assert not early.rows("outcomes")
    assert not unasked.rows("outcomes")


def test_grades_that_cannot_be_placed_are_refused_one_by_one(tmp_path: Path) -> None:
    book = 'StudentId,Quiz (out of 10),Lab,Exam (Real)\nada brook,11,3,4\nben cole,"7,5",x,-\n'
    plainer = book.replace("Exam (Real)", "Exam")
    options = {"run": "moodle/7/1", "starts": "2023-09-01", "ends": "2023-12-01"}
    found = read(tmp_path, {"c.csv": plainer}, **options, max_grade="Lab=5")
    assert found.reasons() == [("c.csv", 2, "bad_score"), ("c.csv", 2, "no_maximum"), ("c.csv", 3, "not_a_number")]
    assert {(r["activity"], r["score"]) for r in found.rows("results")} == {("grade/Lab", 0.6), ("grade/Quiz", 0.75)}
    assert [item.title for item in items_of(book.partition("\n")[0].split(","))] == ["Quiz", "Exam"], (
        "with forms, only those"
    )


def test_a_list_of_people_joins_a_grade_book_to_ids(tmp_path: Path) -> None:
    people = tmp_path / "people.txt"
    people.write_text("id,firstname,lastname,email\n11,A.,B.,ADA@example.org\n12,Ben,Cole,\n", encoding="utf-8")
    options = {**OPTIONS, "starts": "2023-09-01", "people": str(people)}
    found = read(tmp_path, {"c.csv": GRADES + "Cy,Dee,,,1,1 %,-,-,1703000000\n"}, **options)
    assert {r["learner"] for r in found.rows("results")} == {learner("11"), learner("12")}
    assert found.reasons() == [("c.csv", 4, "unknown_learner")]


@pytest.mark.parametrize(
    ("header", "form"),
    [("Test: Zellen (Punkte)", "real"), ("Test: Zellen (Prozentsatz)", "percentage"),
     ("Devoir: A (Pourcentage)", "percentage"), ("Tarea: B (Porcentaje)", "percentage"),
     ("Compito: C (Percentuale)", "percentage"), ("Opdracht: D (Percentage)", "percentage"),
     ("Tarefa: E (Porcentagem)", "percentage"), ("Essay (Letter)", "letter")],
)  # fmt: skip
def test_grade_items_are_known_in_every_language(header: str, form: str) -> None:
    (item,) = items_of(["First name", header, header.replace("(", "(Feedback ")])
    assert item.form == form
    assert "(" not in item.title


NAMES = ("Ada", "Brook", "Ben", "Cole", "Tess", "ada.brook", "example.org", "10.0.0", "'11'", "'12'")


def test_no_name_address_or_id_is_delivered(tmp_path: Path) -> None:
    torn = REPORT + "Ada Brook,10.0.0.7\n" + row(VIEWED, time="Ada?", context="User: Ada Brook")
    bad = LOGSTORE + '6,\\core\\event\\x,,,,,,,,,ada.brook,7,,0,"{""username"":""ada.brook""}",1,web,10.0.0.1,\n'
    book = GRADES + "Ben,Cole,77,ben@example.org,Ben,Ben,Ben,Ben,Ben\n"
    found = read(tmp_path, {"a.csv": torn, "b.csv": bad, "c.csv": book}, **OPTIONS)
    everything = str([table.to_pylist() for table in found.records.values()]) + str(
        [{k: v for k, v in each.items() if k != "id"} for each in found.rejects.to_pylist()]
    )
    assert found.rejects.num_rows >= 6
    assert not [name for name in NAMES if name in everything]


TEXTS = st.text(st.sampled_from("ab1290'\",;\n\r\t \x00é-:/.«»{}N"), max_size=12)
PARTS = st.sampled_from(
    ["18/09/23, 11:02", "3 May 2023, 1:05 PM", "31/31/23, 99:99", "-", "", VIEWED, "web", "cli", "Quiz: Cells", "'",
     "The user with id '12' viewed the course with id '7'.", "Course: B", "Post created", "Quiz", "\\N", "1694941200",
     "12", "7", "1e400"]
)  # fmt: skip
ROWS = st.lists(st.lists(st.one_of(PARTS, TEXTS), min_size=9, max_size=9), min_size=1, max_size=8)


def quoted(cells: list[str]) -> str:
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)


@settings(max_examples=25)
@given(rows=ROWS)
def test_a_report_of_any_rows_is_refused_as_a_whole_or_every_row_is_counted(
    rows: list[list[str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    text = HEADER + row(VIEWED) + "".join(quoted(cells) + "\n" for cells in rows)
    found = outcome(folder, text)
    if found is not None and not any(c in cell for cells in rows for cell in cells for c in "\n\r\x00"):
        assert found.counts().get("statements", 0) + found.rejects.num_rows == len(rows) + 1


@settings(max_examples=25)
@given(rows=ROWS)
def test_a_log_store_of_any_rows_loses_none(rows: list[list[str]], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    header = "id,eventname,userid,courseid,relateduserid,other,timecreated,origin,realuserid\n"
    found = outcome(folder, header + "".join(quoted(cells) + "\n" for cells in rows))
    assert found is not None
    if not any(c in cell for cells in rows for cell in cells for c in "\n\r\x00"):
        assert found.counts().get("statements", 0) + found.rejects.num_rows == len(rows)


def outcome(folder: Path, text: str) -> Read | None:
    (folder / "log.csv").write_text(text, encoding="utf-8", newline="")
    request: Any = Request([folder / "log.csv"], {"run": "moodle/7/1", "zone": "Europe/Berlin"}, KEY, 256)
    try:
        return drain(Moodle(), request)
    except HeadwayError:
        return None
