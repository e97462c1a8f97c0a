"""JSON posted to other systems: webhooks signed as Standard Webhooks says, and messages to Slack and Teams.

Writing is pure; `post` alone has a socket. Redirects are not followed: what is sent goes to the named host only. A
failed answer is never quoted, since it may hold what was sent. See https://www.standardwebhooks.com.
"""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from headway.domain.errors import ConfigError, ServiceRefused, SourceError
from headway.notifications.news import MOST_ITEMS, Item, News

TIMEOUT_S: Final = 20.0
_GONE: Final = 410
_SLACK_CHARACTERS: Final = 2_900


def signed(secret: str, notice_id: str, at: datetime, body: str) -> dict[str, str]:
    """The headers that let a receiver check who sent a body, and when.

    Args:
        secret: `whsec_` and base64.
        notice_id: the id of the message, the same at every attempt.
        at: now, in UTC.
        body: exactly what is sent.

    Raises:
        ConfigError: the secret is none.
    """
    from standardwebhooks import Webhook

    try:
        signature = Webhook(secret.strip()).sign(notice_id, at, body)
    except ValueError as wrong:
        raise ConfigError(
            "The secret of the webhooks is not `whsec_` and base64. Make one: headway notice secret"
        ) from wrong
    return {
        "webhook-id": notice_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }


def post(url: str, body: str, headers: Mapping[str, str], name: str) -> None:
    """Posts a JSON body.

    Args:
        url: where; it may hold a token and is never shown.
        body: what is sent.
        headers: sent along.
        name: what the receiver is called in messages.

    Raises:
        ServiceRefused: the receiver is gone for good (410).
        SourceError: it cannot be reached, or did not say that it took it.
    """
    told = {"content-type": "application/json", "user-agent": "headway", **headers}
    request = urllib.request.Request(url, body.encode(), told, method="POST")  # noqa: S310 - http(s), checked by settings
    opener = urllib.request.build_opener(_NoRedirects)
    try:
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            answer.read(1)
    except urllib.error.HTTPError as wrong:
        wrong.close()
        if wrong.code == _GONE:
            raise ServiceRefused(
                f"{name} answered 410: it takes no more. Remove it from the settings.", "410"
            ) from None
        raise SourceError(f"{name} answered {wrong.code}.") from None
    except (OSError, http.client.HTTPException) as wrong:
        reason = getattr(wrong, "reason", None) or type(wrong).__name__
        raise SourceError(f"{name} cannot be reached ({reason}).") from None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Nothing: the answer stands as it is."""


def body_of(payload: Mapping[str, Any]) -> str:
    """The payload as compact JSON."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"))


def slack(news: News) -> dict[str, Any]:
    """The news as a Slack message (Block Kit)."""
    blocks: list[dict[str, Any]] = [{"type": "header", "text": {"type": "plain_text", "text": news.headline[:150]}}]
    sections = [*(f"*{_slack_safe(note)}*" for note in news.notes)]
    for name, items in news.by_list().items():
        lines = [f"*{_slack_safe(name)}*", *(_slack_line(item) for item in items[:MOST_ITEMS])]
        sections.append(_cut(lines, len(items)))
    blocks += [{"type": "section", "text": {"type": "mrkdwn", "text": text}} for text in sections]
    words = " ".join(_slack_safe(word) for word in news.words)
    if words:
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": words[:_SLACK_CHARACTERS]}]})
    return {"text": news.headline, "blocks": blocks[:50]}


def teams(news: News) -> dict[str, Any]:
    """The news as a message with an Adaptive Card, as the workflows of Teams take it."""
    body: list[dict[str, Any]] = [
        {"type": "TextBlock", "text": news.headline, "size": "Large", "weight": "Bolder", "wrap": True}
    ]
    body += [{"type": "TextBlock", "text": _teams_safe(note), "weight": "Bolder", "wrap": True} for note in news.notes]
    for name, items in news.by_list().items():
        body.append({"type": "TextBlock", "text": _teams_safe(name), "weight": "Bolder", "wrap": True})
        body += [{"type": "TextBlock", "text": _teams_line(item), "wrap": True} for item in items[:MOST_ITEMS]]
        if len(items) > MOST_ITEMS:
            body.append({"type": "TextBlock", "text": f"… and {len(items) - MOST_ITEMS} more.", "wrap": True})
    body += [{"type": "TextBlock", "text": _teams_safe(word), "isSubtle": True, "wrap": True} for word in news.words]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    attached = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return {"type": "message", "attachments": [attached]}


def _slack_line(item: Item) -> str:
    who = f"<{item.link}|{_slack_safe(item.learner)}>" if item.link else _slack_safe(item.learner)
    return f"• {who} in {_slack_safe(item.run)}: {_slack_safe(item.reason)}"


def _slack_safe(text: str) -> str:
    """Text in which nothing is a link or a call of people, as Slack asks: &, < and > escaped."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(lines: list[str], total: int) -> str:
    """Lines that fit into one block."""
    shown: list[str] = []
    length = 0
    for line in lines:
        length += len(line) + 1
        if length > _SLACK_CHARACTERS:
            break
        shown.append(line)
    more = total - (len(shown) - 1)
    return "\n".join([*shown, *([f"… and {more} more."] if more > 0 else [])])


def _teams_line(item: Item) -> str:
    who = f"[{_teams_safe(item.learner)}]({item.link})" if item.link else _teams_safe(item.learner)
    return f"{who} in {_teams_safe(item.run)}: {_teams_safe(item.reason)}"


def _teams_safe(text: str) -> str:
    """Text in which no sign makes a link or formats anything."""
    return "".join(f"\\{sign}" if sign in "\\[]()*_#`~>" else sign for sign in text)
