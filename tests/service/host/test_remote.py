"""What a caller gets from a peer that answers otherwise than it expects, or not at all."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from fastapi import FastAPI, Response
from tests.service.bindings import NOW, remote, serving

from denghuo.kernel.contract import Call
from denghuo.kernel.problem import NotFound, Problem, Unavailable, text
from denghuo.service.customer.api import AccountNotFound, AccountRef, CustomerApi
from denghuo.service.host.http import problem_response

CALL = Call.system(NOW)
ASKED = AccountRef(account_no="5810100000019")


class Frozen(Problem, noun="relation", status=423, zh="已冻结", en="Frozen"):
    """A problem of a service that the caller has never heard of."""


@contextmanager
def peer(answer: Callable[[], Response]) -> Iterator[CustomerApi]:
    """A customer service in another process which gives this answer to whatever it is asked."""
    app = FastAPI()
    app.post("/api/customer/account", response_model=None)(answer)
    with serving(app) as client:
        api = remote(CustomerApi, client)
        assert isinstance(api, CustomerApi)
        yield api


def test_an_unknown_problem_of_a_peer_is_a_bare_problem_that_says_the_same() -> None:
    frozen = Frozen(text("账户已冻结至五月。", "The account is frozen until May."), account_no="5810100000019")
    with peer(lambda: problem_response(frozen)) as customer, pytest.raises(Problem) as raised:
        customer.account(CALL, ASKED)
    assert type(raised.value) is Problem
    assert raised.value.detail == frozen.detail
    assert raised.value.fields == {"account_no": "5810100000019", "peer_type": "/problems/relation/frozen"}
    # It can be handed on as the answer to one's own caller.
    assert problem_response(raised.value).status_code == 409


def test_known_problems_keep_their_class() -> None:
    for problem in (AccountNotFound(subject="customer.account", value="1"), NotFound(subject="x", value="1")):
        answer = problem_response(problem)
        with peer(lambda answer=answer: answer) as customer, pytest.raises(type(problem)) as raised:  # type: ignore[misc]
            customer.account(CALL, ASKED)
        assert raised.value.fields == problem.fields


@pytest.mark.parametrize(
    "answer",
    [
        Response("<h1>502 Bad Gateway</h1>", 502, media_type="text/html"),
        Response("Internal Server Error", 500, media_type="text/plain"),
        Response("{ not json", 409, media_type="application/problem+json"),
        Response("[]", 409, media_type="application/problem+json"),
        Response('{"type": "/problems/relation/broken"}', 500, media_type="application/problem+json"),
    ],
    ids=["gateway", "defect", "no json", "no object", "unknown fault"],
)
def test_an_answer_that_is_no_problem_is_a_peer_out_of_reach(answer: Response) -> None:
    with peer(lambda: answer) as customer, pytest.raises(Unavailable) as raised:
        customer.account(CALL, ASKED)
    assert (raised.value.part, raised.value.retry_after_s) == ("customer", 5)


def test_details_in_a_foreign_form_are_passed_over() -> None:
    body = '{"type": "/problems/relation/odd", "detail": "plain text", "status": 400}'
    answer = Response(body, 400, media_type="application/problem+json")
    with peer(lambda: answer) as customer, pytest.raises(Problem) as raised:
        customer.account(CALL, ASKED)
    assert raised.value.detail == Problem.title


def test_a_peer_out_of_reach_is_unavailable_with_a_hint_when_to_try_again() -> None:
    with socket.socket() as taken:
        # Bound and not listening: nothing else can take the port, and nobody answers at it.
        taken.bind(("127.0.0.1", 0))
        with httpx.Client(base_url=f"http://127.0.0.1:{taken.getsockname()[1]}", timeout=60) as client:
            customer = remote(CustomerApi, client)
            assert isinstance(customer, CustomerApi)
            with pytest.raises(Unavailable) as raised:
                customer.account(CALL, ASKED)
    assert (raised.value.part, raised.value.retry_after_s) == ("customer", 5)
    response = problem_response(raised.value)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")


def test_what_a_peer_lacks_keeps_its_own_hint() -> None:
    disk = Unavailable(text("磁盘已满。", "The disk is full."), part="disk", retry_after_s=60)
    with peer(lambda: problem_response(disk)) as customer, pytest.raises(Unavailable) as raised:
        customer.account(CALL, ASKED)
    assert (raised.value.part, raised.value.retry_after_s) == ("disk", 60)
