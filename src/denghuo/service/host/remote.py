"""Remote binding: calls an Api in another process over HTTP. Same type, same problems as the local one."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx

from denghuo.kernel.contract import Call, Message, Operation
from denghuo.kernel.problem import PLATFORM_PROBLEMS, Problem, Unavailable, text
from denghuo.service.host.token import Signer

RETRY_AFTER_S = 5
PROBLEM_JSON = "application/problem+json"


def path_of(operation: Operation) -> str:
    return f"/api/{operation.noun}/{operation.name}"


class Remote:
    """Invokes the operations of one service at `client`'s base URL."""

    def __init__(self, client: httpx.Client, signer: Signer, clock: Callable[[], datetime]) -> None:
        self._client, self._signer, self._clock = client, signer, clock

    def __call__(self, operation: Operation, call: Call, request: Message) -> Message:
        try:
            response = self._client.post(
                path_of(operation),
                content=request.model_dump_json(),
                headers={
                    "Content-Type": "application/json",
                    "Authorization": f"Bearer {self._signer.sign(call, self._clock())}",
                },
            )
        except httpx.TransportError as error:
            raise _out_of_reach(operation) from error
        if response.is_success:
            return operation.reply.model_validate_json(response.content)
        raise _problem_of(operation, response)


def _problem_of(operation: Operation, response: httpx.Response) -> Problem:
    """The problem that the peer answered with.

    One of a type that this caller does not know (the peer may be newer, or whom it asked itself refused) is a bare Problem which
    says the same. An answer that is no problem comes from something in between, or from a defect.
    """
    body = _problem_body(response)
    if body is None:
        return _out_of_reach(operation)
    for kind in (*operation.problems, *PLATFORM_PROBLEMS):
        if kind.type_uri() == body.get("type"):
            return kind.from_json(body)
    if response.is_server_error:
        return _out_of_reach(operation)
    return Problem.from_json({**body, "peer_type": body.get("type")})


def _problem_body(response: httpx.Response) -> dict[str, Any] | None:
    if not response.headers.get("Content-Type", "").startswith(PROBLEM_JSON):
        return None
    try:
        body = response.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _out_of_reach(operation: Operation) -> Unavailable:
    return Unavailable(
        text(
            f"服务 {operation.noun} 暂时无法访问，请稍后重试；已提交的数据不受影响。",
            f"Service {operation.noun} is out of reach; try again shortly. Committed data is safe.",
        ),
        part=operation.noun,
        retry_after_s=RETRY_AFTER_S,
    )
