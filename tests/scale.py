"""How large the counted tests run: `make test` small, `make check` as promised, `make prove` large."""

import os
from typing import Final

import pytest

SCALE: Final = os.environ.get("ACCORD_TEST_SCALE", "test")
if SCALE not in {"test", "check", "prove"}:
    raise ValueError(f"ACCORD_TEST_SCALE is test, check or prove, not {SCALE!r}")


def count(*, test: int, check: int, prove: int | None = None) -> int:
    """The count of the scale that runs; `prove` falls back on `check`."""
    return {"test": test, "check": check, "prove": check if prove is None else prove}[SCALE]


CONTROL: Final = pytest.mark.skipif(SCALE == "test", reason="a control, to be seen red by `make check`")
"""What shows that a test can fail, where that takes as long as the test."""
