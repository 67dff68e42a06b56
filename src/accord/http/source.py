"""Where something stands in a document, for the locations of errors."""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import cached_property
from typing import Final

from graphql import Source, SourceLocation

LINE_END: Final = re.compile(r"\r\n|[\n\r]")


class IndexedSource(Source):
    """A source that reads its text once for the locations of all errors. The parent reads it again for each, which is
    most of what an answer with many errors costs."""

    @cached_property
    def line_ends(self) -> tuple[list[int], list[int]]:
        """Where each line's end begins, and where the next line begins."""
        found = [match.span() for match in LINE_END.finditer(self.body)]
        return [start for start, _ in found], [end for _, end in found]

    def get_location(self, position: int) -> SourceLocation:
        """Return the line and the column of a character, both counted from 1."""
        begins, nexts = self.line_ends
        before = bisect_left(begins, position)
        line_start = nexts[before - 1] if before else 0
        return SourceLocation(before + 1, position + 1 - line_start)
