"""Jobs as the queue keeps those that ended with an error."""

import json
from typing import Any

from denghuo.data.processing.database import Database
from denghuo.service.host.jobs import install_queue


def held(database: Database, operation: str, request: dict[str, Any], error: str, message: str) -> int:
    """One of them, ordered by `mishan`; its number."""
    install_queue(database.dsn)
    entry = f"command.{operation.partition('.')[0]}"
    order = {"job_id": f"held {operation}", "operation": operation, "request": request, "actor": "mishan"}
    said = {"exception_type": error, "exception_message": message}
    with database.connection() as connection:
        row = connection.execute(
            "INSERT INTO jobs.pgqueuer (priority, status, entrypoint, payload, created, updated, heartbeat, execute_after)"
            " VALUES (0, 'failed', %s, %s, now(), now(), now(), now()) RETURNING id",
            (entry, json.dumps(order).encode()),
        ).fetchone()
        assert row is not None
        connection.execute(
            "INSERT INTO jobs.pgqueuer_log (job_id, status, entrypoint, priority, traceback)"
            " VALUES (%s, 'failed', %s, 0, %s)",
            (row[0], entry, json.dumps(said)),
        )
    return int(row[0])
