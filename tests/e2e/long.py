"""What takes minutes of real processes is not for every change."""

import os

import pytest

LONG = pytest.mark.skipif(
    "DCN_LONG" not in os.environ, reason="minutes of real processes: DCN_LONG=1, or `make soak`"
)
