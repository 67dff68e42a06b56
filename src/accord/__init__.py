"""A GraphQL gateway for partner access between organisations."""

import gc
from typing import Final

COLLECT_AFTER: Final = 50_000
"""Objects made before a collection is tried; Python's 700 costs a fifth of every start."""

gc.set_threshold(COLLECT_AFTER, 25, 25)
