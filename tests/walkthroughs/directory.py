"""An organisation's directory: the real client of SCIM, talking to a started gateway."""

from __future__ import annotations

from typing import Any

import httpx2
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import PatchOp, SearchRequest

from tests.walkthroughs.served import Server


class Directory:
    """A client that has read what the gateway says of itself; `User` and `Group` are the models it got from there."""

    def __init__(self, server: Server, token: str) -> None:
        headers = {"authorization": f"Bearer {token}"}
        self.http = httpx2.Client(base_url=f"{server.url}/scim/v2", headers=headers, timeout=30)
        self.client = SyncSCIMClient(self.http)
        self.client.discover()
        self.User: Any = self.client.get_resource_model("User")
        self.Group: Any = self.client.get_resource_model("Group")

    def create_user(self, address: str, name: str, **given: object) -> Any:
        """A new person in the directory."""
        emails = [{"value": address, "type": "work", "primary": True}]
        said = self.User(user_name=address, display_name=name, emails=emails, active=True, **given)
        return self.client.create(said)

    def create_group(self, name: str, *people: Any) -> Any:
        """A new group with these people."""
        return self.client.create(self.Group(display_name=name, members=[{"value": one.id} for one in people]))

    def find(self, address: str) -> Any:
        """The person with this address, or None."""
        asked: Any = SearchRequest(filter=f'userName eq "{address}"')
        found = self.client.query(self.User, query_parameters=asked)
        return found.resources[0] if found.resources else None

    def patch(self, resource: Any, op: str, path: str, value: object = None) -> Any:
        """One operation on a person or a group."""
        kind = type(resource)
        message: Any = PatchOp.__class_getitem__(kind)
        operations = [{"op": op, "path": path, **({} if value is None else {"value": value})}]
        return self.client.modify(kind, resource.id, message(operations=operations))

    def delete(self, resource: Any) -> None:
        """Remove a person or a group from the directory."""
        self.client.delete(type(resource), resource.id)

    def close(self) -> None:
        self.http.close()
