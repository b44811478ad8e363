"""How the command line says what is known of a run.

Public names: say_state, say_story.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuskwatch.output import show_time

if TYPE_CHECKING:
    from jobs.runstory import Story


def say_state(row: Mapping[str, Any]) -> str:
    """row: as jobs.runstory.tell_run has it."""
    slowed = f", {row['slow']:g} x slower" if row["slow"] != 1 and not row["ended_at"] else ""
    person = " for a person" if row["waits_for"] == "person" else ""
    return f"{row['state']}{person}{slowed}"


def say_story(story: Story, proof: Mapping[str, Any], *, log: Path) -> Iterator[tuple[str, str]]:
    """(name, value) of each line, in order; what does not concern such a run is left out."""
    from jobs.runstory import read_slow

    run, crawl = story.run, story.run.verb == "crawl"
    row = {"slow": read_slow(run), "ended_at": run.ended_at, "waits_for": run.waits_for, "state": story.state}
    yield "Run", f"{run.id} ({run.verb})"
    yield "Site", run.site.name if run.site is not None else "all"
    yield "State", say_state(row) + (f", asked to {run.wish}" if run.wish and run.wish != "slow" else "")
    yield "Message", run.message or "-"
    yield "Next", story.step.words + (f" {story.step.command}" if story.step.command else "")
    yield "Why", f"{run.reason or '-'} ({run.by})"
    if run.schedule:
        yield "Schedule", f"{run.schedule}: tuskwatch schedule show {run.schedule}"
    yield "Asked for", show_time(run.created_at)
    if run.due_at is not None:
        yield "Due", show_time(run.due_at)
    yield "Started", show_time(run.started_at)
    yield "Ended", show_time(run.ended_at)
    yield "Worker", f"{run.worker or '-'}; last sign of life {show_time(run.heartbeat_at)}"
    if story.earlier:
        yield "Again of", ", which did again ".join(f"run {number}" for number in story.earlier)
    if story.later:
        yield "Done again", ", ".join(f"run {later.id} ({later.state})" for later in story.later)
    if run.total:
        yield "Progress", f"{run.done:,} of {run.total:,}"
    for name, value in story.result.items():
        yield name.replace("_", " ").capitalize(), f"{value:,}" if isinstance(value, int) else str(value)
    if story.read is not None:
        yield from _say_pages(story)
    if crawl:
        yield "Coverage", _say_coverage(run.coverage)
        yield "Proof", _say_proof(proof)
    yield "Issues", f"{run.issues:,}"
    yield "Log", str(log)


def _say_pages(story: Story) -> Iterator[tuple[str, str]]:
    numbers, read = story.numbers, story.read
    assert read is not None
    kinds = ", ".join(
        f"{count:,} {kind or 'not judged'}"
        for kind, count in sorted(numbers.by_kind.items(), key=lambda each: (-each[1], each[0] or ""))
    )
    yield "Pages", f"{numbers.pages:,}" + (f": {kinds}" if kinds else "")
    gates = ", ".join(f"{count:,} x {kind}" for kind, count in sorted(story.gates.items()))
    yield "Gates met", gates or "none"
    unread = f"; {read.unread:,} pages not read yet" if read.unread else ""
    yield (
        "Listings",
        f"{numbers.listings:,} seen, {numbers.new_listings:,} new, {read.changed:,} changed{unread}",
    )
    yield (
        "Flags",
        f"{read.flagged:,} of {read.scored:,} scored listings, {read.unreviewed:,} without a verdict",
    )


def _say_coverage(coverage: Mapping[str, Any]) -> str:
    """What was seen of what the site itself says it has."""
    total = coverage.get("*")
    if not total:
        return "the site's own counts are not known"
    return f"{total['seen']:,} of the {total['says']:,} listings that the site says it has"


def _say_proof(proof: Mapping[str, Any]) -> str:
    """What the canary saw, in a line."""
    if not proof:
        return "none was kept"
    seen = (
        f"{proof['checks']:,} looks at Tor {proof.get('tor_version') or '?'} and at every socket of the crawl"
    )
    return (
        f"{seen}; FAILED: {proof['failed']}" if proof.get("failed") else f"{seen}: nothing left another way"
    )
