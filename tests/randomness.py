"""Random tests that can be repeated: each says its seed in its output, and `ACCORD_TEST_SEED` gives it one."""

import os
import random
import sys


def seeded() -> random.Random:
    """A source of random values whose seed pytest shows when the test fails."""
    seed = int(os.environ.get("ACCORD_TEST_SEED") or random.randrange(2**32))
    sys.stdout.write(f"repeat with ACCORD_TEST_SEED={seed}\n")
    return random.Random(seed)
