"""The tables, one file per noun; importing this package registers them all on `metadata`."""

from accord.database.tables.acting import acting_sessions
from accord.database.tables.activity import activity_events, chain_heads
from accord.database.tables.allowance import allowances
from accord.database.tables.amendment import amendments
from accord.database.tables.api_client import api_clients
from accord.database.tables.billing import invoices, wallet_entries, wallets
from accord.database.tables.cascade import cascades
from accord.database.tables.contact import customer_assignments, external_contacts
from accord.database.tables.delegation import role_delegations, role_group_members, role_groups
from accord.database.tables.invitation_claim import invitation_claims
from accord.database.tables.metadata import metadata
from accord.database.tables.organisation import (
    directory_entries,
    identities,
    memberships,
    organisations,
    sign_ins,
    users,
)
from accord.database.tables.outbox import held_mails, mail_turns, mails, notifications
from accord.database.tables.partner import partner_links
from accord.database.tables.partnership import (
    attempts,
    invitations,
    partnerships,
    terms_acceptances,
    terms_versions,
)
from accord.database.tables.policy import organisation_policies
from accord.database.tables.retry import retries
from accord.database.tables.scim import scim_credentials, scim_group_members, scim_groups, scim_users
from accord.database.tables.setting import acting_changes, organisation_features, organisation_settings
from accord.database.tables.sharing import access_items, account_ownerships, accounts, grants, shares, tickets
from accord.database.tables.signin import browser_sessions, sign_in_attempts

__all__ = [
    "access_items",
    "account_ownerships",
    "accounts",
    "acting_changes",
    "acting_sessions",
    "activity_events",
    "allowances",
    "amendments",
    "api_clients",
    "attempts",
    "browser_sessions",
    "cascades",
    "chain_heads",
    "customer_assignments",
    "directory_entries",
    "external_contacts",
    "grants",
    "held_mails",
    "identities",
    "invitation_claims",
    "invitations",
    "invoices",
    "mail_turns",
    "mails",
    "memberships",
    "metadata",
    "notifications",
    "organisation_features",
    "organisation_policies",
    "organisation_settings",
    "organisations",
    "partner_links",
    "partnerships",
    "retries",
    "role_delegations",
    "role_group_members",
    "role_groups",
    "scim_credentials",
    "scim_group_members",
    "scim_groups",
    "scim_users",
    "shares",
    "sign_in_attempts",
    "sign_ins",
    "terms_acceptances",
    "terms_versions",
    "tickets",
    "users",
    "wallet_entries",
    "wallets",
]
