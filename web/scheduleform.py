"""The form of a schedule: its fields out of a schedule and out of what was posted.

Public names: Fields, FIELDS, read_given, read_fields, fill_fields, changes_of.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from jobs.cron import make_cron
from jobs.errors import UsageError
from jobs.places import Places
from jobs.rules import MISSED, OVERLAPS, PERIODS, PLANS, VERBS, Rules, read_blackout
from jobs.scheduleview import ScheduleInfo
from jobs.sessions import find_account
from web.visit import Form

NUMBERS = ("jitter", "pages", "minutes", "priority")
FIELDS = {
    "what": "", "every": "day", "on": "", "at": "", "cron": "", "tz": "UTC", "name": "", "jitter": "", "blackout": "",
    "overlap": "skip", "missed": "once", "pages": "", "minutes": "", "plan": "due", "period": "month", "priority": "",
    "account": "", "no_account": "",
}  # fmt: skip
"""All fields of the form, as a new one has them."""


@dataclass(frozen=True)
class Fields:
    """What a form says. site: "" for verbs of all sites."""

    verb: str
    site: str
    cron: str
    tz: str
    name: str | None
    rules: Rules
    drop_account: bool


def read_given(form: Form) -> dict[str, str]:
    """The fields as posted, to show the form again; a missing one is as in a new form."""
    given = {name: form.text(name, limit=300, default=default) for name, default in FIELDS.items()}
    if not given["what"] and (site := form.text("site", limit=64, default="")):
        given["what"] = f"crawl {site}"
    return given


def read_fields(given: dict[str, str], places: Places, *, now: datetime, changes: bool = False) -> Fields:
    """UsageError in words when a field cannot be what it says. What depends on others is checked where it is used."""
    verb, _, site = given["what"].partition(" ")
    if verb not in VERBS:
        raise UsageError("Choose what the schedule shall do.")
    account = given["account"].strip()
    rules = Rules(
        blackout=read_blackout(given["blackout"]),
        overlap=_choose("What to do when one is still going", given["overlap"], OVERLAPS),
        missed=_choose("What to do about missed times", given["missed"], MISSED),
        plan=_choose("The plan", given["plan"], PLANS) if verb == "crawl" else "due",
        period=_choose("The period", given["period"], PERIODS) if verb == "report" else "",
        account=find_account(places, account, now=now) if account and verb == "crawl" else "",
    )
    numbers: dict[str, Any] = {
        name: _number(given[name], name)
        for name in NUMBERS
        if verb == "crawl" or name in ("jitter", "priority")
    }
    rules = replace(rules, **numbers)
    # In a new form a line that was typed wins over the choice of days, which is never empty; in that of a schedule there
    # is, where the line is never empty, the choice does.
    cron = given["cron"].strip()
    if given["every"] and (changes or not cron):
        cron = make_cron(given["every"], at=given["at"].strip(), on=given["on"].strip())
    return Fields(
        verb, site, cron, given["tz"], given["name"].strip() or None, rules, bool(given["no_account"])
    )


def fill_fields(info: ScheduleInfo) -> dict[str, str]:
    """The form of a schedule there is. Its account's name is not known, only that it has one."""
    rules = info.rules
    return FIELDS | {
        "what": f"{info.verb} {info.site}".strip(),
        "every": "",
        "cron": info.cron,
        "tz": info.tz,
        "name": info.name,
        "blackout": ", ".join(f"{start}-{end}" for start, end in rules.blackout),
        "overlap": rules.overlap,
        "missed": rules.missed,
        "plan": rules.plan,
        "period": rules.period or "month",
        **{name: str(getattr(rules, name) or "") for name in NUMBERS},
    }


def changes_of(fields: Fields) -> dict[str, Any]:
    """As jobs.schedules.change_schedule wants them. The account stays unless another is named or it is taken out."""
    rules = fields.rules
    changes: dict[str, Any] = {
        name: getattr(rules, name) for name in (*NUMBERS, "blackout", "overlap", "missed", "plan", "period")
    }
    if rules.account or fields.drop_account:
        changes["account"] = "" if fields.drop_account else rules.account
    return {"cron": fields.cron, "tz": fields.tz, **changes}


def _choose(what: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise UsageError(f"{what} is one of {', '.join(known)}.")
    return value


def _number(text: str, name: str) -> int:
    text = text.strip().replace(",", "")
    if not text:
        return 0
    if not re.fullmatch(r"[-+]?\d{1,9}", text, re.ASCII):
        raise UsageError(f"The field {name} is not a whole number.")
    return int(text)
