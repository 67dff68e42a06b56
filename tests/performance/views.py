"""What is asked: the same data of each server, in the words of each."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from accord.domain.ids import global_id

PARTNERS: Final = """
query Partners($id: ID!) { organisation(id: $id) { id name partnerships(side: HOST, first: 20) { edges { node {
  id state guest { name }
  shares(first: 10) { edges { node {
    id state account { id label app status } grants(first: 10) { edges { node { id role user { id displayName } } } }
  } } }
} } } } }
"""

PARTNERS_OF_POSTGRAPHILE: Final = """
query Partners($id: UUID!) { organisation: organisationByRowId(rowId: $id) { id: rowId name
 partnerships(first: 20) { edges { node {
  id: rowId state guest { name }
  shares(first: 10) { edges { node {
    id: rowId state account { id: rowId label app status }
    grants(condition: { state: "ACTIVE" }, first: 10) { edges { node {
      id: rowId role user { id: rowId displayName } } } }
  } } }
} } } } }
"""

VIEWER: Final = """
query Viewer { viewer {
  user { id displayName } organisation { id handle name }
  memberships { id displayName roles organisation { id name } }
} }
"""

EVENTS: Final = """
query Events($filter: ActivityFilter) { viewer { organisation { id activity(first: 50, filter: $filter) {
  edges { node {
    id type occurredAt userName accountLabel outcome user { id } account { id label } partner { id name }
  } }
  pageInfo { hasNextPage endCursor }
} } } }
"""

VIEWER_OF_POSTGRAPHILE: Final = """
query Viewer($id: UUID!) { viewer: userByRowId(rowId: $id) {
  id: rowId displayName organisation { id: rowId handle name }
  memberships { id: rowId displayName roles organisation { id: rowId name } }
} }
"""


def ours(organisation: UUID) -> dict[str, dict[str, Any]]:
    """The bodies of the requests, by the name of the view, as Accord and Mercurius read them."""
    return {
        "partners": {"query": PARTNERS, "variables": {"id": global_id("organisation", organisation)}},
        "viewer": {"query": VIEWER},
        "activity": {"query": EVENTS},
        "activity of a type": {"query": EVENTS, "variables": {"filter": {"types": ["signin.account"]}}},
        "activity in a period": {
            "query": EVENTS,
            "variables": {"filter": {"from": "2025-01-01T00:00:00Z", "to": "2025-01-01T01:00:00Z"}},
        },
    }


def theirs(organisation: UUID, person: UUID) -> dict[str, dict[str, Any]]:
    """The same for PostGraphile, which knows rows by their plain keys, and the viewer only if it is told whom."""
    return {
        "partners": {"query": PARTNERS_OF_POSTGRAPHILE, "variables": {"id": str(organisation)}},
        "viewer": {"query": VIEWER_OF_POSTGRAPHILE, "variables": {"id": str(person)}},
    }


def plain(value: Any) -> Any:
    """An answer without what servers may write differently: the kind before a key, and where the viewer's user is."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {name: plain(item) for name, item in value.items()}
    if isinstance(found.get("id"), str):
        found["id"] = found["id"].rpartition("_")[2]
    user = found.pop("user") if "memberships" in found and "user" in found else {}
    return found | user
