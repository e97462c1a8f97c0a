"""Words and phrases that praise or complain, each with a weight from -4 to 4, chosen by hand for learning and teaching.

Promises weights that anybody can read and argue with; none was fitted to data. A phrase with the weight 0 keeps its
words from counting ("would like to"). Where the extra `text` is installed, VADER's lexicon (Hutto and Gilbert 2014,
ICWSM) gives weights for words that are not listed here.
"""

import functools
from importlib.resources import files
from importlib.util import find_spec
from typing import Final

from headway.models.text.words import listed, phrases_of

_LISTED: Final[dict[float, str]] = {
    3.2: """amazing, awesome, outstanding, excellent, fantastic, wonderful, brilliant, superb, phenomenal,
        exceptional*, incredible, incredibly ~ good/great/nice/helpful/interesting, perfect, perfectly, terrific,
        magnificent, stellar, the best, best, love, loved, loves, loving, favorite/favourite, legend, legends,
        masterpiece, master class, top notch, first rate, second to none, can not recommend ~ enough,
        highly recommend*, can not have enough, could not be better, could not have been better, one of a kind,
        life changing, exceeded my? expectations, thoroughly enjoy*, ❤, 😍, 👏, <3""",
    2.3: """
        great, greatly, enjoy*, fun, funny, fascinat*, inspir*, engaging, delight*, recommend*, valuable, insight*,
        excited, exciting, thrilled, glad, happy, happier, happily, pleased, pleasure, impress*, joy*, fabulous,
        lovely, beautiful*, thank, thanks, thankful, grateful, gratitude, appreciat*, kudos, bravo, congrat*, well
        done, everyone should take, everybody should take, you should take, must take, worth it, worth taking, well
        worth, worth ~ time/effort, learn* a lot, learn* so much, learned ~ more than, coolest, greatest, nicest,
        kindest, loved it, blast, gem, rewarding, amazed, enthusiastic, enthusiasm, passion*, knowledgeable, 😊, 😀, 😃,
        👍, 🎉, :), ^^
    """,
    1.8: """
        good, helpful, helps, helped, interesting, interest, interested, useful, clear, clearly, clarity, nice,
        nicely, cool, friendly, kind, patient, well organised/organized, well structured, well taught, well explained,
        well designed, well prepared, approachable, thorough, supportive, motivat*, satisf*, encouraging, caring,
        cares, eager, eloquent, vibrant, helpfulness, effective, effectively, benefi*, smart, respectful,
        entertaining, interactive, dedicated, accommodating, intuitive, informative, thoughtful, creative, i like, we
        like, i liked, liked, likes, liking, really like, i do like, would like ~ more of, hands on, look* forward,
        can not wait, treat, important, essential, fundamental, success*, positive, pleasant, charming, charismatic,
        humor, humour, stimulating, intellectually, awarded, win, won, smooth, smoothly
    """,
    1.1: """
        fair, fairly graded, fairly ~ good/easy/interesting, relevant, practical, relatable, decent, easy, easier,
        easily, straightforward, improve, improved, improving, manageable, accessible, responsive, available,
        organised/organized, structured, understandable, flexible, solid, reasonable, ok, okay, fine, works ~ well,
        well, better than, cute, strong, accurate, attention to detail, challenging but, agree, hope, hopeful,
        hopefully, ready, confident, confidence, feel free, welcome, good luck, support, supported, safe, prepared ~
        me, prepares, up to date
    """,
    -1.1: """
        hard, harder, difficult, tough, confus*, unclear, slow, slowly, repetitive, long, lengthy, heavy, abstract,
        dense, dry, outdated, old fashioned, vague, ambiguous, monoton*, rigid, lot of work, a lot of homework, lots
        of work, time consuming, workload, stress, stressful, pressure, issue, issues, problem with, problems with,
        mediocre, average, meh, not sure, wish, i wish, rushed, rush, hectic, overly, too easy, complicated, less so,
        tricky, unusual, unfortunate*, sadly, concern*, worried, worry, worries, struggl*, behind, only thing i
        learned, lacking, lack, lacks, lacked, missing, mistake*, error*, incorrect, crowded, huge class, expensive,
        however, deceptive, grade hard, hard to, sorry, sigh, alas, sad, doubt*, skeptical, barely, hardly, weak,
        flawed, suspicious, annoyance, limited, impersonal, please help, need help, help me, i need, still waiting,
        stuck, can not ~
        submit/open/access/find/see/log/login/download/upload/load/watch/view/play/hear/join/register/complete/understand/get,
        could not ~ submit/open/access/find/see/log/login/download/upload/load/watch/view/play/hear/understand, not
        working, does/do/did not work, will not work/load/open/play, not able to, too late, no reply, no answer, :(
    """,
    -1.9: """
        boring, bored, bore, tedious, annoy*, frustrat*, disappoint*, dislike*, unhelpful, uninteresting, unfair*,
        unorganised/unorganized, disorganised/disorganized, dull, poor, poorly, bad, badly, tired, mess, messy,
        unprepared, uninspir*, unengaging, overwhelm*, exhaust*, overload*, irrelevant, pointless, inaccessible,
        unavailable, unresponsive, rude, arrogant, condescending, mean to, kind of mean, harsh, harshly, impatient,
        unfriendly, unprofessional, incompetent, clueless, too fast, too slow, too slowly, too quickly, too much, too
        many, too hard, too difficult, too abstract, too long, too short, too little, too few, too theoretical, too
        basic, too dense, too heavy, too advanced, too big, too large, way too, not enough, no help, of no use, no
        sense, no point, no reason, could be better, could have been better, would have been better, would be better,
        could use ~ improve*/work, could have used, should have been, should be more, needs ~ improve*/work, need* to
        improve, needs to be ~ better, room for improvement, could be improved, hard to follow, difficult to follow,
        hard to understand, difficult to understand, impossible to, hard time, hard to pay attention, hard to stay,
        hard to get, difficult to get, stay awake, fall* asleep, fell asleep, put* me to sleep, snooze, sleep, did not
        learn, never learned, do not learn, learn* nothing, did not teach, does not teach, can not teach, no idea,
        lost me, did not help, does not help, do not help, not help*, fail, failed, fails, failing, failure, failed
        to, wrong, broken, glitch*, ruin*, spoil*, suffer*, ugh, upset, angry, unhappy, dissatisf*, unclear
        instruction*, could not make up for, in a bad way, unable, lame, weird, ill suited, underwhelm*, mismatch,
        clash*, complain*, neglect*, ignor*, inconsisten*, unreasonabl*, excessive*, misle*, mislead*, mediocre at
        best, at the expense of, do/did/does not like, do/did/does not enjoy, do/did/does not love, not a fan, not my
        favorite/favourite, do not take, would not take, should not have taken, wish i had not, glad i ~ not, glad to
        be done, burned all, never take, would not recommend, do not recommend, can not recommend, not recommend*,
        avoid, stay away, steer clear, drop* the/this/that class/course, not worth, can do without, disservice, do not
        bother, jerk, could not care less, does not care, did not care, do not care, unreliable, nightmare of, stupid,
        dumb, ridiculous, rather have, instead of teaching, not fun, no fun, not cool, unless you, 😞,
        😠, 😡, 👎, 😢, 😭
    """,
    -3.0: """
        terrible, terribly, horrible, horribly, awful, awfully ~ taught/organised/organized, worst, worse, hate,
        hated, hates, hating, useless, waste, wasted, waste of time, waste of money, nightmare, disaster*, disgust*,
        atrocious, pathetic, garbage, trash, rubbish, crap, crappy, sucks, sucked, suck, miserable, misery, dreadful*,
        appalling, abysmal, regret, regretted, regrets, least favorite/favourite, worthless, disgrace*, unbearable,
        insult*, despise*, horrendous, hell, joke of a, is a joke, was a joke, infuriat*, depressing, unacceptable,
        lousy, never again, painful*
    """,
    0.0: """
        would like to, would like, like to, looks like, look like, feels like, feel like, felt like, seems like, seem
        like, sounds like, something like, things like, like a, like that, such as, as well, as well as, well as,
        pretty much, kind of, kinda, sort of, long as, as long as, as soon as, no problem, not only, not just, hard
        work, work hard, works hard, worked hard, hard working, fine arts, good luck with ~ exam, best regards, kind
        regards, kind regards, love to know, long term, as far as, no doubt, without doubt, how long, so long as,
        average of, on average, well known, problem set, problem sets, problem solving, best practices, critical
        thinking, negative feedback loop, error bars, standard error, type error, mean value, the mean, a mean, of
        interest, interest rate, interest rates, conflict of interest, public interest, difficult decision, in fact,
        positive number, negative number, class is mandatory, strong password, no longer, any longer, longer than,
        long time ago, hard drive, hard copy, no wonder, never boring, never dull, never a dull, not bad, not too bad,
        not easy but, challenging
    """,
}
"""Phrases by weight, in the form of `words.Phrases`, with commas between."""

