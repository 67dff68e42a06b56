"""Who lives in the demo world: its organisations, their people, and the accounts that they own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from accord.domain.organisation import Role
from accord.domain.sharing import AccountKind

ADMIN: Final = (Role.ORG_ADMIN, Role.LEGAL_REPRESENTATIVE)
DEPUTY: Final = (Role.ORG_ADMIN,)
STAFF: Final = (Role.MEMBER,)

MAC: Final = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36"
)
WINDOWS: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0"
)
LINUX: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
PHONE: Final = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/26.0 Mobile/15E148 Safari/604.1"
)
TABLET: Final = (
    "Mozilla/5.0 (Linux; Android 15; Pixel Tablet) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36"
)


@dataclass(frozen=True, slots=True)
class Actor:
    """One person; `browser` is what the activity's operating system and device are read from."""

    name: str
    roles: tuple[Role, ...]
    browser: str = MAC

    @property
    def first(self) -> str:
        """How the story calls this person; no two have the same."""
        return self.name.partition(" ")[0].lower()


@dataclass(frozen=True, slots=True)
class Company:
    """One organisation. Its first person is invited by the operator, the others by that first person."""

    key: str
    name: str
    domain: str
    country: str
    place: str
    network: str
    people: tuple[Actor, ...]
    partners_enabled: bool = True
    created_for: str | None = None


@dataclass(frozen=True, slots=True)
class Thing:
    """One account or product and the person who makes it; `also` own it too."""

    key: str
    label: str
    app: str
    owner: str
    also: tuple[str, ...] = ()
    kind: AccountKind = AccountKind.ACCOUNT
    category: str | None = None

    @property
    def launch_url(self) -> str:
        """Where the app is: a host of its own name."""
        return f"https://{self.app.lower()}.example/login"


OPERATOR: Final = "staff@accord.example"

WELCOME: Final = (
    ("nora@alderfinch.example", "admin of Alder & Finch, the host: a request waits for her decision"),
    ("mara@alderfinch.example", "Partnership Owner: shares accounts with the agency, decides who gets in"),
    ("greta@brightside.example", "admin of Brightside Social, the agency"),
    ("carla@brightside.example", "Account Manager at the agency: signs in, asks for access for colleagues"),
    ("yara@paperplane.example", "admin of Paperplane PR: an invitation waits for her answer"),
    ("tim@alderfinch.example", "host and guest at once: shares the shop, and sells on somebody else's"),
    ("bea@mistral.example", "admin of Mistral Print: a partner asks to look after it"),
    ("wanda@tidewater.example", "delegated admin at a partner: works in her customers' organisations"),
    ("milan@studiokelp.example", "Phone Manager of Alder & Finch, by a group of his own organisation"),
    ("otis@crane.example", "a contractor, invited to all that Cobalt Couriers has, the wallet too: it waits for him"),
)
"""Whom to be first, and why."""

