"""Every text of the pages that is to be translated, as one template for translators.

    python -m scripts.words           writes src/headway/web/locale/headway.pot
    python -m scripts.words --check   says whether it is what the pages hold, and changes nothing

A language is added by `pybabel init -i headway.pot -l xx`, its translation, `pybabel compile`, and a line in
`headway.web.words.LANGUAGES`.
"""

import argparse
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

ROOT: Final = Path(__file__).resolve().parents[1]
WEB: Final = ROOT / "src" / "headway" / "web"
TEMPLATE: Final = WEB / "locale" / "headway.pot"
METHODS: Final = [("**.py", "python"), ("templates/**.html", "jinja2")]
OPTIONS: Final = {
    "templates/**.html": {
        "trim_blocks": "true",
        "lstrip_blocks": "true",
        "silent": "false",
        "extensions": "jinja2.ext.do",
    }
}
KEYWORDS: Final = {"_": None, "gettext": None, "ngettext": (1, 2)}
NAMED: Final = re.compile(r'\b(?:Nav|N_)\(\s*"([^"]+)"')
"""Names in the navigation are translated when they are shown."""


def extracted() -> Catalog:
    """The texts of the pages: those of templates and modules, those in the navigation, and the wording bank's."""
    made = Catalog(project="headway", charset="utf-8", fuzzy=False, header_comment="# Texts of headway's pages.")
    found = extract_from_dir(
        str(WEB), method_map=METHODS, options_map=OPTIONS, keywords=KEYWORDS, comment_tags=(), strip_comment_tags=True
    )
    for _, _, message, _, context in found:
        made.add(message, context=context)
    for text in (*_named(), *_bank()):
        made.add(text)
    return made


def as_text(catalog: Catalog) -> str:
    """The template: sorted, and without what differs from day to day or line to line."""
    told = io.BytesIO()
    write_po(told, catalog, no_location=True, sort_output=True, omit_header=True, width=100)
    return 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n\n' + told.getvalue().decode()


def _named() -> Iterator[str]:
    for module in sorted(WEB.rglob("*.py")):
        yield from NAMED.findall(module.read_text())


def _bank() -> Iterator[str]:
    """Words that are said through `_()` by name."""
    from dataclasses import astuple

    from headway.advising import wording
    from headway.advising.wording import LABEL_WORDS, LISTS

    yield from LISTS
    yield from dict.fromkeys(word for words in LABEL_WORDS.values() for word in astuple(words))
    yield from (value for name, value in sorted(vars(wording).items()) if name.isupper() and isinstance(value, str))


def main() -> int:
    """0 where the template is right, or was written."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--check", action="store_true", help="change nothing")
    text = as_text(extracted())
    if asked.parse_args().check:
        same = TEMPLATE.exists() and TEMPLATE.read_text() == text
        print("right" if same else f"{TEMPLATE} is not what the pages hold: python -m scripts.words")
        return 0 if same else 1
    TEMPLATE.parent.mkdir(exist_ok=True)
    TEMPLATE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
