"""Holds on the screens: who may place and lift one, and that it must say why."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest


def test_an_analyst_holds_a_listing_and_lifts_it(browse: Callable[[str], Any]) -> None:
    browser = browse("analyst")
    assert 'href="/holds?subject=listing&amp;number=1"' in browser.get("/listings/1").text
    form = {"subject": "listing", "number": "1", "reason": "case <12>"}
    assert browser.post("/holds", form).status == 303
    page = browser.get("/holds").text
    assert "case &lt;12&gt;" in page
    assert "on hold" in browser.get("/listings/1").text
    assert json.loads(browser.get("/holds.json").text)["holds"][0]["number"] == 1
    assert browser.post("/holds/1/lift", {"reason": ""}).status == 400
    assert browser.post("/holds/1/lift", {"reason": "closed"}).status == 303
    assert json.loads(browser.get("/holds.json").text)["holds"] == []
    assert json.loads(browser.get("/holds.json?show=all").text)["holds"][0]["lifted_by"] == "analyst"


@pytest.mark.parametrize("role", ["reader", "reviewer"])
def test_others_only_look(browse: Callable[[str], Any], role: str) -> None:
    browser = browse(role)
    assert browser.get("/holds").status == 200
    assert browser.post("/holds", {"subject": "page", "number": "1", "reason": "x"}).status == 403


def test_what_is_not_there_cannot_be_held(browse: Callable[[str], Any]) -> None:
    refused = browse("analyst").post("/holds", {"subject": "page", "number": "99999", "reason": "x"})
    assert refused.status == 400
    assert "There is no page 99999" in refused.text
