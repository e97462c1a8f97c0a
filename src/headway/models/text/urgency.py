"""How soon a post wants an answer, from 0 (none is asked for) to 1, by phrases and a few habits of forum language.

Promises weights chosen by reason, each with its sentence here, and none fitted to data: who has labelled posts fits a
model of their own (`fitted`). What counts: that something is asked, that something does not work, that it touches marks
or deadlines, that time runs out, that staff are called. What counts against: a text that greets, thanks, agrees,
advises or discusses.
"""

import math
from dataclasses import dataclass
from typing import Final

from headway.models.text.words import Found, Phrases, Words, phrases_of

_GROUPS: Final[dict[str, str]] = {
    "asks": """
        can someone/anyone/somebody/anybody/you/we/i, could someone/anyone/somebody/anybody/you/we/i, does
        anyone/anybody/someone/somebody, did anyone/anybody, is there any way, is there a way, is there, are there,
        has anyone/anybody, have anyone, any chance, any possibility, any idea*, any clue, any suggestions, any help,
        any advice, any tips, any word, any update*, any news, is it possible, is it ok/okay, is it still, is this
        correct/right, how do i/we/you, how can i/we, how does, how is, how are, how should i/we, how to, how many,
        how much, how long, how come, where can i/we, where do i/we, where is, where are, where to, when is, when
        will, when are, when do, when does, what is, what are, what if, what should i/we, what do i/we, what does,
        which one/ones, why is, why does, why do, why are, why did, why not, should i/we, do i/we need, do i/we have
        to, am i, may i, will i/we, will there, will this/the/it, would it, would you, shall i/we, who do i, who can,
        who should, i wonder, i was wondering, wondering if/whether/how/why/what, i would like to know, i want to
        know, i need to know, i have a question, i had a question, one question, few questions, my question, question
        about/regarding/for/on, a question, another question, quick question, just to be clear, just to clarify, not
        sure if/whether/how/what/why/where, not clear if/whether/how/what/why/where, curious
    """,
    "pleads": """
        please help, please assist, please advise/advice, please explain, please clarify, please confirm, please fix,
        please reply, please respond, please let me know, please tell, please check, please look, please correct,
        please consider, please send, please extend, please provide, please answer, please post, please
        someone/somebody/anyone, help me, help please, need ~ help, need ~ assist*, need ~ advice, kindly help, kindly
        advise/assist/confirm/check/reply/let, i need, can you help, could you help, someone help, anyone help, any
        help, help would be, would appreciate, would be appreciated, much appreciated, help appreciated, appreciate ~
        help, appreciate any, asking for help, confirm this, clarify this, look into, fix this, fix the, fix it, would
        like to request, i request, requesting, ask for ~ extension, an extension, extend ~ deadline, sos, help
    """,
    "stuck": """
        stuck, confus*, do not understand, did not understand, does not make sense, makes no sense, do not get, can
        not understand, not understand*, lost, no idea, no clue, can not figure ~~ out, could not figure, trouble,
        having difficult*, difficulty, difficulties, struggl*, can not find, could not find, can not seem, can not
        locate, cant seem, not clear, unclear, not sure, unsure, do not know how/what/where/why/if/whether, i keep
        getting, keep getting, still not, still do not, still can not, can not solve, what am i doing wrong, where did
        i go wrong, doing wrong, what is wrong, what i am missing, am i missing, what am i, what did i, getting
        nowhere, driving me crazy, frustrat*, i tried, tried everything, i have tried, tried ~ several/many, tried
        again
    """,
    "broken": """
        error*, bug, bugs, buggy, glitch*, broken, crash*, freez*, froze, frozen, seiz* up, blank page, black screen,
        not working, does/do/did not work, is/are not work*, stopped working, will not
        work/load/open/play/start/let/accept, does/do/did not
        load/open/play/show/appear/display/download/start/let/accept/register/save*, not load*, not show*, not
        appear*, not display*, not playing, not available, not accessible, can not
        open/access/submit/see/view/watch/download/upload/log/login/play/load/get/enter/post/join/register/enrol/enroll/take/complete/finish,
        could not open/access/submit/see/view/watch/download/upload/log/login/play/load/get, unable to, not able to,
        not allowed to, no access, locked out, no longer access, disappear*, vanish*, missing, went missing, got lost,
        was lost, lost my, lost all, no sound, no audio, no video, no subtitles, no captions, cutting out, cuts out,
        keeps stopping, stops, buffering, out of sync, invalid, timed out, time out, technical
        problem*/issue*/difficult*/error, technical, problem with, problems with, issue with, issues with, same
        problem, same issue, having problem*/issue*, have a problem, had a problem, the problem summary, steps to
        reproduce, problem id, additional details, something wrong, should be ~~ instead, should read, verify that,
        went wrong, is wrong, are wrong, was wrong, wrong answer, incorrect, incorrectly, marked wrong, mistake in,
        mistake, typo, dead link, link is dead, broken link, duplicate*, corrupt*, empty file, not been graded, not
        been evaluated, not graded, not evaluated, nobody graded/evaluated, no one evaluated/graded, not receive*,
        have not received, never received, did not get, have not got, not recorded, not counted, not fixed, violation,
        abuse, spam, plagiar*, cheating
    """,
    "course": """
        deadline*, due, due date, extension, late penalty, penalty, penalties, penalised/penalized, submit*,
        submission*, resubmit*, hand in, quiz, quizzes, quizes, exam*, midterm, final, homework*, hw, assignment*,
        problem set, pset, grade, grades, graded, grading, regrade, score, scores, marks, points, credit,
        certificate*, certification, statement of accomplishment, accomplishment, signature track, verified,
        distinction, peer review*, peer assessment*, peer grading, evaluation*, assessment*, attempt, attempts,
        syllabus, schedule, enrol*, enroll*, register*, registration, unenroll*, drop the course, video, videos,
        lecture, lectures, subtitle*, caption*, transcript*, slides, pdf, download*, upload*, link, links, url, page,
        website, site, browser, account, password, login, log in, signed in, platform, portal, app, forum, materials,
        textbook, file, files, rubric, week 1/2/3/4/5/6/7/8/9/10
    """,
    "soon": """
        urgent, urgently, asap, as soon as possible, immediately, right now, right away, tonight, today, tomorrow,
        this evening, by midnight, midnight, hours left, hour left, minutes left, days left, day left, hours to go,
        last minute, last day, last chance, running out of time, out of time, no time, too late, before the deadline,
        missed ~ deadline, missed ~ quiz/exam/assignment/submission, deadline is, deadline has, deadline pass*,
        overdue, due in, due today/tonight/tomorrow, is due, are due, was due, closes, closing, expire*, still
        waiting, waiting for, have been waiting, no reply, no response, no answer, nobody answered/replied/responded,
        not replied, not responded, emailed, third time, again and again, every time, hard deadline, hard deadlines,
        next week, in time, on time
    """,
    "staff": """
        staff, course staff, team staff, ta, tas, teaching assistant*, instructor*, professor, prof, sir, dear sir,
        madam, moderator*, admin*, administrator*, support team, tech support, course team, someone in authority,
        anyone in authority, teacher, tutor, facilitator, dr, colleagues
    """,
    "social": """
        hello everyone/all/everybody/world/from, hi everyone/all/everybody/from, hey everyone/all, my name is, i am
        from, i live in, i am originally from, i come from, nice to meet, pleased to meet, look* forward to, good
        luck, greetings, best wishes, happy to be, glad to be, excited to, i am a ~
        student/teacher/nurse/engineer/doctor/retired, introduce myself, study group, join ~ group, facebook,
        linkedin, add me, welcome, congratulations, congrats, i have always, years old, i work as/in/for/at, currently
        work*, originally, passion*
    """,
    "thanks": """
        thank you for/so/very/all, thanks for/so/a/to, thank you, thanks, thanks again, great post, great point, good
        point, great idea, good idea, great job, well said, nice post, nice work, good work, well done, great
        explanation, i agree, totally agree, agree with, agreed, exactly, you are right, absolutely, so true, very
        true, that makes sense, makes sense now, got it, i see, now i understand, i get it now, works now, fixed now,
        it worked, solved it, never mind, nevermind, loved, enjoyed, enjoy*, great course, great class, wonderful,
        excellent, fantastic, amazing, awesome, interesting, beautiful*, appreciate the, lol, haha*, :), ;)
    """,
    "answers": """
        you can, you could, you should, you need to, you have to, you will, you may, you might, you are, your answer,
        your, try to, try the, try using, have you tried, did you try, hope this helps, hope that helps, i hope this,
        hope it helps, i would suggest, i suggest, i would recommend, my suggestion, make sure, go to, click on, check
        out, take a look, have a look, note that, remember that, here is, here are, see the, according to, for
        example, in other words, basically, it means, that means, which means, because, therefore, it depends, as far
        as i know, afaik, the answer is, the reason is, we know, let us, if you, do not worry, no problem, yes, no,
        indeed, of course, perhaps, maybe
    """,
    "opinion": """
        i think, i believe, i feel, in my opinion, imo, imho, it seems, i guess, i suppose, personally, i like, i
        love, i liked, i loved, reminds me, i remember, i found, i read, in the past, in general, society, people,
        government*, history, culture*, human*, world, countries, country, poem, poet, poetry, story, stories,
        children, god, gods, women, men, life
    """,
}

