"""The pages of the gateway's own origin: the picker of demo people and GraphiQL, built without any CDN."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from accord.http.responses import HttpError

STATIC: Final = Path(__file__).parent / "static"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
HEADERS: Final = {"content-security-policy": POLICY, "cache-control": "no-cache"}


class ConsoleRoutes:
    """Served from `folder`, where the build puts them."""

    def __init__(self, folder: Path = STATIC) -> None:
        self.folder = folder

    def routes(self) -> list[BaseRoute]:
        assets = Mount("/assets", StaticFiles(directory=self.folder / "assets", check_dir=False))
        return [Route("/", self.picker), Route("/graphiql", self.graphiql), Route("/graphiql/", self.graphiql), assets]

    async def picker(self, request: Request) -> Response:
        return self.page("index.html")

    async def graphiql(self, request: Request) -> Response:
        return self.page("graphiql.html")

    def page(self, name: str) -> Response:
        for candidate in (self.folder / name, self.folder / name.removesuffix(".html") / "index.html"):
            if candidate.is_file():
                return FileResponse(candidate, headers=HEADERS)
        raise HttpError(404, "NOT_FOUND", "The console is not built. Run `make console`.")
