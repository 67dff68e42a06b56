"""Everything that has an ID of its own."""

from __future__ import annotations

from typing import Any

import strawberry


@strawberry.interface(description="Anything with a global ID: the kind, an underscore and a UUID.")
class Node:
    id: strawberry.ID

    @classmethod
    def resolve_type(cls, row: Any, *_: Any) -> str:
        """The type of a row, which its class names."""
        name: str = row.type_name
        return name
