"""Remote binding: calls an Api in another process over HTTP. Same type, same problems as the local one."""

from collections.abc import Callable
from datetime import datetime

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
    if response.headers.get("Content-Type", "").startswith(PROBLEM_JSON):
        body = response.json()
        for kind in (*operation.problems, *PLATFORM_PROBLEMS):
            if kind.type_uri() == body.get("type"):
                return kind.from_json(body)
    return _out_of_reach(operation)


def _out_of_reach(operation: Operation) -> Unavailable:
    return Unavailable(
        text(
            f"服务 {operation.noun} 暂时无法访问，请稍后重试；已提交的数据不受影响。",
            f"Service {operation.noun} is out of reach; try again shortly. Committed data is safe.",
        ),
        part=operation.noun,
        retry_after_s=RETRY_AFTER_S,
    )
