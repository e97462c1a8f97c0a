"""The words of Moodle's interface, in the languages we read: column names, activities, months, totals.

Promises pure look-ups on text: no file, no SQL. All keys are in the form that `plain` makes. Whoever finds a word
missing adds it here and nowhere else.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

# Tried in this order, so that "Event context" is a context and not an event.
_REPORT_COLUMNS: Final = (
    ("ip", r"\bip\b"),
    ("context", r"conte[xs]t|kontext"),
    ("component", r"^(component|komponent|composant)"),
    ("description", r"^(descri|beschreib|beschrijv|omschrijv)"),
    ("origin", r"^(orig|herkunft|herkomst|oorsprong|ursprung)"),
    ("affected", r"affect|betroffen|touche|concerne|afectad|afetad|coinvolt|interessat|betrokken|betreffend"),
    ("event", r"^event name$|ereignis|evenement|^(nombre|nome|nom)\b.*evento|^evento$|^event$|gebeurtenis"),
    (
        "time",
        r"^(time|date|zeit|datum|heure|hora|data|ora|data ora|data e ora|orario|tijd|tijdstip|fecha|fecha y hora)$",
    ),
    ("course", r"^(course|kurs|cours|curso|corso|cursus|disciplina)$"),
    (
        "user",
        r"^(user|full|vollstandig|nom|nombre|nome|volledig|naam|nutzer|utilis|usuari|utiliz|utente|gebruiker|name)",
    ),
)
REPORT_COLUMNS: Final = ("time", "user", "affected", "context", "component", "event", "description", "origin", "ip")
"""The columns of the log report in the order in which Moodle writes them."""
NEEDED_COLUMNS: Final = ("time", "user", "context", "component", "event", "description", "origin")

_GRADE_COLUMNS: Final = (
    ("first", r"^(first name|vorname|prenom|nombre|nome|voornaam)$"),
    (
        "last",
        r"^(surname|last name|nachname|nom|nom de famille|apellidos?|apellido s|sobrenome|apelido|cognome|achternaam)$",
    ),
    ("full", r"^(full name|name|vollstandiger name|nom complet|nombre completo|nome completo|volledige naam)$"),
    (
        "idnumber",
        r"^(id number|id nummer|numero d identification|numero de id|numero id|codice identificativo|idnumber)$",
    ),
    ("mail", r"^(e ?mail|mail|courriel|correo|direccion (de )?(correo|e ?mail)|adresse de courriel|indirizzo)"),
    ("user_id", r"^(id|user ?id|moodle ?(user ?)?id)$"),
    ("exported", r"download|heruntergeladen|telecharg|descarga|scarica"),
    (
        "ignored",
        r"^(institu|istitu|instelling|department|abteilung|depart|dipart|afdeling|gr[ou]+p)",
    ),
    ("key", r"^(student|learner|participant|matricul)\w*( ?(id|number|no))?$"),
)
_COURSE_TOTAL: Final = re.compile(
    r"^(course total|kurs\w*( gesamt\w*)?|total du cours|total del curso|total do curso|totale (del )?corso|"
    r"cursustotaal|totaal (van de )?cursus|overall|final grade|gesamtnote|note finale|nota final|voto finale|"
    r"eindcijfer|total)$"
)
_PART_TOTAL: Final = re.compile(r"\btotal\b|\btotale\b|totaal|gesamt|summe\b")
_GRADE_FORM: Final = {
    "real": r"real|punkte|brute?|reell?e?|reale|puntos|valor real|echt|waarde|points",
    "percentage": r"percent|prozent|pourcent|porcent|porcentagem|percentuale|procent",
    "letter": r"letter|buchstabe|lettre|letra|lettera|skala|scale",
    "feedback": r"feedback|comment|kommentar|retroaliment|retroaction|commento",
}

MODULE_TYPES: Final = {
    "assign": "assignment",
    "assignment": "assignment",
    "attendance": "other",
    "bigbluebuttonbn": "webinar",
    "book": "content",
    "chat": "message",
    "choice": "survey",
    "data": "database",
    "feedback": "survey",
    "folder": "folder",
    "forum": "forum",
    "glossary": "glossary",
    "h5pactivity": "interactive",
    "hvp": "interactive",
    "imscp": "content",
    "label": "content",
    "lesson": "interactive",
    "lti": "interactive",
    "page": "page",
    "questionnaire": "survey",
    "quiz": "quiz",
    "resource": "file",
    "scorm": "interactive",
    "survey": "survey",
    "url": "link",
    "wiki": "wiki",
    "workshop": "assignment",
    "zoom": "webinar",
}
"""Moodle's modules and what we call their activities. A quiz is a `test` only where it has a grade."""

