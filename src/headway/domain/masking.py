"""What names a person in a text, taken away: the one place that decides what that is.

Promises that no mail address, web address, handle, phone number or number of five digits or more is left, and that
names are found where people put them: greetings, sign-offs, introductions, titles, common given names, and all names
of a roster. Recall comes first: a placeholder too many costs little. Sources mask with it before records are kept, and
whoever shows a text masks it again. Nobody else writes patterns for this.
"""

import functools
import re
from collections.abc import Iterable
from typing import Final

PLACEHOLDERS: Final = ("[MAIL]", "[LINK]", "[HANDLE]", "[NUMBER]", "[ID]", "[ADDRESS]", "[NAME]")
"""What stands where something was taken away."""

_CAP: Final = r"[^\W\d_a-zß-öø-ÿ][^\W\d_]*(?:['’-][^\W\d_]+)*\.?"
_PARTICLE: Final = r"(?:(?:de|van|von|der|den|da|di|la|le|bin|al|el|del|dos|ter|zu)[ \t]+){0,2}"
_NAME: Final = rf"{_CAP}(?:[ \t]+{_PARTICLE}{_CAP}){{0,2}}"
_STREET: Final = (
    r"(?:street|st|road|rd|avenue|ave|lane|ln|drive|boulevard|blvd|court|square|terrace|crescent|highway|parkway|close)"
)
_AT: Final = re.compile(r"@")
_DOT: Final = re.compile(r"(?i)\b(?:at|dot)\b")
_STOP: Final = re.compile(r"(?i)\.[a-z]{2}|://")
_DIGIT: Final = re.compile(r"\d")
_SERVICE: Final = re.compile(r"(?i)skype|discord|insta|snap|telegram|whatsapp|twitter")
_TOP: Final = "com|org|net|edu|gov|io|me|info|de|uk|fr|nl|es|it|eu|ca|au|us|ch|at|be|se"
_SURE: Final[tuple[tuple[re.Pattern[str], re.Pattern[str], str], ...]] = (
    (_AT, re.compile(r"(?:mailto:)?[^\s@<>\[\](),;:\"]+@[^\s@<>\[\](),;:\"]*\w"), "[MAIL]"),
    (
        _DOT,
        re.compile(
            r"[\w.+-]+\s*[\[({]\s*at\s*[\])}]\s*[\w-]+(?:\s*(?:\.|[\[({]\s*dot\s*[\])}])\s*\w+)*", re.IGNORECASE
        ),
        "[MAIL]",
    ),
    (_DOT, re.compile(r"\b[\w.+-]+\s+at\s+[\w-]+\s+dot\s+\w+(?:\s+dot\s+\w+)*", re.IGNORECASE), "[MAIL]"),
    (_STOP, re.compile(r"(?:(?:https?|ftp)://|\bwww\.)[^\s<>\"]*[^\s<>\".,;:!?)]", re.IGNORECASE), "[LINK]"),
    (_STOP, re.compile(rf"\b(?:[\w-]+\.)+(?:{_TOP})(?:/[^\s<>\"]*|\b)", re.IGNORECASE), "[LINK]"),
    (_AT, re.compile(r"@+\s?\w(?:[\w.-]*\w)?"), "[HANDLE]"),
    (
        _SERVICE,
        re.compile(
            r"\b(?:skype|discord|insta(?:gram)?|snap(?:chat)?|telegram|whatsapp|twitter)\s*(?:id|name)?\s*[:=]\s*\S+",
            re.IGNORECASE,
        ),
        "[HANDLE]",
    ),
    (
        _DIGIT,
        re.compile(
            rf"\b\d{{1,5}}[A-Za-z]?,?[ \t]+(?:[A-Z][\w'’.-]*[ \t]+){{1,4}}(?i:{_STREET})\b\.?"
            r"(?:,?[ \t]*(?:(?i:apt|flat|unit|suite)\.?[ \t]*)?#?\w{0,5}\d\w{0,5}\b)?"
        ),
        "[ADDRESS]",
    ),
    (
        _DIGIT,
        re.compile(r"\b[A-ZÄÖÜ][\wäöüß-]*(?:stra(?:ß|ss)e|str\.|weg|gasse|platz|allee|straat|laan)\s+\d+\s?[a-z]?\b"),
        "[ADDRESS]",
    ),
    (
        _DIGIT,
        re.compile(r"\b(?:rue|avenue|calle|via|rua|plaza|piazza)\s+(?:[A-Z][\w'’-]*\s*){1,4},?\s*\d+\b"),
        "[ADDRESS]",
    ),
    (_DIGIT, re.compile(r"\b\d+,?\s+(?:rue|avenue|boulevard)\s+(?:[\w'’-]+\s?){1,4}", re.IGNORECASE), "[ADDRESS]"),
    (_DIGIT, re.compile(r"\bP\.?\s?O\.?\s?Box\s+\d+", re.IGNORECASE), "[ADDRESS]"),
    (_DIGIT, re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}\b"), "[ADDRESS]"),
    (_DIGIT, re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b"), "[NUMBER]"),
    (_DIGIT, re.compile(r"\+?\(?\d(?:[ \t()./–-]{0,3}\d){6,}"), "[NUMBER]"),
    (_DIGIT, re.compile(r"(?<![\w-])[^\W\d]{0,12}-?\d(?:[\w-]{0,12}?\d){4,}[\w-]*"), "[ID]"),
    (_DIGIT, re.compile(r"\d{5,}"), "[NUMBER]"),
)
"""What a text must have, what is masked in it wherever it stands, and by what; in this order."""


def _listed(words: str) -> list[str]:
    return words.split()


_NOBODY: Final = frozenset(
    _listed(
        """
        all everyone everybody every there guys folks team class friends friend fellow again sir madam professor
        prof teacher dear world people course staff everyone's you both classmates colleagues students learners
        ladies gentlemen instructors instructor tutors tutor ta tas i it this that the a an my your our we they he
        she in on for to so very much and or but if is are was not no yes ok okay hello hi hey thanks thank please
        week part quiz question problem homework assignment lecture lesson module chapter section unit exam test
        video professors dr mr mrs ms sirs coursera edx moodle canvas google facebook english german french spanish
        sorry happy glad sure currently also just really still new from at with by as about any anyone anybody
        someone somebody one first last next more most some many lots best regards good great nice well done what
        when where why how who which can could would will do does did have has had may might should here now then
        later today tomorrow monday tuesday wednesday thursday friday saturday sunday january february march april
        may june july august september october november december god indeed interesting absolutely finally
        unfortunately maybe perhaps however because after before since
        """
    )
)
"""Words that are no name although they stand where names do."""

_GIVEN: Final = _listed(
    """
    aaron abdul abdullah adam adrian ahmed aisha alan albert alejandro alessandro alex alexander alexandra alexis ali
    alice alicia alison amanda amelia amir amy ana anastasia andrea andreas andrei andrew angela angelina anita anna
    anne annette annie anthony antonio arjun arthur ashley astrid barbara beatrice benjamin bernard beth betty björn
    bob brandon brenda brian bruno caitlin camille carl carla carlos carmen carol caroline catherine cecilia charles
    charlotte chen chloe chris christian christina christine christopher claire clara claudia colin craig cristina
    cynthia daniel daniela danielle darren david deborah debra deepak denise dennis derek diana diego dimitri dmitri
    dominic donald donna dorothy douglas dylan edward eileen elena eleanor elizabeth ella ellen emily emma eric erik
    esther ethan eva evelyn fatima felix fernando fiona florian frances francesca francesco francis francisco frank
    gabriel gabriela gary geoffrey george gerald giovanni giulia gloria gordon graham greta gustavo hannah harold
    harry hassan heather heidi helen helena henry hiroshi hugo ian ibrahim igor ingrid irene irina isabel isabella
    ivan jack jacob jacqueline james jamie jan jane janet janice jason javier jean jeff jeffrey jennifer jeremy jerry
    jessica jill jim joan joanna joe joel johan johannes john johnny jonas jonathan jordan jorge jose josé joseph
    joshua juan judith julia julian julie julien jürgen karen karin karl karolina kate katherine kathleen katie keith
    kelly ken kenneth kevin khalid kimberly klaus kristin kumar larry lars laura lauren laurent lea leah lena leo leon
    leonardo liam lina linda lisa liz lois lorenzo louis louise luca lucas lucia lucy luis luisa luke madeleine
    magdalena malcolm manuel marco marcus margaret maria marie marina mario marion marta martha martin martina mary
    mateo matteo matthew matthias maya megan mehmet mei melanie melissa mia michael michel michelle miguel mike miriam
    mohamed mohammad mohammed monica monika muhammad nadia nancy naomi natalia natalie natasha nathan neha neil
    nicholas nick nicola nicolas nicole nikita nikolai nina noah nora nuria olga oliver olivia omar oscar pablo pamela
    patricia patrick paul paula paulo pedro peggy peter petra philip philipp phillip pierre piotr priya rachel rafael
    rahul rajesh ralph ramesh raj raquel raymond rebecca renee ricardo richard rita robert roberto robin rodrigo roger
    ronald rosa roxana ruth ryan sabine sally sam samantha samuel sandra sanjay santiago sara sarah sasha scott sean
    sebastian sergei sergio sharon sheila shirley silvia simon simone sofia sonia sophia sophie stefan stefano stella
    stephanie stephen steve steven stuart sunil susan suzanne svetlana sven sylvia tanya tatiana teresa theodore
    theresa thomas tim timothy tina todd tom tomasz tony tracy ulrich ursula valentina valerie vanessa vera veronica
    victor victoria vijay vincent virginia vladimir walter wanda wayne wei wendy wolfgang xavier yasmin yolanda yuki
    yusuf zoe zofia
    """
)

_GIVEN_SET: Final = frozenset(_GIVEN)

_OPENINGS: Final = (
    r"hi+|hello|hey+|dear|hallo|hola|ciao|bonjour|salut|liebe[rs]?|welcome|congrat(?:ulation)?s|sorry|"
    r"good (?:morning|afternoon|evening|day)|thank you|thanks|thx|cheers|agree with|dear (?:prof(?:essor)?|dr)\.?"
)
_CLOSINGS: Final = (
    r"thanks(?: again| a lot| so much| in advance)?|many thanks|thank you(?: so much| very much| in advance)?|best|"
    r"best wishes|all the best|(?:best |kind |warm )?regards|cheers|sincerely|yours(?: sincerely| truly| faithfully)?|"
    r"love|greetings|respectfully|take care|bye|gruß|grüße|viele grüße|lg|saludos|cordialement|xx?o*"
)
_BEFORE_NAMES: Final = (
    r"my name is|my name's|name is|i am called|call me|ich bin|ich heiße|je m'appelle|me llamo|mi nombre es|this is|"
    r"i'?m|i am|signed|name:|contact|told by|asked|told|emailed|met|professor|prof|dr|mr|mrs|ms|miss|mme|herr|frau|"
    r"señora?|sig"
)
_SAYING: Final = (
    r"said|says|wrote|writes|asked|mentioned|posted|replied|pointed out|suggested|commented|explained|answered|post|"
    r"comment|reply"
)
_COMPANY: Final = r"with|by|ask|tell|thank|meet|cc|per|contact|see|partner|colleague|friend|roommate|classmate"
_MORE_NAMES: Final = rf"(?:(?:[ \t]*(?:,|&|\band\b)[ \t]*){_CAP}){{0,3}}"
_BY_PLACE: Final = (
    re.compile(
        rf"(?P<lead>(?i:\b(?:{_OPENINGS}))(?:[ \t]+(?i:so much|very much|a lot|again))?[ \t]*,?[ \t]+)"
        rf"(?P<name>{_NAME}{_MORE_NAMES})"
    ),
    re.compile(r"(?P<lead>\b(?i:hi+|hello|hey+|dear|hola)[ \t]+)(?P<name>[^\W\d_]{2,})(?=[ \t]*(?:[,.!:;\n-]|$))"),
    re.compile(rf"(?P<lead>(?i:\b(?:{_CLOSINGS}))[ \t]*[,.!~–-]*\s*)(?P<name>{_NAME})(?=\s*[.!)]*\s*(?:$|\n))"),
    re.compile(
        r"(?P<lead>(?i:\b(?:thanks|cheers|regards|best wishes|sincerely|yours|love|thank you)[ \t]*[,.!\n–-]+\s*))"
        r"(?P<name>[^\W\d_]{2,}(?: [^\W\d_]{2,})?)(?=\s*[.!]*\s*\Z)"
    ),
    re.compile(rf"(?P<lead>(?:\n[ \t]*|[ \t][~–-]+[ \t]*))(?P<name>{_NAME})(?=\s*\Z)"),
    re.compile(rf"(?P<lead>(?i:\b(?:{_BEFORE_NAMES})\.?)[ \t]+)(?P<name>{_NAME})"),
    re.compile(
        r"(?P<lead>(?i:\bmy name(?: is|'s)|\bi am called|\bme llamo|\bje m'appelle)[ \t]+)(?P<name>[^\W\d_]{2,})"
    ),
    re.compile(rf"(?P<lead>\b(?:{_COMPANY})[ \t]+)(?P<name>{_CAP}[ \t]+{_CAP})"),
    re.compile(rf"(?P<lead>)(?P<name>\b{_NAME})(?=(?:['’]s)?[ \t]+(?:{_SAYING})\b)"),
)
"""Where people put names: after a greeting, before the end, after a title, before what somebody said."""

_COMMON: Final = re.compile(rf"\b({_CAP})(?:[ \t]+({_CAP}))?")


def masked(text: str, names: Iterable[str] = ()) -> str:
    """The text with placeholders for what may name a person.

    Args:
        text: what somebody wrote.
        names: names that are known, such as a roster's, as they are written; each word of one counts.

    >>> masked("Hi Anna, write to me: jo@uni.edu or 040 123 4567. Thanks, John")
    'Hi [NAME], write to me: [MAIL] or [NUMBER]. Thanks, [NAME]'
    """
    for needed, pattern, instead in _SURE:
        if needed.search(text):
            text = pattern.sub(instead, text)
    roster = _roster(tuple(names))
    if roster is not None:
        text = roster.sub("[NAME]", text)
    for pattern in _BY_PLACE:
        text = pattern.sub(_instead, text)
    return _COMMON.sub(_whole, text)


def _instead(found: re.Match[str]) -> str:
    """The match with its name masked; as it is where all its words are common ones."""
    name = found["name"]
    words = [word.strip(".,").lower() for word in re.split(r"[\s,&]+", name) if word]
    kept = len(words)
    # Names come first: "Thanks, Anna The quiz" loses Anna only.
    while kept and words[kept - 1] in _NOBODY:
        kept -= 1
    if not kept or words[0] in _NOBODY or name.startswith("["):
        return found.group()
    if kept == len(words):
        end = "." if name.endswith(".") and len(name.rstrip(".").split()[-1]) > 1 else ""
        return f"{found['lead']}[NAME]{end}"
    rest = re.split(r"[\s,&]+", name, maxsplit=kept)[-1]
    return f"{found['lead']}[NAME] {rest}"


def _whole(found: re.Match[str]) -> str:
    """One or two words that begin with a capital, masked from the first that is a common given name on."""
    first, second = found[1], found[2]
    if second is not None and not _given(first) and _given(second):
        return f"{first} [NAME]" + ("." if second.endswith(".") else "")
    if not _given(first):
        return found.group()
    if second is not None and second.strip(".").lower() in _NOBODY:
        return f"[NAME] {second}"
    return "[NAME]" + ("." if (second or first).endswith(".") else "")


def _given(word: str) -> bool:
    return word.strip(".").partition("'")[0].partition("’")[0].lower() in _GIVEN_SET


@functools.lru_cache(maxsize=64)
def _roster(names: tuple[str, ...]) -> re.Pattern[str] | None:
    words = {
        word for name in names for word in re.split(r"[\s,]+", name) if len(word) > 1 and word.lower() not in _NOBODY
    }
    if not words:
        return None
    spelt = "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))
    return re.compile(rf"(?<!\w)(?:{spelt})(?!\w)(?:[ \t]+(?:{spelt})(?!\w))*", re.IGNORECASE)