COMPANIES: Final = (
    Company(
        "alder",
        "Alder & Finch",
        "alderfinch.example",
        "CH",
        "Zurich, Switzerland",
        "192.0.2",
        (
            Actor("Nora Alder", ADMIN, MAC),
            Actor("Jonas Finch", DEPUTY, WINDOWS),
            Actor("Mara Vogt", STAFF, MAC),
            Actor("Tim Okafor", STAFF, LINUX),
            Actor("Lena Brandt", STAFF, TABLET),
            Actor("Beat Keller", STAFF, WINDOWS),
            Actor("Paula Weiss", (Role.AUDITOR,), WINDOWS),
        ),
    ),
    Company(
        "brightside",
        "Brightside Social",
        "brightside.example",
        "DE",
        "Berlin, Germany",
        "198.51.100",
        (
            Actor("Greta Lindqvist", ADMIN, MAC),
            Actor("Hugo Marsh", DEPUTY, MAC),
            Actor("Carla Mendes", STAFF, PHONE),
            Actor("Dev Patel", STAFF, WINDOWS),
            Actor("Eli Roth", STAFF, MAC),
            Actor("Freya Holm", STAFF, PHONE),
        ),
    ),
    Company(
        "kelp",
        "Studio Kelp",
        "studiokelp.example",
        "PT",
        "Lisbon, Portugal",
        "203.0.113",
        (Actor("Sofia Berg", ADMIN, MAC), Actor("Milan Novak", STAFF, TABLET)),
    ),
    Company(
        "crane",
        "Otis Crane Analytics",
        "crane.example",
        "IE",
        "Galway, Ireland",
        "203.0.113",
        (Actor("Otis Crane", ADMIN, LINUX),),
        created_for="alder",
    ),
    Company(
        "meadow",
        "Meadowmarket",
        "meadowmarket.example",
        "AT",
        "Vienna, Austria",
        "198.51.100",
        (Actor("Max Gruber", ADMIN, WINDOWS), Actor("Ida Leitner", STAFF, MAC)),
    ),
    Company(
        "tidewater",
        "Tidewater Web",
        "tidewater.example",
        "NL",
        "Rotterdam, Netherlands",
        "203.0.113",
        (Actor("Wanda Tide", ADMIN, WINDOWS), Actor("Viktor Smit", STAFF, LINUX)),
    ),
    Company(
        "summit",
        "Summit Events",
        "summit.example",
        "AT",
        "Graz, Austria",
        "198.51.100",
        (Actor("Uma Steiner", ADMIN, PHONE),),
    ),
    Company(
        "paperplane",
        "Paperplane PR",
        "paperplane.example",
        "FR",
        "Lyon, France",
        "203.0.113",
        (Actor("Yara Haddad", ADMIN, MAC),),
    ),
    Company(
        "lime",
        "Ledger & Lime",
        "ledgerlime.example",
        "CH",
        "Basel, Switzerland",
        "192.0.2",
        (Actor("Rosa Lime", ADMIN, WINDOWS),),
    ),
    Company(
        "foxglove",
        "Foxglove Film",
        "foxglove.example",
        "IT",
        "Turin, Italy",
        "203.0.113",
        (Actor("Ines Fox", ADMIN, MAC),),
    ),
    Company(
        "cobalt",
        "Cobalt Couriers",
        "cobalt.example",
        "CH",
        "Bern, Switzerland",
        "192.0.2",
        (Actor("Karl Cobalt", ADMIN, WINDOWS),),
    ),
    Company(
        "mistral",
        "Mistral Print",
        "mistral.example",
        "FR",
        "Marseille, France",
        "203.0.113",
        (Actor("Bea Mistral", ADMIN, MAC),),
    ),
    Company(
        "quarry",
        "Quarry Stoneworks",
        "quarry.example",
        "CH",
        "Lugano, Switzerland",
        "192.0.2",
        (Actor("Gino Pietra", ADMIN, WINDOWS),),
        partners_enabled=False,
    ),
)

THINGS: Final = (
    Thing("picstream", "Alder & Finch on Picstream", "Picstream", "mara"),
    Thing("chirper", "@alderfinch on Chirper", "Chirper", "mara"),
    Thing("addesk", "Campaigns", "AdDesk", "mara", also=("jonas",)),
    Thing("mailwing", "Newsletter", "Mailwing", "mara"),
    Thing("shopfront", "Online shop", "Shopfront", "tim"),
    Thing("statboard", "Shop statistics", "Statboard", "tim"),
    Thing("hosting", "Hosting of alderfinch.example", "Hostel", "tim", kind=AccountKind.PRODUCT, category="Hosting"),
    Thing("palette", "Brand library", "Palette", "lena"),
    Thing("fairbooth", "Trade fair planner", "Fairbooth", "beat", also=("lena",)),
    Thing("payroll", "Payroll", "Wagebook", "nora"),
    Thing("oldblog", "The old blog", "Blogwell", "tim"),
    Thing("stockroom", "Stockroom photos", "Stockroom", "hugo"),
    Thing("stallsite", "Web site of Meadowmarket", "Hostel", "ida", kind=AccountKind.PRODUCT, category="Hosting"),
    Thing("stallmail", "Mail of Meadowmarket", "Postbox", "ida", kind=AccountKind.PRODUCT, category="Mail"),
    Thing("seller", "Seller portal: garden", "Meadowmarket", "ida"),
)

TERMS_FIRST: Final = """\
Terms of service for partners, version 1

1. People of the guest use a shared account for the agreed purposes only.
2. Access is personal. Nobody passes it on.
3. The host may end every access at any time. So may the guest.
4. What people do with shared accounts is recorded and shown to both organisations.
"""
TERMS_NOW: Final = (
    TERMS_FIRST.replace("version 1", "version 2")
    + "5. The guest tells the host without delay when a person leaves or a device is lost.\n"
)
