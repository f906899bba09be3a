"""Serving the built web files: hashed assets for ever, pages always asked anew, both compressed at build time."""

import hashlib
import mimetypes
import pathlib
from dataclasses import dataclass

from fastapi import FastAPI, Request, Response

ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
IMMUTABLE = "public, max-age=31536000, immutable"
ASK_ANEW = "no-cache"
_HERE = pathlib.Path(__file__).resolve().parent
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}
_NOT_BUILT = (
    "网页尚未构建：运行 make setup（或在 web 目录运行 npm run build）。\n"
    "The web is not built: make setup, or npm run build in web.\n"
)


def built_folder() -> pathlib.Path | None:
    """Where the built files are: inside the package of a wheel, or `web/dist` of a checkout."""
    for folder in (_HERE / "dist", _HERE.parents[3] / "web" / "dist"):
        if (folder / "index.html").is_file():
            return folder
    return None


@dataclass(frozen=True)
class Asset:
    """A file with its compressed forms, in memory."""

    media_type: str
    etag: str
    forms: dict[str, bytes]
    immutable: bool


class Assets:
    """The built files by their path. Read once: they do not change while a process runs."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._assets: dict[str, Asset] = {}
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix not in {".br", ".gz"}:
                name = path.relative_to(folder).as_posix()
                self._assets[name] = _read(path, name)

    def named(self, path: str) -> Asset | None:
        """The file at a path, or the page that the path belongs to; None for an asset that does not exist."""
        found = self._assets.get(path)
        if found is not None:
            return found
        if path.startswith("assets/") or pathlib.PurePosixPath(path).suffix:
            return None
        return self._assets.get(page_of(path)) or self._assets.get("index.html")


def page_of(path: str) -> str:
    """The entry page of a path: the browser's own router reads the rest."""
    first = path.partition("/")[0]
    return f"{first}.html" if first in {"docs", "field", "phone", "screen"} else "index.html"


def _read(path: pathlib.Path, name: str) -> Asset:
    content = path.read_bytes()
    forms = {"": content}
    for encoding, suffix in ENCODINGS:
        compressed = path.with_name(path.name + suffix)
        if compressed.is_file():
            forms[encoding] = compressed.read_bytes()
    media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    digest = hashlib.sha256(content).hexdigest()[:20]
    return Asset(media_type, f'"{digest}"', forms, name.startswith("assets/"))


def serve(app: FastAPI, folder: pathlib.Path | None = None) -> None:
    """Adds the pages and their files to a web application, after its API routes, so that those win."""
    place = folder or built_folder()
    assets = Assets(place) if place is not None else None

    def web(request: Request, path: str) -> Response:
        if path.startswith("api/"):
            return Response(status_code=404)
        if assets is None:
            return Response(_NOT_BUILT, status_code=503, media_type="text/plain; charset=utf-8")
        asset = assets.named(path)
        return Response(status_code=404) if asset is None else _answer(request, asset)

    app.add_api_route("/{path:path}", web, methods=["GET", "HEAD"], include_in_schema=False)


def _answer(request: Request, asset: Asset) -> Response:
    headers = {
        "Cache-Control": IMMUTABLE if asset.immutable else ASK_ANEW,
        "ETag": asset.etag,
        "Vary": "Accept-Encoding",
    }
    if request.headers.get("If-None-Match") == asset.etag:
        return Response(status_code=304, headers=headers)
    accepted = {part.partition(";")[0].strip() for part in request.headers.get("Accept-Encoding", "").split(",")}
    encoding = next((name for name, _ in ENCODINGS if name in accepted and name in asset.forms), "")
    if encoding:
        headers["Content-Encoding"] = encoding
    return Response(asset.forms[encoding], media_type=asset.media_type, headers=headers)