_WEIGHTS: Final[dict[str, float]] = {
    "asks": 0.8,
    "pleads": 1.0,
    "stuck": 0.7,
    "broken": 0.9,
    "course": 0.6,
    "soon": 0.6,
    "staff": 0.45,
    "social": -0.9,
    "thanks": -0.5,
    "answers": -0.35,
    "opinion": -0.25,
}
"""What the first phrase of a group adds to the log-odds; more of them add less and less (see `_level`)."""

_SATURATES: Final = 3.0
START: Final = -2.6
QUESTION: Final = 0.9
LAST_QUESTION: Final = 0.5
"""A text that ends in a question leaves it with the reader."""

ESSAY_WORDS: Final = 120
ESSAY: Final = 0.9
"""From so many words on a text discusses rather than asks; each doubling takes this from the log-odds."""

TROUBLE_IN_COURSE: Final = 0.6
ASKS_ABOUT_COURSE: Final = 0.6
SOON_AND_TROUBLE: Final = 0.8


@dataclass(frozen=True, slots=True)
class Urgency:
    """A score in [0, 1], how often each group of phrases was met, and the log-odds."""

    score: float
    groups: dict[str, int]
    odds: float


def _spelt() -> dict[str, dict[str, float]]:
    return {name: dict.fromkeys(phrases_of(phrases), 1.0) for name, phrases in _GROUPS.items()}


