"""Agents and Groups: who acted, was acted on, taught, or vouches for a statement (Data 2.4.2 and 2.4.9)."""

from collections.abc import Callable
from typing import Any, Final

from headway.intake.xapi.checks import check_iri, check_list, check_string
from headway.intake.xapi.formats import is_mbox, is_sha1
from headway.intake.xapi.refusal import Refused, refuse_key, refuse_kind, refuse_missing, refuse_type

_FORMAT: Final = "Data 2.2.s4.b1.b4"
_AGENT_KEYS: Final = ("objectType", "name", "mbox", "mbox_sha1sum", "openid", "account")
_GROUP_KEYS: Final = (*_AGENT_KEYS, "member")
PERSONAL: Final = frozenset({"mbox", "mbox_sha1sum", "openid", "account", "member"})
"""Properties that only Agents and Groups have."""

_ACCOUNT_KEYS: Final = ("homePage", "name")


def check_actor(value: Any, path: str, requirement: str = "Data 2.4.s1.table1.row2") -> None:
    """Refuse what is neither an Agent nor a Group; without an objectType it is taken for an Agent."""
    if value.__class__ is not dict:
        refuse_type(value, path, "an Agent or a Group", requirement)
    kind = value.get("objectType", "Agent")
    if kind == "Agent":
        check_agent(value, path)
    elif kind == "Group":
        check_group(value, path)
    else:
        refuse_kind(kind, path, "Agent or Group", requirement)


def check_agent(value: Any, path: str, requirement: str = "Data 2.4.2.1.s2.table1.row1") -> None:
    """Refuse what is no Agent with exactly one identifier."""
    if value.__class__ is not dict:
        refuse_type(value, path, "an Agent", requirement)
    identifiers = 0
    for key, item in value.items():
        check = _IDENTIFIERS.get(key)
        if check is not None:
            check(item, path)
            identifiers += 1
        elif key == "objectType":
            if item != "Agent":
                refuse_kind(item, path, "Agent", requirement)
        elif key == "name":
            check_string(item, path, "name", "Data 2.4.2.1.s2.table1.row2")
        else:
            refuse_key(key, path, _AGENT_KEYS)
    if identifiers != 1:
        _refuse_identifiers(identifiers, path, "Data 2.4.2.1.s2.b1", "Data 2.4.2.1.s2.b2")


def check_group(value: Any, path: str, requirement: str = "Data 2.4.2.2.s2.table1.row1") -> None:
    """Refuse what is no Group: identified by exactly one identifier, or anonymous with members; members are Agents."""
    if value.__class__ is not dict:
        refuse_type(value, path, "a Group", requirement)
    identifiers = 0
    if "objectType" not in value:
        refuse_missing("objectType", path, "Data 2.4.2.2.s2.table1.row1")
    for key, item in value.items():
        check = _IDENTIFIERS.get(key)
        if check is not None:
            check(item, path)
            identifiers += 1
        elif key == "objectType":
            if item != "Group":
                refuse_kind(item, path, "Group", requirement)
        elif key == "name":
            check_string(item, path, "name", "Data 2.4.2.2.s2.table1.row2")
        elif key != "member":
            refuse_key(key, path, _GROUP_KEYS)
    if identifiers > 1:
        _refuse_identifiers(identifiers, path, "Data 2.4.2.2.s5.b1", "Data 2.4.2.2.s5.b1")
    if "member" in value:
        _check_members(value["member"], path, identified=identifiers == 1)
    elif not identifiers:
        refuse_missing("member", path, "Data 2.4.2.2.s4.b1")


