"""What the service serves: users and groups with the attributes that are kept, and its description of itself."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field
from scim2_models import (
    URN,
    AuthenticationScheme,
    Bulk,
    ChangePassword,
    ComplexAttribute,
    ETag,
    Filter,
    GroupMembership,
    Mutability,
    Name,
    Patch,
    Reference,
    Required,
    Resource,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
    Uniqueness,
)

MEDIA_TYPE: Final = "application/scim+json"
BASE: Final = "/scim/v2"
PAGE: Final = 100
LARGEST_PAGE: Final = 200
SCANNED: Final = 10_000
"""Resources that one filter or order may have to look at."""

MOST_OPERATIONS: Final = 100
"""Operations of one PATCH, beside those that take one person each out of a group."""


class Email(ComplexAttribute):
    """One address; the primary one, or else the first, is the person's."""

    value: Annotated[str | None, Required.true] = None
    type: str | None = Field(None, examples=["work", "home", "other"])
    primary: bool | None = None


class User(Resource[Any]):
    """A member of the organisation. `active` and `displayName` are filled in for a directory that sends none."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:User")

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    name: Name | None = None
    display_name: Annotated[str | None, Required.true] = None
    active: Annotated[bool | None, Required.true] = None
    emails: Annotated[list[Email] | None, Required.true] = None
    groups: Annotated[list[GroupMembership] | None, Mutability.read_only] = None


class GroupMember(ComplexAttribute):
    """A person in a group; groups in groups there are none."""

    value: Annotated[str | None, Mutability.immutable, Required.true] = None
    ref: Annotated[Reference[User] | None, Mutability.immutable] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User"])


class Group(Resource[Any]):
    """A group of the directory. Which roles it gives, the organisation says with `setScimGroupRoles`."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:Group")

    display_name: Annotated[str | None, Required.true] = None
    members: list[GroupMember] | None = None


POLICY: Final = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)
"""Directories send more than is kept here, which is dropped; the other two are how Microsoft Entra writes PATCH."""


def described(url: str) -> ScimProvider:
    """The service as it describes itself at this address."""
    config = ServiceProviderConfig(
        documentation_uri=None,
        patch=Patch(supported=True),
        bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
        filter=Filter(supported=True, max_results=LARGEST_PAGE),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=True),
        etag=ETag(supported=True),
        authentication_schemes=[
            AuthenticationScheme(
                type=AuthenticationScheme.Type.oauthbearertoken,
                name="Bearer token",
                description="The token that createScimCredential shows once.",
                spec_uri="https://datatracker.ietf.org/doc/html/rfc6750",
                primary=True,
            )
        ],
    )
    return ScimProvider(models=[User, Group], config=config, policy=POLICY)
