"""A new operator's hour (docs/OPERATIONS.md) can be done, from nothing to an upgrade."""

from pathlib import Path

import pytest

from tests.e2e import operators_hour
from tests.e2e.long import LONG

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600), LONG]


def test_a_bank_without_anything_joins_is_restored_and_upgraded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    operators_hour.run(tmp_path)
    assert "# Done after" in capsys.readouterr().out