def check_authority(value: Any, path: str) -> None:
    """Refuse an authority that is neither an Agent nor an anonymous Group of an application and its user."""
    if value.__class__ is not dict:
        refuse_type(value, path, "an Agent, or a Group of two Agents", "Data 2.4.s1.table1.row9")
    if value.get("objectType", "Agent") != "Group":
        check_actor(value, path, "Data 2.4.s1.table1.row9")
        return
    check_group(value, path)
    if any(key in value for key in _IDENTIFIERS) or len(value["member"]) != 2:
        raise Refused(
            "Data 2.4.9.s3.b1",
            path,
            "is a Group that is not two Agents. Give an Agent, or an anonymous Group of the application and its user.",
        )
    if not any("account" in member for member in value["member"]):
        raise Refused(
            "Data 2.4.9.s7.b2", f"{path}.member", "has no Agent identified by account. Name the application by account."
        )


def _check_members(value: Any, path: str, identified: bool) -> None:
    check_list(value, path, "member", "Agents", "Data 2.4.2.2.s2.table1.row3")
    if not value and not identified:
        raise Refused("Data 2.4.2.2.s4.b1", f"{path}.member", "is empty. List the members of an anonymous Group.")
    for place, member in enumerate(value):
        if member.__class__ is dict and member.get("objectType") == "Group":
            raise Refused(
                "Data 2.4.2.2.s5.b2" if identified else "Data 2.4.2.2.s4.b2",
                f"{path}.member[{place}]",
                "is a Group. List its Agents themselves.",
            )
        check_agent(member, f"{path}.member[{place}]")


def _check_mbox(value: Any, path: str) -> None:
    if value.__class__ is not str:
        refuse_type(value, f"{path}.mbox", "a mailto IRI", "Data 2.4.2.3.s3.table1.row1")
    if not is_mbox(value):
        raise Refused(_FORMAT, f"{path}.mbox", "is no mail address after mailto:. Write mailto:ann@example.org.")


def _check_mbox_sha1sum(value: Any, path: str) -> None:
    if value.__class__ is not str:
        refuse_type(value, f"{path}.mbox_sha1sum", "a SHA-1 sum", "Data 2.4.2.3.s3.table1.row2")
    if not is_sha1(value):
        raise Refused(_FORMAT, f"{path}.mbox_sha1sum", "is no SHA-1 sum. Write its 40 hexadecimal digits.")


def _check_openid(value: Any, path: str) -> None:
    check_iri(value, path, "openid", "Data 2.4.2.3.s3.table1.row3")
    if not value.isascii():
        raise Refused(_FORMAT, f"{path}.openid", "is no URI: percent-encode what is not ASCII.")


def _check_account(value: Any, path: str) -> None:
    if value.__class__ is not dict:
        refuse_type(value, f"{path}.account", "an object with homePage and name", "Data 2.4.2.3.s3.table1.row4")
    if len(value) != 2 or "homePage" not in value or "name" not in value:
        _refuse_account(value, f"{path}.account")
    check_iri(value["homePage"], path, "account.homePage", "Data 2.4.2.4.s2.table1.row1")
    if value["name"].__class__ is not str:
        refuse_type(value["name"], f"{path}.account.name", "a string", "Data 2.4.2.4.s2.table1.row2")


def _refuse_account(value: dict[str, Any], path: str) -> None:
    for key in value:
        if key not in _ACCOUNT_KEYS:
            refuse_key(key, path, _ACCOUNT_KEYS)
    if "homePage" not in value:
        refuse_missing("homePage", path, "Data 2.4.2.4.s2.table1.row1")
    refuse_missing("name", path, "Data 2.4.2.4.s2.table1.row2")


def _refuse_identifiers(count: int, path: str, none: str, several: str) -> None:
    if count:
        raise Refused(several, path, "has more than one of mbox, mbox_sha1sum, openid and account. Keep one.")
    raise Refused(none, path, "has none of mbox, mbox_sha1sum, openid and account. Give exactly one.")


_IDENTIFIERS: Final[dict[str, Callable[[Any, str], None]]] = {
    "account": _check_account,
    "mbox": _check_mbox,
    "mbox_sha1sum": _check_mbox_sha1sum,
    "openid": _check_openid,
}