_EVEN: Final = {"never boring": 2.0, "never dull": 2.0, "never a dull": 2.3, "no wonder": 0.5, "no problem": 0.6}
_EVEN_MORE: Final = {"not bad": 1.0, "not too bad": 0.9, "no doubt": 0.3, "challenging": 0.2, "works hard": 1.0}

NEGATORS: Final = frozenset(
    listed(
        """
        not no never without nothing nobody none neither nor hardly barely lack lacks lacked lacking isnt little
        less seldom rarely scarcely least
        """
    )
)
"""Words that turn round what follows within a few words."""

BOOSTERS: Final[dict[str, float]] = {
    **dict.fromkeys(
        listed(
            """
            very so really extremely super highly incredibly absolutely totally completely especially truly soo sooo
            sooooo such quite utterly remarkably insanely particularly deeply way
            """
        ),
        1.3,
    ),
    **dict.fromkeys(
        listed("somewhat slightly bit little fairly rather moderately partly mildly sometimes occasionally"), 0.65
    ),
    "pretty": 1.1,
    "most": 1.25,
    "more": 1.1,
}
"""What a word before makes of the weight of the next."""


LEAST: Final = 1.2
"""VADER's words that are rated weaker are left out: in courses they mostly name things."""

_SUBJECTS: Final = frozenset(
    listed(
        """
        help helping please like security secure intelligence intelligent dynamic critical criticism criticisms
        energy free growth power value values solution solutions solve solved number play played please want wants
        war cancer death dead kill killing attack attacks risk risks threat crime prison poverty disease drug drugs
        sick ill virus die died dies fire alarm lost low cut block blocks stop stopped question questioned share
        shared special natural argument arguments blind no demand demands dark chance credit defense award worth
        join yes yeah true trust care sure top save saved matter friend friends party interests active challenge
        challenges tension strength freedom
        """
    )
)
"""Words that VADER rates and that a course may simply be about, or that steer a sentence rather than judge."""


def weights() -> dict[str, float]:
    """The phrases that ship with headway with their weights, in the form of `words.Phrases`."""
    own: dict[str, float] = {}
    for weight, phrases in _LISTED.items():
        own |= dict.fromkeys(phrases_of(phrases), weight)
    return own | _EVEN | _EVEN_MORE


@functools.cache
def all_weights() -> dict[str, float]:
    """`weights`, and VADER's single words besides where the extra `text` is installed."""
    own = weights()
    return vader_weights() | own if has_vader() else own


def has_vader() -> bool:
    """Whether VADER's lexicon is installed."""
    return find_spec("vaderSentiment") is not None


@functools.cache
def vader_weights() -> dict[str, float]:
    """The single words of VADER's lexicon with its mean ratings, from -4 to 4; the file alone is read, no code run.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    lines = (files("vaderSentiment") / "vader_lexicon.txt").read_text(encoding="utf-8").splitlines()
    rated = (line.split("\t")[:2] for line in lines)
    return {
        word: float(rating)
        for word, rating in rated
        if abs(float(rating)) >= LEAST
        if word.isalpha() and word.isascii()
        if word not in _SUBJECTS and word not in BOOSTERS and word not in NEGATORS
    }
