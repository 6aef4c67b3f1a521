from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests import databases

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built as for publishing: by way of the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "build", "-o", folder, databases.ROOT], check=True)
    (built,) = folder.glob("*.whl")
    return built
