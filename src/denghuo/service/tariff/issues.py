"""Lists of what is published by area, month and issue (price tables, spot prices): the newest month first, page by page."""

from typing import Any

from denghuo.service.tariff.api import FindPriceTables, FindSpotTables

MATCHING = "WHERE (%(area)s::text IS NULL OR area = %(area)s) AND (%(status)s::text IS NULL OR status = %(status)s)"
"""What a list holds as a whole."""
PAGE = (
    MATCHING + " AND (%(first)s OR month < %(month)s OR (month = %(month)s AND (area > %(after)s"
    " OR (area = %(after)s AND issue < %(issue)s)))) ORDER BY month DESC, area, issue DESC LIMIT %(limit)s"
)


def page_of(request: FindPriceTables | FindSpotTables) -> dict[str, Any]:
    """The parameters of `MATCHING` and `PAGE`; a request goes on after `month|area|issue`."""
    month, area, issue = [*(request.after or "").split("|"), "", ""][:3]
    return {
        "area": request.area,
        "status": request.status,
        "month": month or "9999-12",
        "after": area,
        "issue": int(issue) if issue.isdecimal() and len(issue) < 6 else 0,
        "first": not request.after,
        "limit": request.limit,
    }
