"""The shipped model, loaded once."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifier.model import Model, load_model


@pytest.fixture(scope="session")
def model(repository: Path) -> Model:
    return load_model(repository / "models")
