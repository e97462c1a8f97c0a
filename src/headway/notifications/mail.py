"""A digest as mail: text and HTML that say the same, sent with SMTP. Writing is pure; `send` alone has a socket."""

import smtplib
import ssl
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Final

from markupsafe import Markup, escape

from headway.domain.errors import ServiceRefused, SourceError
from headway.live_settings import NotificationSettings
from headway.notifications.news import MOST_ITEMS, Item, News

TIMEOUT_S: Final = 30.0


def written(news: News) -> dict[str, str]:
    """The subject, the text and the HTML of a digest."""
    return {"subject": f"headway: {news.headline}", "text": _text(news), "html": str(_html(news))}


def message(payload: dict[str, Any], sender: str, receiver: str, notice_id: str, at: datetime) -> EmailMessage:
    """The mail; its id is the notice's, so that a mail program shows one that came twice once.

    A payload with `reply_to` was written by a person, who is answered there; one without was put together by us.

    Raises:
        ServiceRefused: an address holds what no header may: another line, or more than one address.
    """
    mail = EmailMessage()
    mail["Subject"] = " ".join(str(payload["subject"]).split())
    mail["From"], mail["To"] = sender, _one_address(receiver)
    if reply_to := str(payload.get("reply_to", "")):
        mail["Reply-To"] = _one_address(reply_to)
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{notice_id}@headway>"
    mail["Auto-Submitted"] = "no" if reply_to else "auto-generated"
    mail.set_content(str(payload["text"]))
    if "html" in payload:
        mail.add_alternative(str(payload["html"]), subtype="html")
    return mail


def _one_address(text: str) -> str:
    if not text.isprintable() or any(sign in text for sign in ",;"):
        raise ServiceRefused("This is not one mail address, so nothing was sent to it.", "address")
    return text


def send(mail: EmailMessage, settings: NotificationSettings, password: str | None) -> None:
    """Hands a mail to the mail server.

    Raises:
        SourceError: the server cannot be reached or does not take the mail.
        ServiceRefused: it will never take this mail.
    """
    context = ssl.create_default_context()
    where = f"{settings.smtp_host}:{settings.smtp_port}"
    try:
        if settings.smtp_security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.smtp_host, settings.smtp_port, timeout=TIMEOUT_S, context=context
            )
        else:
            server = smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=TIMEOUT_S)
        try:
            if settings.smtp_security == "starttls":
                server.starttls(context=context)
            if settings.smtp_user and password is not None:
                server.login(settings.smtp_user, password)
            server.send_message(mail)
        finally:
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
    except smtplib.SMTPRecipientsRefused as wrong:
        codes = sorted({code for code, _ in wrong.recipients.values()})
        if all(500 <= code < 600 for code in codes):
            raise ServiceRefused(f"The mail server {where} refuses the receiver ({codes[0]}).", str(codes[0])) from None
        raise SourceError(f"The mail server {where} does not take the mail now ({codes[0]}).") from None
    except (smtplib.SMTPException, OSError) as wrong:
        raise SourceError(
            f"The mail server {where} does not take the mail ({type(wrong).__name__}: {wrong})."
        ) from None


def _text(news: News) -> str:
    lines = [news.headline + ".", ""]
    for note in (*news.answers, *news.notes):
        lines += [f"! {note}", ""]
    for name, items in _sections(news):
        lines += [name, "-" * len(name)]
        for item in items[:MOST_ITEMS]:
            lines += [f"* {_told(item)}", *([f"  {item.link}"] if item.link else [])]
        if len(items) > MOST_ITEMS:
            lines.append(f"… and {len(items) - MOST_ITEMS} more.")
        lines.append("")
    return "\n".join([*lines, *news.words]) + "\n"


def _html(news: News) -> Markup:
    parts = [Markup("<h1>{}</h1>").format(news.headline)]
    parts += [Markup("<p><strong>{}</strong></p>").format(note) for note in (*news.answers, *news.notes)]
    for name, items in _sections(news):
        parts.append(Markup("<h2>{}</h2><ul>").format(name))
        for item in items[:MOST_ITEMS]:
            told = escape(_told(item))
            linked = Markup('<a href="{}">{}</a>').format(item.link, told) if item.link else told
            parts.append(Markup("<li>{}</li>").format(linked))
        more = len(items) - MOST_ITEMS
        parts.append(Markup("<li>… and {} more.</li></ul>").format(more) if more > 0 else Markup("</ul>"))
    parts += [Markup("<p>{}</p>").format(word) for word in news.words]
    begin = Markup('<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{}</title></head><body>')
    return begin.format(news.headline) + Markup("\n").join(parts) + Markup("</body></html>")


def _sections(news: News) -> Sequence[tuple[str, list[Item]]]:
    found = list(news.by_list().items())
    return [*found, *([("Follow-ups", list(news.follow_ups))] if news.follow_ups else [])]


def _told(item: Item) -> str:
    until = f" (look again on {item.follow_up_on.isoformat()})" if item.follow_up_on else ""
    return f"{item.learner} in {item.run}: {item.reason}{until}"
