"""SQL for what xAPI and Caliper write alike: instants, durations, IRIs, course runs, and segments of recordings.

Pure text: it opens nothing. Each macro gives null, never an error, on a text that it cannot read; the sources that use
them decide what a null means. Both standards build on ISO 8601 and RFC 3987.
"""

from typing import Final

_INSTANT: Final = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)"
)
_NUMBER: Final = "([0-9]+[.,]?[0-9]*)"
_DURATION: Final = (
    f"^P(?:{_NUMBER}Y)?(?:{_NUMBER}M)?(?:{_NUMBER}W)?(?:{_NUMBER}D)?"
    f"(?:T(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?$"
)
# A year and a month have no length of their own; these are the usual means.
_UNIT_SECONDS: Final = (365 * 86_400, 30 * 86_400, 7 * 86_400, 86_400, 3_600, 60, 1)

_LONGEST_NAME: Final = 90
_LONGEST_IRI: Final = 500

# What of an IRI may name a person: mail addresses, and what follows the word for a person in a path or a query.
_PERSONAL: Final = (
    (r"((?:user|profile)[a-z_/]*\.php\?id=)[^&#\s]+", r"\1***"),
    (r"[\w.+%-]+(?:@|%40)[\w-]+\.[\w.-]+", "***"),
    (r"(/(?:users?|people|persons?|accounts?|profiles?|learners?|students?|members?|u)/)[^/?#\s]+", r"\1***"),
    (r"([?&](?:user|user_?id|user_?name|login|e?mail)=)[^&#\s]+", r"\1***"),
)


def _seconds() -> str:
    parts = [
        f"coalesce(try_cast(replace(regexp_extract(t, '{_DURATION}', {number}), ',', '.') AS DOUBLE), 0) * {seconds}"
        for number, seconds in enumerate(_UNIT_SECONDS, start=1)
    ]
    sound = f"regexp_matches(t, '{_DURATION}') AND regexp_matches(t, '[0-9]') AND NOT ends_with(t, 'T')"
    return f"if({sound}, {' + '.join(parts)}, NULL)"


def _plain() -> str:
    text = "t"
    for pattern, instead in _PERSONAL:
        text = f"regexp_replace({text}, '{pattern}', '{instead}', 'gi')"
    return f"left({text}, {_LONGEST_IRI})"


IRI_MACROS: Final = (
    # RFC 3339, section 4.3: the offset -00:00 says that the local time is unknown; xAPI forbids it.
    (
        f"CREATE MACRO iso_instant(t) AS if(regexp_full_match(t, '{_INSTANT}') "
        "AND NOT regexp_matches(t, '-00(:?00)?$'), "
        "try_cast(replace(t, ',', '.') AS TIMESTAMPTZ), NULL)"
    ),
    "CREATE MACRO instant(t) AS if(year(iso_instant(t)) BETWEEN 1990 AND 2199, iso_instant(t), NULL)",
    f"CREATE MACRO iso_seconds(t) AS {_seconds()}",
    "CREATE MACRO is_iri(t) AS regexp_full_match(t, '[A-Za-z_][A-Za-z0-9+.-]*:[^\\s<>{}]+')",
    f"CREATE MACRO plain_iri(t) AS {_plain()}",
    "CREATE MACRO last_word(t) AS replace(lower(regexp_extract(t, '([^/#:?&=]+)[/#]*$', 1)), '_', '-')",
)
"""Times and IRIs: `instant(t)`, `iso_seconds(t)`, `is_iri(t)`, `plain_iri(t)` (names no person), `last_word(t)`."""

RUN_MACROS: Final = (
    "CREATE MACRO name_part(t) AS trim(regexp_replace(t, '[^\\pL\\pN_.+~]+', '-', 'g'), '-')",
    (
        f"CREATE MACRO short_name(t) AS if(length(t) > {_LONGEST_NAME}, "
        f"left(t, {_LONGEST_NAME - 9}) || '-' || left(md5(t), 8), nullif(t, ''))"
    ),
    "CREATE MACRO bare_iri(t) AS regexp_replace(rtrim(t, '/'), '^[A-Za-z][A-Za-z0-9+.-]*:(//)?(www\\.)?', '', 'i')",
    # An edX key names organisation, course and run, wherever it stands in the IRI.
    (
        "CREATE MACRO edx_course(t) AS nullif(regexp_extract(if(contains(t, '%'), url_decode(t), t), "
        "'(?:course|block)-v1:([^/+?#@\\s]+\\+[^/+?#@\\s]+)\\+[^/+?#@\\s]+', 1), '')"
    ),
    (
        "CREATE MACRO edx_run(t) AS nullif(regexp_extract(if(contains(t, '%'), url_decode(t), t), "
        "'(?:course|block)-v1:[^/+?#@\\s]+\\+[^/+?#@\\s]+\\+([^/+?#@\\s]+)', 1), '')"
    ),
    # Elsewhere a section of a course is its run, and a course without sections has the run 1.
    (
        "CREATE MACRO course_of(t) AS short_name(name_part(coalesce(edx_course(t), "
        "nullif(regexp_extract(bare_iri(t), '^(.*)/sections?/[^/]+$', 1), ''), bare_iri(t))))"
    ),
    (
        "CREATE MACRO run_of(t) AS coalesce(short_name(name_part(coalesce(edx_run(t), "
        "'section-' || nullif(regexp_extract(bare_iri(t), '^.*/sections?/([^/]+)$', 1), '')))), '1')"
    ),
    "CREATE MACRO course_and_run(t) AS course_of(t) || '/' || run_of(t)",
)
"""Course runs: `course_and_run(t)` gives `course/run` for the IRI of a course, always the same for the same IRI."""

SEGMENT_MACROS: Final = (
    (
        "CREATE MACRO segments(t) AS list_filter(list_transform(string_split(t, '[,]'), lambda part: "
        "{'s': try_cast(split_part(part, '[.]', 1) AS DOUBLE), 'e': try_cast(split_part(part, '[.]', 2) AS DOUBLE)}), "
        "lambda part: part.s >= 0 AND part.e > part.s AND part.e < 1000000)"
    ),
    # In order of their starts, each segment adds what lies past the furthest end so far.
    (
        "CREATE MACRO covered_s(t) AS list_reduce(list_transform(list_sort(segments(t)), lambda part: "
        "{'e': part.e, 's': part.s, 'sum': 0.0::DOUBLE}), lambda done, part: {'e': greatest(done.e, part.e), "
        "'s': done.s, "
        "'sum': done.sum + greatest(0, part.e - greatest(done.e, part.s))}, "
        "{'e': -1.0::DOUBLE, 's': -1.0::DOUBLE, 'sum': 0.0::DOUBLE}).sum"
    ),
    "CREATE MACRO watched_s(t) AS nullif(covered_s(t), 0)",
)
"""Played segments of the xAPI video profile: `watched_s(t)` gives the seconds that at least one of them covers."""
