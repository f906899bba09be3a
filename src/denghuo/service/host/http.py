"""HTTP: the routes of a process, derived from the contracts it hosts. `POST /api/<noun>/<operation>` with a JSON body."""

import asyncio
import inspect
import ipaddress
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Annotated, Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.params import Body
from fastapi.responses import StreamingResponse
from prometheus_client import CONTENT_TYPE_LATEST, Histogram, generate_latest
from pydantic import ValidationError

from denghuo.kernel.contract import Api, Call, Message, Operation, masked, personal_paths, replace_personal
from denghuo.kernel.problem import Invalid, Problem, Unavailable, text
from denghuo.service.host.remote import PROBLEM_JSON, path_of

Caller = Callable[[Request], Call]
"""Makes the Call of a request at the edge: from a session or from a call token. Raises NotSignedIn."""

SHOWN_VALUE_LENGTH = 100
log = logging.getLogger("denghuo.host")


def application(apis: Iterable[Api], caller: Caller, title: str = "Denghuo") -> FastAPI:
    """A web application that offers every operation of the given (bound) Apis, with OpenAPI at `/openapi.json`.

    Beside the operations: `GET /api/<noun>/<query>/stream?request=<json>` (server-sent events), `/metrics`
    (Prometheus, to this machine alone) and `/healthz`.
    """
    app = FastAPI(title=title, docs_url=None, openapi_url="/openapi.json", redoc_url=None)
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(Exception, _on_defect)
    for api in apis:
        for operation in type(api).operations().values():
            _route(app, api, operation, caller)
            if operation.kind == "query":
                _stream_route(app, api, operation, caller)

    @app.get("/metrics", include_in_schema=False)
    def metrics(http: Request) -> Response:
        if not _is_near(http):
            return Response(status_code=404)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/healthz", include_in_schema=False)
    def health() -> Response:
        return Response("ok", media_type="text/plain")

    return app


def _is_near(http: Request) -> bool:
    """Whether the request comes from this machine itself, not through a proxy on it. What a platform does, by operation and how
    often, is for who runs it."""
    if any(name in http.headers for name in ("forwarded", "x-forwarded-for", "x-real-ip")):
        return False
    try:
        return http.client is not None and ipaddress.ip_address(http.client.host).is_loopback
    except ValueError:
        return False


class _WholeBody(Body):  # type: ignore[misc]  # FastAPI extends the same final class
    """A body that is one message. FastAPI calls each parameter by an alias; of a whole body it says nothing, and Pydantic warns of
    that once the message makes its validator."""

    alias = property(lambda self: None, lambda self, name: None)


def _route(app: FastAPI, api: Api, operation: Operation, caller: Caller) -> None:
    run = getattr(api, operation.name)

    def endpoint(http: Request, request: Message) -> Response:
        with _DURATION.labels(operation.full_name).time():
            call = caller(http)
            return Response(_body(operation, call, run(call, request)), media_type="application/json")

    # FastAPI reads the signature: the body's type is the operation's request.
    parameters = [
        inspect.Parameter("http", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Request),
        inspect.Parameter(
            "request",
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            annotation=Annotated[operation.request, _WholeBody()],
        ),
    ]
    endpoint.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # read by FastAPI
    app.post(
        path_of(operation),
        operation_id=operation.full_name.replace(".", "_"),
        tags=[operation.noun],
        summary=operation.documentation.partition("\n")[0],
        description=operation.documentation,
        response_model=operation.reply,
        responses={problem.status: {"description": problem.__name__} for problem in operation.problems},
        openapi_extra={"x-permit": operation.permit, "x-kind": operation.kind},
    )(endpoint)


def _body(operation: Operation, call: Call, reply: Message) -> str:
    """The reply as its reader gets it: personal data masked, unless the reader is a peer or asked for it in clear."""
    if operation.reveals or call.channel in UNMASKED_CHANNELS or not personal_paths(operation.reply):
        return reply.model_dump_json()
    body = replace_personal(operation.reply, reply.model_dump(mode="json"), masked)
    return json.dumps(body, ensure_ascii=False)


_DURATION = Histogram(
    "denghuo_operation_seconds",
    "Time from the request's arrival at an operation to its reply",
    ["operation"],
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)

# --- streams --------------------------------------------------------------------------------------------------------------

STREAM_EVERY_S = 1.0
STREAM_KEEP_ALIVE_S = 15.0


