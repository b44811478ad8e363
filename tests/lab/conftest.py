"""The lab's sites in memory, without a network."""

from __future__ import annotations

from datetime import date

import pytest

from lab.sites import LabSite, make_sites
from lab.truth import Truth, truth

TODAY = date(2026, 11, 22)


@pytest.fixture(scope="session")
def sites() -> list[LabSite]:
    return make_sites(seed=21, listings=1500, today=TODAY)


@pytest.fixture(scope="session")
def truths() -> list[Truth]:
    return truth(seed=21, listings=1500, today=TODAY)
