"""One started gateway and one world for a whole walk."""

from collections.abc import Iterator

import pytest

from tests.walkthroughs.served import URLs, serve
from tests.walkthroughs.story import OPERATOR, Story

PEOPLE = {
    "harbour": {"ada": "Ada Harbour", "arne": "Arne Harbour", "mia": "Mia Harbour", "otto": "Otto Harbour",
                "nils": "Nils Harbour", "petra": "Petra Harbour"},
    "lighthouse": {"greta": "Greta Lighthouse", "gustav": "Gustav Lighthouse", "carla": "Carla Lighthouse",
                   "dan": "Dan Lighthouse", "eva": "Eva Lighthouse", "fred": "Fred Lighthouse"},
    "quill": {"quentin": "Quentin Quill"},
    "ridge": {"ruth": "Ruth Ridge"},
    "orchard": {"olga": "Olga Orchard", "omar": "Omar Orchard"},
    "meadow": {"max": "Max Meadow"},
    "mirror": {"mona": "Mona Mirror"},
}  # fmt: skip


@pytest.fixture(scope="module")
def story(module_database_urls: URLs) -> Iterator[Story]:
    """A host with six people, its partners to be, and an organisation without the feature; no partnership yet."""
    with serve(module_database_urls, (OPERATOR,)) as server:
        story = Story(server)
        story.cast(PEOPLE)
        story.ids["harbour"] = story.found("Harbour Hotels", story.ada)
        story.ids["lighthouse"] = story.found("Lighthouse Agency", story.greta)
        story.ids["quill"] = story.found("Quill Partners", story.quentin)
        story.ids["ridge"] = story.found("Ridge Media", story.ruth)
        story.ids["orchard"] = story.found("Orchard Tours", story.olga)
        story.ids["meadow"] = story.found("Meadow Foods", story.max, partners=False)
        story.invite(story.ada, story.arne, roles=("ORG_ADMIN",))
        story.invite(story.ada, story.mia, story.otto, story.nils, story.petra)
        story.invite(story.greta, story.gustav, roles=("ORG_ADMIN",))
        story.invite(story.greta, story.carla, story.dan, story.eva, story.fred)
        story.invite(story.olga, story.omar)
        story.watchers = [story.arne, story.olga]
        publish = ("publishTerms", "terms { id }")
        january = story.operator.does(*publish, version="2025-01", text="Terms of Service of January.")
        story.kept["old_terms"] = january["terms"]["id"]
        story.operator.does(*publish, version="2025-06", text="Terms of Service of June.")
        yield story