_PHRASES: Final = Phrases(_spelt())


def urgency(words: Words) -> Urgency:
    """How soon a text wants an answer."""
    counts = counted(words)
    level = {name: _level(counts[name]) for name in _GROUPS}
    questions = sum(1 for key in words.keys if key == "?")
    odds = START + sum(_WEIGHTS[name] * level[name] for name in _GROUPS)
    odds += QUESTION * _level(questions)
    odds += LAST_QUESTION * _ends_asking(words)
    odds -= ESSAY * math.log2(max(1.0, len(words) / ESSAY_WORDS))
    trouble = max(level["broken"], level["stuck"])
    asks = max(level["asks"], level["pleads"], min(1.0, float(questions)))
    odds += TROUBLE_IN_COURSE * min(1.0, trouble) * min(1.0, level["course"])
    odds += ASKS_ABOUT_COURSE * min(1.0, asks) * min(1.0, level["course"])
    odds += SOON_AND_TROUBLE * min(1.0, level["soon"]) * min(1.0, max(trouble, level["pleads"]))
    return Urgency(1 / (1 + math.exp(-odds)), counts, odds)


def counted(words: Words) -> dict[str, int]:
    """How often each group of phrases is met, one that lies in another of its group once."""
    found: dict[str, list[Found]] = {name: [] for name in _GROUPS}
    for one in _PHRASES.find(words):
        of_group = found[one.name]
        if not of_group or one.first > of_group[-1].last:
            of_group.append(one)
    return {name: len(of_group) for name, of_group in found.items()}


def _level(count: int) -> float:
    """0, 1, 1.5, 1.75 … of 2: the second says less than the first."""
    return float(2 * (1 - 0.5 ** min(count, _SATURATES)))


def _ends_asking(words: Words) -> float:
    """1 where one of the last words is a question mark, before thanks or a name at most."""
    tail = words.keys[-8:]
    return 1.0 if "?" in tail else 0.0
