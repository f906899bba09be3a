"""Headers of every answer: the browser may load and run nothing but our own files, and be framed by nobody."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# Where a meter was read is kept with its photo, so our own pages may ask where the phone is.
_ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(self), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_YEAR_S = 365 * 24 * 3600


def security_headers(path: str, trace: str, https: bool) -> list[tuple[bytes, bytes]]:
    """The headers that are added to an answer, and replace the application's own of the same name."""
    headers = _ALWAYS | {"X-Trace-Id": trace}
    if https:
        headers["Strict-Transport-Security"] = f"max-age={_YEAR_S}"
    if path.startswith("/api/"):
        # What an operation answers belongs to the caller: no cache on the way keeps it.
        headers["Cache-Control"] = "no-store"
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def merged(own: list[tuple[bytes, bytes]], added: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The application's headers with ours in the place of those of the same name."""
    ours = {name for name, _ in added}
    return [(name, value) for name, value in own if name.lower() not in ours] + added
