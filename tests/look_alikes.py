"""Texts that the default collations of MySQL and MariaDB take for equal, and no identifier may."""

from __future__ import annotations

from typing import Final

import pytest

LOOK_ALIKE: Final = "key-a"
LOOK_ALIKES: Final = [
    pytest.param("KEY-A", id="case"),
    pytest.param("key-\u00e1", id="accent"),
    pytest.param("key-a ", id="space"),
    pytest.param("key-\uff41", id="width"),
]
