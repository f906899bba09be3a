"""Queries on forecasts that were compared with the bills."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from denghuo.data.processing.work import Work


class Check(NamedTuple):
    """What was forecast of an account's month on a day of it, and what was billed. None: nothing could be told on that day."""

    month: str
    day: int
    account_no: str
    org: str
    low_fen: int | None
    expected_fen: int | None
    high_fen: int | None
    billed_fen: int
    tariff_class: str


class Checks:
    def __init__(self, work: Work) -> None:
        self._work = work

    def to_measure(self, month: str, sample: int, limit: int) -> list[dict[str, Any]]:
        """Accounts of the month's sample that were not measured yet: account_no, org, amount_fen, tariff_class of the issued
        bill.

        The sample is the same whenever it is taken: by a hash of the account number.
        """
        return self._work.rows(
            "SELECT account_no, org, amount_fen, tariff_class FROM (SELECT account_no, org, amount_fen, tariff_class FROM bill"
            " WHERE month = %(month)s AND kind = 'supply' AND state = 'issued' AND reverses IS NULL AND case_no IS NULL"
            " ORDER BY md5(account_no) LIMIT %(sample)s) sample WHERE NOT EXISTS (SELECT FROM forecast_check"
            " WHERE month = %(month)s AND forecast_check.account_no = sample.account_no) ORDER BY account_no LIMIT %(limit)s",
            {"month": month, "sample": sample, "limit": limit},
        )

    def keep(self, rows: Iterable[Check]) -> None:
        self._work.copy_in("forecast_check", Check._fields, rows)

    def publish(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Puts published errors (columns of the table) in the place of those of their month."""
        self._work.run("DELETE FROM forecast_error WHERE month = ANY (%s)", ([row["month"] for row in rows],))
        for row in rows:
            self._work.run(
                "INSERT INTO forecast_error (month, day, tariff_class, accounts, median_e2, ninth_e2, within_e2, bias_e2,"
                " published_at) VALUES (%(month)s, %(day)s, %(tariff_class)s, %(accounts)s, %(median_e2)s, %(ninth_e2)s,"
                " %(within_e2)s, %(bias_e2)s, %(published_at)s)",
                row,
            )

    def is_published(self, month: str) -> bool:
        return bool(self._work.value("SELECT EXISTS (SELECT FROM forecast_error WHERE month = %s)", (month,)))

    def published(self) -> list[dict[str, Any]]:
        """All published errors, newest month first."""
        return self._work.rows("SELECT * FROM forecast_error ORDER BY month DESC, tariff_class, day LIMIT 400")

    def newest_published(self, before: str, day: int, classes: Sequence[str]) -> dict[str, Any] | None:
        """The published error of the newest month before one, as of a day of it, of the first of these classes that has one."""
        found: dict[str, Any] | None = self._work.row(
            "SELECT * FROM forecast_error WHERE month < %(before)s AND day = %(day)s AND tariff_class = ANY (%(classes)s)"
            " ORDER BY month DESC, array_position(%(classes)s, tariff_class) LIMIT 1",
            {"before": before, "day": day, "classes": list(classes)},
        )
        return found

    def errors(self, month: str | None) -> list[dict[str, Any]]:
        """By month and day, of all classes (None) and of each, newest first: accounts, median and ninth decile of the error in
        0.01 %, accounts within, sums."""
        return self._work.rows(
            "SELECT month, day, tariff_class, count(*) AS accounts, percentile_disc(0.5) WITHIN GROUP (ORDER BY off) AS median,"
            " percentile_disc(0.9) WITHIN GROUP (ORDER BY off) AS ninth,"
            " count(*) FILTER (WHERE billed_fen BETWEEN low_fen AND high_fen) AS within,"
            " sum(expected_fen)::bigint AS expected_fen, sum(billed_fen)::bigint AS billed_fen"
            " FROM (SELECT *, abs(expected_fen - billed_fen) * 10000 / billed_fen AS off FROM forecast_check"
            " WHERE expected_fen IS NOT NULL AND billed_fen > 0) told WHERE %(month)s::text IS NULL OR month = %(month)s"
            " GROUP BY GROUPING SETS ((month, day), (month, day, tariff_class))"
            " HAVING grouping(tariff_class) = 1 OR tariff_class IS NOT NULL"
            " ORDER BY month DESC, grouping(tariff_class) DESC, tariff_class, day LIMIT 400",
            {"month": month},
        )