_MODULE_NAMES: Final = {
    "assign": "assignment|aufgabe|devoir|tarea|tarefa|trabalho|compito|opdracht",
    "attendance": "attendance|anwesenheit|presence|asistencia|presenca|presenze|aanwezigheid",
    "bigbluebuttonbn": "bigbluebutton|bigbluebuttonbn",
    "book": "book|buch|livre|libro|livro|boek",
    "chat": "chat",
    "choice": "choice|abstimmung|sondage|consulta|escolha|referendo|scelta|keuze",
    "data": "database|datenbank|base de donnees|base de datos|base de dados|databank",
    "feedback": "feedback|retroalimentacion|encuesta|pesquisa|inquerito",
    "folder": "folder|verzeichnis|dossier|carpeta|pasta|cartella|map",
    "forum": "forum|foro",
    "glossary": "glossary|glossar|glossaire|glosario|glossario|woordenlijst|begrippenlijst",
    "h5pactivity": "h5p",
    "hvp": "interactive content|interaktiver inhalt|contenu interactif|contenido interactivo|conteudo interativo",
    "imscp": "ims content package|ims content|paquet ims content|paquete de contenido ims",
    "label": "label|textfeld|text und medienfeld|text and media area|etiquette|etiqueta|rotulo|etichetta",
    "lesson": "lesson|lektion|lecon|leccion|licao|lezione|les",
    "lti": "external tool|externes tool|outil externe|herramienta externa|ferramenta externa|tool esterno|externe tool",
    "page": "page|textseite|seite|pagina",
    "quiz": "quiz|test|cuestionario|questionario|teste",
    "resource": "file|datei|fichier|archivo|arquivo|ficheiro|bestand",
    "scorm": "scorm package|scorm|lernpaket|paquet scorm|paquete scorm|pacote scorm|pacchetto scorm|scorm pakket",
    "survey": "survey|umfrage|consultation|encuesta predefinida|sondaggio|onderzoek",
    "url": "url|link url|link|enlace|hiperlink",
    "wiki": "wiki",
    "workshop": "workshop|gegenseitige beurteilung|atelier|taller|laboratorio de avaliacao",
    "zoom": "zoom meeting|zoom",
}
_MODULES: Final = {name: module for module, names in _MODULE_NAMES.items() for name in names.split("|")}
_COURSE: Final = frozenset({"course", "kurs", "cours", "curso", "corso", "cursus", "disciplina"})

LOGGED_IN_AS: Final = (" as ", " als ", " en tant que ", " como ", " come ")
"""What stands between the two names where staff act as someone else; no name has these words in small letters."""

_MONTHS: Final = (
    "january jan januar janner jan janvier janv enero ene janeiro januari gennaio gen",
    "february feb februar fevrier fevr febrero fevereiro fev febbraio februari",
    "march mar mrz maerz marz mars marzo marco maart mrt",
    "april apr avril avr abril abr aprile",
    "may mai mayo maio maggio mag mei",
    "june jun juni juin junio junho giugno giu",
    "july jul juli juillet juil julio julho luglio lug",
    "august aug aout agosto ago augustus",
    "september sep sept septembre septiembre setembro settembre set",
    "october oct oktober okt octobre octubre outubro out ottobre ott",
    "november nov novembre noviembre novembro",
    "december dec dezember dez decembre diciembre dic dezembro dicembre",
)
MONTHS: Final = {word: number for number, words in enumerate(_MONTHS, start=1) for word in words.split()}
_WEEKDAYS: Final = (
    "monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun "
    "montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag mo di mi do fr sa so "
    "lundi mardi mercredi jeudi vendredi samedi dimanche lun mar mer jeu ven sam dim "
    "lunes martes miercoles jueves viernes sabado domingo mie jue vie sab dom "
    "segunda terca quarta quinta sexta feira seg ter qua qui sex "
    "lunedi martedi mercoledi giovedi venerdi domenica gio "
    "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag ma wo vr za zo"
)
WEEKDAYS: Final = frozenset(_WEEKDAYS.split())
BEFORE_NOON: Final = frozenset({"am", "a"})
AFTER_NOON: Final = frozenset({"pm", "p"})
_FILLERS: Final = "de del do da of um uhr a as le om alle ore ora at h o la las el en den der the u st nd rd th m"
FILLERS: Final = frozenset(_FILLERS.split())

MONTH_FIRST: Final = frozenset({"en_US", "en_PH", "en_PR", "es_US", "es_PR"})
YEAR_FIRST: Final = frozenset({"ja", "zh", "ko", "hu", "lt", "mn", "fa"})
"""Languages, by their code, in which a date of three short numbers begins with the year."""


def plain(text: str) -> str:
    """The text in small letters, without accents, signs turned into single spaces."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(re.sub(r"[\W_]+", " ", bare.casefold()).split())


def report_columns(header: Sequence[str]) -> dict[str, int]:
    """Where each column of the log report stands; a column whose name nobody knows is not in it."""
    return _places(header, _REPORT_COLUMNS)


def grade_columns(header: Sequence[str]) -> dict[str, int]:
    """Where the columns of a grade book stand that say who and when, not how much."""
    return _places(header, _GRADE_COLUMNS)


def _places(header: Sequence[str], patterns: Sequence[tuple[str, str]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, name in enumerate(header):
        meant = next((column for column, pattern in patterns if re.search(pattern, plain(name))), None)
        if meant is not None:
            found.setdefault(meant, place)
    return found


def module_of(name: str) -> str | None:
    """The module, such as `quiz`, that the interface calls `name`."""
    return _MODULES.get(plain(name))


def is_course(name: str) -> bool:
    """Whether `name` is what the interface calls a course."""
    return plain(name) in _COURSE


def total_of(title: str) -> str | None:
    """Of what the grade item is the sum: `course`, `part`, or nothing where it stands for itself."""
    bare = plain(title)
    if _COURSE_TOTAL.search(bare):
        return "course"
    return "part" if _PART_TOTAL.search(bare) else None


def grade_form(suffix: str) -> str | None:
    """What the brackets after a grade item's title say: real, percentage, letter, feedback, or something else."""
    bare = plain(suffix)
    return next((form for form, pattern in _GRADE_FORM.items() if re.search(pattern, bare)), None)
