"""The sentences at the top say what was found, what waits, and what zero means."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reports.findings import write_findings

if TYPE_CHECKING:
    from conftest import Desk


def test_confirmed_ads_are_told_with_their_groups_and_without_a_sum(survey: Desk) -> None:
    finding = write_findings(survey.figures())
    assert finding.kind == "found"
    assert (
        finding.lead == "21 distinct ads for the three species groups were found and confirmed by a person."
    )
    assert finding.sentences[0] == (
        "Of the 21 distinct ads, 8 offer ivory, 15 offer rhino horn and 3 offer tiger parts. "
        "5 of them offer more than one group, so these numbers have no sum."
    )
    assert "26" not in "".join(finding.sentences)


def test_one_ad_is_told_in_the_singular_and_missing_groups_are_named(desk: Desk) -> None:
    desk.look("oldport")
    desk.put("oldport", judged=("ivory",))
    finding = write_findings(desk.figures())
    assert finding.lead == "1 distinct ad for the three species groups was found and confirmed by a person."
    assert (
        finding.sentences[0] == "Of the 1 distinct ad, 1 offers ivory; none offers rhino horn or tiger parts."
    )


def test_flags_alone_confirm_nothing(desk: Desk) -> None:
    desk.look("oldport")
    desk.put("oldport", scored=("ivory", "tiger"))
    finding = write_findings(desk.figures())
    assert finding.lead == "No ad is confirmed yet: 1 flagged listing waits for review."
    assert "A flag is a lead, not a finding." in finding.sentences[0]


def test_none_found_stands_with_its_denominators(desk: Desk) -> None:
    desk.look("oldport")
    desk.look("lanternrow", at=datetime(2026, 9, 1, tzinfo=UTC))
    for _ in range(3):
        desk.put("oldport")
    desk.put("oldport", scored=None)
    finding = write_findings(desk.figures())
    assert (finding.kind, finding.lead) == ("none", "No ad for ivory, rhino horn or tiger parts was found.")
    assert finding.sentences[0] == (
        "Looked at: 1 of 2 known sites, 5 pages, 4 listings dated in the period, 75 % of them scored by the model."
    )


def test_zero_without_a_look_is_no_finding(desk: Desk) -> None:
    desk.look("oldport", at=datetime(2026, 9, 1, tzinfo=UTC))
    finding = write_findings(desk.figures())
    assert finding.kind == "blind"
    assert "nobody looked" in finding.sentences[0]


def test_a_rare_thing_is_told_in_ten_thousand(desk: Desk) -> None:
    desk.look("oldport")
    desk.put("oldport", judged=("ivory",))
    for _ in range(119):
        desk.put("oldport", scored=None)
    assert write_findings(desk.figures()).sentences[1] == (
        "They are 83.3 in 10,000 of the 120 listings dated in the period (95 % interval 14.7 to 457)."
    )