def _stream_route(app: FastAPI, api: Api, operation: Operation, caller: Caller) -> None:
    run = getattr(api, operation.name)

    def read(http: Request, request: Message) -> str:
        call = caller(http)
        return _body(operation, call, run(call, request))

    async def endpoint(http: Request, request: str = "{}") -> Response:
        try:
            message = operation.request.model_validate_json(request)
        except ValidationError as error:
            raise RequestValidationError(error.errors()) from error
        first = await asyncio.to_thread(read, http, message)

        async def replies() -> AsyncIterator[str]:
            sent, silent = first, 0.0
            yield _event(first)
            while not await http.is_disconnected():
                await asyncio.sleep(STREAM_EVERY_S)
                silent += STREAM_EVERY_S
                try:
                    found = await asyncio.to_thread(read, http, message)
                except Unavailable:
                    continue
                except Problem as problem:
                    yield f"event: done\n{_event(json.dumps(problem.to_json(), ensure_ascii=False))}"
                    return
                if found != sent:
                    sent, silent = found, 0.0
                    yield _event(found)
                elif silent >= STREAM_KEEP_ALIVE_S:
                    silent = 0.0
                    yield ": still here\n\n"

        return StreamingResponse(replies(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    app.get(f"{path_of(operation)}/stream", include_in_schema=False)(endpoint)


def _event(body: str) -> str:
    return f"data: {body}\n\n"


# --- personal data towards browsers ---------------------------------------------------------------------------------------

UNMASKED_CHANNELS = frozenset({"system", "peer"})


# --- problems -------------------------------------------------------------------------------------------------------------


def problem_response(problem: Problem) -> Response:
    headers = {}
    if isinstance(problem, Unavailable) or problem.status == 429:
        headers["Retry-After"] = str(problem.fields.get("retry_after_s", 5))
    return Response(
        json.dumps(problem.to_json(), ensure_ascii=False),
        status_code=problem.status,
        media_type=PROBLEM_JSON,
        headers=headers,
    )


def _on_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem_response(error)


def _on_invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [
        {
            "field": ".".join(str(step) for step in item["loc"] if step != "body"),
            # What is beside a field that is missing is not its value, and may be a password.
            "value": "" if item["type"] == "missing" else str(item.get("input"))[:SHOWN_VALUE_LENGTH],
            **_said(item),
        }
        for item in error.errors()
    ]
    return problem_response(
        Invalid(text("请求中有不符合契约的字段。", "Some fields do not fit the contract."), errors=errors)
    )


_REMEDIES = {
    "missing": "缺少必填字段，请补充。",
    "extra_forbidden": "契约中没有此字段，请删除或检查拼写。",
    "decimal_text": '请以十进制文本给出数值，例如 "12.34"。',
    "json_invalid": "请求不是有效的 JSON。",
    "string_type": "应为文本，请加引号给出。",
    "string_too_short": "文本至少 {min_length} 个字符，请补足。",
    "string_too_long": "文本最多 {max_length} 个字符，请缩短。",
    "string_pattern_mismatch": "格式不符，应符合 {pattern}，请改正。",
    "int_type": "应为整数，请改正。",
    "int_parsing": "应为整数，请改正。",
    "int_from_float": "应为整数，请去掉小数。",
    "bool_type": "应为 true 或 false，请改正。",
    "bool_parsing": "应为 true 或 false，请改正。",
    "greater_than": "应大于 {gt}，请调整。",
    "greater_than_equal": "应不小于 {ge}，请调整。",
    "less_than": "应小于 {lt}，请调整。",
    "less_than_equal": "应不大于 {le}，请调整。",
    "multiple_of": "应为 {multiple_of} 的倍数，请调整。",
    "literal_error": "应为以下之一：{expected}。",
    "enum": "应为以下之一：{expected}。",
    "list_type": "应为列表，请放入方括号。",
    "too_short": "至少 {min_length} 项，现有 {actual_length} 项，请补足。",
    "too_long": "最多 {max_length} 项，现有 {actual_length} 项，请分批提交。",
    "date_type": "应为日期，例如 2026-04-30。",
    "date_parsing": "应为日期，例如 2026-04-30。",
    "date_from_datetime_parsing": "应为日期，例如 2026-04-30。",
    "datetime_type": "应为带时区的时刻，例如 2026-04-30T08:00:00+08:00。",
    "datetime_parsing": "应为带时区的时刻，例如 2026-04-30T08:00:00+08:00。",
    "datetime_from_date_parsing": "应为带时区的时刻，例如 2026-04-30T08:00:00+08:00。",
    "timezone_aware": "时刻缺少时区，例如 2026-04-30T08:00:00+08:00。",
}
"""What the kinds of faults of pydantic mean to a Chinese reader; in braces its own figures."""


def _said(item: dict[str, Any]) -> dict[str, str]:
    english = str(item["msg"])
    remedy = _REMEDIES.get(item["type"])
    # What has no words here is a validator of our own or rare: its English sentence is worth more than a general one.
    figures = {name: str(value).replace(" or ", " 或 ") for name, value in item.get("ctx", {}).items()}
    zh = f"取值不符合要求：{english}" if remedy is None else remedy.format_map(figures)
    return {"zh": zh, "en": english}


def _on_defect(request: Request, error: Exception) -> Response:
    log.error("defect in %s", request.url.path, exc_info=error)
    body = {"type": "about:blank", "title": {"zh": "系统内部错误", "en": "Internal error"}, "status": 500}
    return Response(json.dumps(body, ensure_ascii=False), status_code=500, media_type=PROBLEM_JSON)
