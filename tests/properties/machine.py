"""The machine: random people do random things to random targets; the oracle says what has to come of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final, TypeVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from tests.properties.invariants import broken
from tests.properties.oracle import Oracle
from tests.properties.oracle.facts import Disagreement
from tests.properties.oracle.state import RUNNING, Account, Member, Organisation, Partnership, Session
from tests.properties.projection import Tables, partnership_name, said
from tests.properties.stage import ACCOUNTS, ELSEWHERE, PEOPLE, WITHOUT_MFA, Stage

Draw = TypeVar("Draw")
BEGINNINGS: Final = ({"one"}, {"level"}, {"one", "two"}, {"roles"}, {"level", "roles"}, {"two", "roles"}, set[str]())
Choice = tuple[str, str]


class Play(RuleBasedStateMachine):
    """What every rule needs: who acts, the call, the verdict, and the comparison afterwards."""

    stage: ClassVar[Stage]
    steps: ClassVar[int] = 0
    done: ClassVar[dict[str, list[int]]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.trespasser: Session | None = None
        self.stage.reset()
        self.oracle = Oracle()
        self.tables: Tables = self.stage.read()
        self.oracle.without_mfa = set(WITHOUT_MFA)
        since = self.stage.start
        for name, people in PEOPLE.items():
            self.oracle.organisations[name] = Organisation(name)
            for order, (who, roles) in enumerate(people.items()):
                key = (name, who)
                given = {role.value for role in roles} or {"MEMBER"}
                self.oracle.members[key] = Member(name, who, given, since.replace(microsecond=order))
        for who, (where, roles) in ELSEWHERE.items():
            given = {role.value for role in roles}
            self.oracle.members[where, who] = Member(where, who, given, since.replace(microsecond=99))
        for label, owner in ACCOUNTS.items():
            host = self.stage.people[owner].organisation.name
            self.oracle.accounts[label] = Account(host, label, {owner})
        self.oracle.now = self.stage.world.clock.now

    def pick(self, data: st.DataObject, options: Iterable[Draw], label: str) -> Draw:
        return data.draw(st.sampled_from(list(options)), label=label)

    def someone(self, data: st.DataObject, likely: Iterable[Choice]) -> Choice:
        """Who acts, and in whose name: mostly one of the likely ones, at times anybody anywhere."""
        if self.trespasser is not None:
            p = self.trespasser.partnership
            return self.trespasser.person, self.pick(data, [p.host, p.host, p.host, p.guest], "in the name of")
        likely = sorted(set(likely))
        if likely and data.draw(st.integers(0, 9), label="luck") < 7:
            return self.pick(data, likely, "who")
        if data.draw(st.booleans(), label="at home"):
            return self.pick(data, [(person, org) for org, person in self.oracle.members], "who")
        people = sorted({person for _, person in self.oracle.members})
        return self.pick(data, people, "who"), self.pick(data, self.oracle.organisations, "in the name of")

    def leaders(self, organisation: str, *more: str | None) -> list[Choice]:
        """Those who lead an organisation, and others of it."""
        people = [p for o, p in self.oracle.members if o == organisation and self.oracle.leads(p, o)]
        return [(p, organisation) for p in [*people, *(one for one in more if one)]]

    def admins(self, organisation: str) -> list[Choice]:
        return [(person, organisation) for person in self.oracle.admins(organisation)]

    def owners(self, p: Partnership) -> list[Choice]:
        return [(person, p.host) for person in sorted({p.owner or "", *p.co_owners} - {""})]

    def key(self, kind: str, name: Any) -> str:
        return f"{kind}_{self.tables.keys[kind, name]}"

    def version(self, kind: str, name: Any, data: st.DataObject) -> tuple[int, bool]:
        """The version to expect, at times an old one; and whether it is the current one."""
        stale = data.draw(st.integers(0, 11), label="stale") == 11
        current = self.tables.versions[kind, name]
        return (current - 1, False) if stale else (current, True)

    def do(
        self,
        who: str | None,
        org: str | None,
        name: str,
        given: Mapping[str, Any],
        *acts: tuple[Callable[..., None], Sequence[Any]],
        session: Session | None = None,
    ) -> None:
        """Call the mutation; let the oracle judge each of its items; compare what stands."""
        Play.steps += 1
        given = {"organisationId": self.stage.id(org), **given} if org else given
        if self.trespasser is not None:
            session, acts = self.trespasser, ((self.oracle.trespass, (self.trespasser, org)),)
            who = session.person
        codes = self.stage.call(who, name, given, self.tables.keys["session", session.name] if session else None)
        counted = self.done.setdefault(name, [0, 0])
        here = f" (in {session})" if session else ""
        note(f"{self.oracle.now:%m-%d %H:%M} {who or 'staff'} for {org}{here}: {name} {self._read(given)} -> {codes}")
        for place, (act, arguments) in enumerate(acts):
            code = codes[place] if len(codes) == len(acts) else codes[0]
            counted[0 if self.oracle.judge(act, code, *arguments) else 1] += 1
        self.compare(name)

    def _read(self, given: Any) -> Any:
        if isinstance(given, Mapping):
            return {key: self._read(value) for key, value in given.items()}
        if isinstance(given, list):
            return [self._read(value) for value in given]
        return self.tables.names.get(str(given).partition("_")[2], given)

    def compare(self, act: str) -> None:
        """The tables and the oracle say the same; the invariants hold on the tables by themselves."""
        before, self.tables = self.tables, self.stage.read()
        mine = said(self.oracle)
        found = self.tables.projection["event"]
        for key in [key for key in found if key[1].startswith("amendment.")]:
            del found[key]
        self._open(self.tables.projection["event"])
        mine["event"] = {key: times for key, times in self.oracle.events.items() if times}
        for kind, theirs in self.tables.projection.items():
            if kind not in {"session", "amendment"} and dict(theirs) != mine.get(kind, {}):
                wrong = {k: (theirs.get(k), mine[kind].get(k)) for k in {*theirs, *mine[kind]}}
                wrong = {k: v for k, v in wrong.items() if v[0] != v[1]}
                raise Disagreement(f"after {act}: {kind} (stands, should stand): {wrong}")
        self._sessions(act)
        self._amendments(act)
        faults = list(broken(before, self.tables, act))
        if faults:
            raise Disagreement(f"after {act}: {faults}")
        self.look(act)

    def _open(self, stands: Mapping[Any, int]) -> None:
        """Events that the model leaves open are taken as they stand."""
        for key, times in self.oracle.perhaps.items():
            self.oracle.events[key] += max(0, min(times, stands.get(key, 0) - self.oracle.events[key]))
        self.oracle.perhaps.clear()

    def _amendments(self, act: str) -> None:
        """Their states, where the model says which."""
        stands = self.tables.projection["amendment"]
        for amendment in self.oracle.amendments:
            state = stands[partnership_name(amendment.partnership), amendment.number]
            if not amendment.vague and state != (amendment.state,):
                raise Disagreement(f"after {act}: {amendment} is {state}, should be {amendment.state}")

    def _sessions(self, act: str) -> None:
        """Ended or not, where the model says which."""
        stands = self.tables.projection["session"]
        for session in self.oracle.sessions:
            if session.state == "ACTIVE" and (session.vague or self.oracle.timed_out(session)):
                continue
            if stands[session.name] != (session.state,):
                raise Disagreement(f"after {act}: {session} is {stands[session.name]}, should be {session.state}")
        if len(stands) != len(self.oracle.sessions):
            raise Disagreement(f"after {act}: {len(stands)} sessions")

    def look(self, act: str) -> None:
        """What one of the people can reach, and one of the levels, as the product says it now."""
        self.looks += 1
        told = [p for p in self.oracle.partnerships if p.told]
        if told and self.looks % 2:
            self._levels(told[self.looks // 2 % len(told)], act)
            return
        guests = {p.guest for p in self.oracle.partnerships} or self.oracle.organisations.keys()
        people = sorted(person for org, person in self.oracle.members if org in guests)
        holders = sorted({grant.person for grant in self.oracle.grants if grant.state == "ACTIVE"})
        people = holders if holders and self.looks % 5 else people
        who = people[self.looks // 2 % len(people)]
        stands, should = self.stage.shared(who), self.oracle.reachable(who)
        if stands != should:
            raise Disagreement(f"after {act}: {who} reaches {stands}, should reach {should}")

    def _levels(self, p: Partnership, act: str) -> None:
        runs = p.state == "ACTIVE" and not self.oracle.due(p)
        should = {"granted": p.granted}
        if not runs or self.oracle.open(p):
            should["effective"] = p.granted if runs else "NONE"
        if p.state in RUNNING:
            should["ceiling"] = self.oracle.ceiling(p)
        who = self.oracle.admins(p.host)[0]
        stands = self.stage.level(who, self.key("partnership", partnership_name(p)))
        if stands is not None and {name: stands[name] for name in should} != should:
            raise Disagreement(f"after {act}: the level is {stands}, should be {should}")

    @initialize(parts=st.sampled_from(BEGINNINGS))
    def begin(self, parts: set[str]) -> None:
        """Most sequences begin with partnerships that run and give something."""
        if parts & {"one", "level"}:
            self.establish("alder", "birch", "amy", "bea", "ada")
        if "level" in parts:
            self.trust("bob", "ben")
        if "two" in parts:
            self.establish("birch", "cedar", "bob", "cat")
        if "roles" in parts:
            self.enrol("cedar")
            self.delegate_to("cat", "cid")

    def establish(self, host: str, guest: str, who: str, admin: str, approver: str = "") -> None:
        """A partnership by somebody's request and the others' yes, and one account shared in it."""
        oracle, stage = self.oracle, self.stage
        given: dict[str, Any] = {"guestHandle": stage.organisations[guest].handle, "contactEmail": f"c@{guest}.example"}
        act: Any = (oracle.request_partnership, (who, host, guest, frozenset({"MANAGEMENT"}), None, True))
        self.do(who, host, "requestPartnership", {**given, "reason": "They keep our books."}, act)
        p = oracle.partnerships[-1]
        name = partnership_name(p)
        if approver:
            given = {"partnershipId": self.key("partnership", name), "expectedVersion": 1}
            self.do(
                approver, host, "approvePartnership", given, (oracle.approve_partnership, (approver, host, p, True))
            )
        version = self.tables.versions["partnership", name]
        given = {"partnershipId": self.key("partnership", name), "expectedVersion": version}
        given |= {"consent": True, "termsVersionId": f"terms_{stage.terms}"}
        self.do(admin, guest, "acceptPartnership", given, (oracle.accept_partnership, (admin, guest, p, True)))
        label = f"account {len(oracle.accounts)}"
        given = {"label": label, "app": "Ledger", "launchUrl": "https://ledger.example/"}
        self.do(who, host, "createAccount", given, (oracle.create_account, (who, host, label)))
        item = {"accountId": self.key("account", label), "role": "ACCOUNT_MANAGER"}
        act = (oracle.share_account, (who, host, p, oracle.accounts[label], "ACCOUNT_MANAGER", None))
        self.do(who, host, "shareAccounts", {"partnershipId": self.key("partnership", name), "items": [item]}, act)

    def trust(self, admin: str, who: str) -> None:
        """The newest partnership is given a level, and somebody of the guest may use it."""
        p = self.oracle.partnerships[-1]
        given: dict[str, Any] = {"partnershipId": self.key("partnership", partnership_name(p)), "level": "MANAGE"}
        act: Any = (self.oracle.set_data_access, ("ada", p.host, p, "MANAGE", True))
        self.do("ada", p.host, "setDataAccess", {**given, "confirm": True}, act)
        member = self.oracle.members[p.guest, who]
        given = {"membershipId": self.key("membership", (p.guest, who)), "delegatedAdmin": True}
        act = (self.oracle.update_member, (admin, p.guest, member, member.roles, True))
        self.do(admin, p.guest, "updateMember", given, act)

    def delegate_to(self, admin: str, who: str) -> None:
        """The newest partnership is given both roles, and one group has a member."""
        p = self.oracle.partnerships[-1]
        roles = {"DECISION_MAKER", "PHONE_MANAGER"}
        given: dict[str, Any] = {"partnershipId": self.key("partnership", partnership_name(p)), "roles": sorted(roles)}
        given["notifyAddresses"] = "office@partner.example"
        act: Any = (self.oracle.set_delegated_roles, ("ann", p.host, p, roles, True))
        self.do("ann", p.host, "setDelegatedRoles", given, act)
        group = self.oracle.delegations[0]
        key = self.key("rolegroup", (partnership_name(p), group.role, group.number))
        act = (self.oracle.add_role_group_member, (admin, p.guest, group, who))
        self.do(admin, p.guest, "addRoleGroupMembers", {"roleGroupId": key, "userIds": [self.stage.id(who)]}, act)

    def enrol(self, partner: str) -> None:
        """An organisation becomes a partner, and the first one's partner of record."""
        given: dict[str, Any] = {"organisationId": self.stage.id(partner), "program": "MSP", "status": "ACTIVE"}
        act: Any = (self.oracle.set_partner_status, (True, partner, "MSP", "ACTIVE", None))
        self.do(None, None, "setPartnerStatus", given, act)
        given = {"customerId": self.stage.id("alder"), "partnerId": self.stage.id(partner), "kind": "PARTNER_OF_RECORD"}
        act = (self.oracle.link_partner, (True, "alder", partner, "PARTNER_OF_RECORD", None))
        self.do(None, None, "linkPartner", given, act)
