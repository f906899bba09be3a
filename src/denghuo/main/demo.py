"""The demo company: loaded through the same public operations that a utility uses, once per data folder."""

import json
import os
import pathlib
import secrets
from collections.abc import Callable
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, SecretStr

from denghuo.access.api import AccessApi, Enrol, EnrolCustomer
from denghuo.importer import take_over
from denghuo.kernel.contract import Call
from denghuo.main.composition import Platform, operator
from denghuo.service.permission.api import Appoint, Engage, PermissionApi
from denghuo.service.tariff.api import LoadPublished, TariffApi

USERS_FILE = "demo-users.json"
PASSWORD_BYTES = 9
Say = Callable[[str], None]


class DemoStaff(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    user: str
    name: str
    role: str
    org: str


class DemoCustomer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    user: str
    accounts: list[str]


class Demo(BaseModel):
    """`demo.yaml` of an example folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    data: str
    tariffs: str
    month: str
    staff: list[DemoStaff]
    customers: list[DemoCustomer]


def demo_users(running: Platform, data: pathlib.Path, example: pathlib.Path, say: Say) -> dict[str, Any]:
    """Loads the example where this data folder does not hold it yet; the users with their passwords either way.

    Every step is idempotent, so a first start that was broken off is finished by the next.
    """
    path = data / USERS_FILE
    if path.exists():
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return found
    demo = Demo.model_validate(yaml.safe_load((example / "demo.yaml").read_text("utf-8")))
    call = operator()
    take_over(example / demo.data, running.directory, call, datasets=running.store.datasets, say=say)
    loaded = running.directory(TariffApi).load_published(call, LoadPublished(area=demo.tariffs))
    say(f"电价 tariffs: {loaded.loaded + loaded.unchanged}")
    users = _enrol(running, demo, call)
    _write_private(path, json.dumps(users, ensure_ascii=False, indent=1))
    return users


def _enrol(running: Platform, demo: Demo, call: Call) -> dict[str, Any]:
    permission, access = running.directory(PermissionApi), running.directory(AccessApi)
    users: dict[str, Any] = {}
    for person in demo.staff:
        permission.engage(call, Engage(user_name=person.user, name=person.name, org=person.org))
        permission.appoint(call, Appoint(user_name=person.user, role=person.role, org=person.org))
        password = secrets.token_urlsafe(PASSWORD_BYTES)
        access.enrol(call, Enrol(user_name=person.user, password=SecretStr(password), must_change=False))
        users[person.user] = {"password": password, "name": person.name, "role": person.role, "org": person.org}
    for customer in demo.customers:
        password = secrets.token_urlsafe(PASSWORD_BYTES)
        access.enrol_customer(
            call, EnrolCustomer(user_name=customer.user, password=SecretStr(password), accounts=customer.accounts)
        )
        users[customer.user] = {"password": password, "name": "", "role": "customer", "org": ""}
    return users


def _write_private(path: pathlib.Path, content: str) -> None:
    partial = path.with_suffix(".partial")
    descriptor = os.open(partial, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
    partial.rename(path)
