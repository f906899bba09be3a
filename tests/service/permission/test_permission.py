"""Organisations, roles, staff and posts through both bindings: batches, scope, rights at an organisation, delegation."""

import pathlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.bindings import NOW, local, remote, web

from denghuo.data.processing.database import Database
from denghuo.kernel.contract import Call
from denghuo.kernel.problem import NotPermitted
from denghuo.service.permission.api import (
    ROLES,
    Appoint,
    DefineRoles,
    DelegationRefused,
    Dismiss,
    DutiesConflict,
    Engage,
    FindStaff,
    Leave,
    NamesWanted,
    NewOrganisation,
    Organisations,
    OrganisationUnknown,
    OutsideReach,
    PermissionApi,
    PersonRef,
    Reach,
    RegisterOrganisations,
    RoleDefinition,
    RolePermits,
    Roles,
    SelfAppointment,
    StaffNotFound,
    StaffRef,
)
from denghuo.service.permission.rules import chosen_org, is_within, permits_at
from denghuo.service.permission.service import PermissionService
from denghuo.service.permission.store import KnownPost, delivered_roles

SYSTEM = Call.system(NOW)
COMPANY, MISHAN, SANJIA = "1405810", "1405810.01", "1405810.02"
CLERK = Call(
    actor="clerk", now=NOW, permits=frozenset({"permission.read", "permission.organisations", "permission.appoint"}),
    scope=(MISHAN,),
)  # fmt: skip
TODAY = date(2026, 5, 1)
TELLER = RoleDefinition.model_validate(
    {"code": "cashier", "name": {"zh": "柜员", "en": "Teller"}, "permits": ["payment.take"]}
)


def organisation(code: str, name: str, parent: str | None = None) -> NewOrganisation:
    return NewOrganisation(code=code, name=name, kind="station" if parent else "company", parent=parent)


TREE = RegisterOrganisations(
    organisations=[
        organisation(SANJIA, "三甲供电所", COMPANY),
        organisation(MISHAN, "米山供电所", COMPANY),
        organisation(COMPANY, "高平市供电公司"),
    ]
)


@pytest.fixture(params=["local", "remote"])
def permission(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[PermissionApi]:
    with Database(database_dsn) as database:
        directory = local(database, tmp_path, {PermissionApi: PermissionService})
        directory(PermissionApi).register_organisations(SYSTEM, TREE)
        if request.param == "local":
            yield directory(PermissionApi)
        else:
            with web(directory) as client:
                api = remote(PermissionApi, client)
                assert isinstance(api, PermissionApi)
                yield api


def engaged(permission: PermissionApi, user_name: str, org: str, *roles: str, name: str = "王娟") -> None:
    permission.engage(SYSTEM, Engage(user_name=user_name, name=name, org=org))
    for role in roles:
        permission.appoint(SYSTEM, Appoint(user_name=user_name, role=role, org=org))


def test_tree_is_taken_in_any_order_and_again_without_change(permission: PermissionApi) -> None:
    rows = permission.organisations(SYSTEM, Organisations()).rows
    assert [(row.code, row.parent) for row in rows] == [(COMPANY, None), (MISHAN, COMPANY), (SANJIA, COMPANY)]
    some = permission.organisations(SYSTEM, Organisations(codes=[SANJIA, "1405810.99"])).rows
    assert some == [row for row in rows if row.code == SANJIA]
    again = permission.register_organisations(SYSTEM, TREE)
    assert (again.registered, again.changed, again.unchanged) == (0, 0, 3)


def test_persons_are_named_whatever_unit_they_work_at(permission: PermissionApi) -> None:
    engaged(permission, "wangjuan", COMPANY)
    permission.engage(SYSTEM, Engage(user_name="liqiang", name="李强", org=SANJIA))
    permission.leave(SYSTEM, Leave(user_name="liqiang", reason="调离本单位"))
    clerk = replace(CLERK, permits=frozenset({"permission.names"}))
    found = permission.names(clerk, NamesWanted(user_names=["wangjuan", "nobody", "liqiang", "system"])).rows
    assert [(row.user_name, row.name.zh) for row in found] == [
        ("liqiang", "李强"),
        ("system", "系统"),
        ("wangjuan", "王娟"),
    ]
    with pytest.raises(NotPermitted):
        permission.names(replace(clerk, permits=frozenset()), NamesWanted(user_names=["wangjuan"]))


def test_organisation_keeps_its_earlier_name(permission: PermissionApi) -> None:
    renamed = organisation(MISHAN, "米山中心供电所", COMPANY).model_copy(update={"from_day": TODAY})
    assert permission.register_organisations(SYSTEM, RegisterOrganisations(organisations=[renamed])).changed == 1
    names = {
        day: permission.organisations(SYSTEM, Organisations(on=day)).rows[1].name
        for day in (TODAY - timedelta(days=1), TODAY)
    }
    assert names == {TODAY - timedelta(days=1): "米山供电所", TODAY: "米山中心供电所"}


def test_organisation_that_breaks_the_tree_is_refused(permission: PermissionApi) -> None:
    wrong = [
        organisation("1405810.07.1", "无上级", "1405810.07"),
        organisation("999", "编码不符", COMPANY),
        organisation("1405810.08", "好的", COMPANY),
    ]
    reply = permission.register_organisations(SYSTEM, RegisterOrganisations(organisations=wrong))
    assert reply.registered == 1
    assert {item.code for item in reply.refused} == {"1405810.07.1", "999"}


def test_person_has_the_rights_of_the_post_at_that_organisation_only(permission: PermissionApi) -> None:
    engaged(permission, "wangjuan", MISHAN, "reading_clerk")
    permission.appoint(SYSTEM, Appoint(user_name="wangjuan", role="cashier", org=SANJIA))
    at_home = permission.person(SYSTEM, PersonRef(user_name="wangjuan"))
    away = permission.person(SYSTEM, PersonRef(user_name="wangjuan", org=SANJIA))
    assert (at_home.org, at_home.scope, away.scope) == (MISHAN, [MISHAN], [SANJIA])
    assert "payment.take" in away.permits and "payment.take" not in at_home.permits
    assert "reading.review" in at_home.permits and "reading.review" not in away.permits
    assert at_home.org_name.zh == "米山供电所"
    assert [(post.role_name.zh, post.org) for post in at_home.posts] == [("抄表员", MISHAN), ("收费员", SANJIA)]
    # An organisation without a post of theirs is not theirs to choose.
    assert permission.person(SYSTEM, PersonRef(user_name="wangjuan", org=COMPANY)).scope == [MISHAN]


def test_person_without_a_post_may_nothing(permission: PermissionApi) -> None:
    engaged(permission, "newcomer", MISHAN)
    person = permission.person(SYSTEM, PersonRef(user_name="newcomer"))
    assert (person.permits, person.scope) == ([], [])
    with pytest.raises(StaffNotFound):
        permission.person(SYSTEM, PersonRef(user_name="nobody"))


def test_appointment_counts_from_its_first_to_before_its_last_day(permission: PermissionApi) -> None:
    engaged(permission, "temp", MISHAN)
    appointed = Appoint(
        user_name="temp",
        role="cashier",
        org=MISHAN,
        from_day=TODAY + timedelta(days=1),
        to_day=TODAY + timedelta(days=3),
    )
    first = permission.appoint(SYSTEM, appointed)
    assert permission.appoint(SYSTEM, appointed).appointment_no == first.appointment_no
    scopes = [
        permission.person(Call.system(NOW + timedelta(days=days)), PersonRef(user_name="temp")).scope
        for days in range(5)
    ]
    assert scopes == [[], [MISHAN], [MISHAN], [], []]


def test_delegation_ends_by_itself_and_with_the_post(permission: PermissionApi) -> None:
    engaged(permission, "boss", COMPANY, "manager")
    engaged(permission, "deputy", MISHAN)
    lent = Appoint(user_name="deputy", role="manager", org=MISHAN, delegated_by="boss")
    with pytest.raises(DelegationRefused):
        permission.appoint(SYSTEM, lent)
    with pytest.raises(DelegationRefused):
        permission.appoint(SYSTEM, lent.model_copy(update={"role": "cashier", "to_day": TODAY + timedelta(days=9)}))
    permission.appoint(SYSTEM, lent.model_copy(update={"to_day": TODAY + timedelta(days=9)}))
    assert permission.person(SYSTEM, PersonRef(user_name="deputy")).scope == [MISHAN]
    assert permission.person(Call.system(NOW + timedelta(days=9)), PersonRef(user_name="deputy")).scope == []
    own = permission.appointments(SYSTEM, StaffRef(user_name="boss")).rows[0]
    permission.dismiss(SYSTEM, Dismiss(appointment_no=own.appointment_no, reason="调离岗位"))
    assert permission.person(SYSTEM, PersonRef(user_name="deputy")).scope == []
    assert permission.person(SYSTEM, PersonRef(user_name="boss")).permits == []


def test_posts_that_exclude_each_other(permission: PermissionApi) -> None:
    engaged(permission, "zhao", COMPANY, "tariff_clerk")
    with pytest.raises(DutiesConflict) as raised:
        permission.appoint(SYSTEM, Appoint(user_name="zhao", role="tariff_approver", org=COMPANY))
    assert raised.value.other == "tariff_clerk"


def test_nobody_appoints_themselves_or_outside_their_scope(permission: PermissionApi) -> None:
    engaged(permission, "clerk", MISHAN, "administrator")
    engaged(permission, "other", SANJIA, "cashier")
    with pytest.raises(SelfAppointment):
        permission.appoint(CLERK, Appoint(user_name="clerk", role="manager", org=MISHAN))
    with pytest.raises(OutsideReach):
        permission.appoint(CLERK, Appoint(user_name="other", role="manager", org=SANJIA))
    with pytest.raises(StaffNotFound):
        permission.appoint(CLERK, Appoint(user_name="other", role="manager", org=MISHAN))
    with pytest.raises(OutsideReach):
        permission.engage(CLERK, Engage(user_name="other", name="被抢的人", org=MISHAN))
    with pytest.raises(OrganisationUnknown):
        permission.engage(SYSTEM, Engage(user_name="x1", name="某人", org="1405810.99"))
    with pytest.raises(NotPermitted):
        permission.define_roles(CLERK, DefineRoles(roles=[TELLER]))
    # A role is the same at every unit: the administrator of one would give every cashier new permits, and himself.
    with pytest.raises(OutsideReach) as refused:
        permission.define_roles(replace(CLERK, permits=frozenset({"permission.define"})), DefineRoles(roles=[TELLER]))
    assert (refused.value.status, refused.value.fields) == (403, {"org": MISHAN})
    assert permission.role(SYSTEM, RolePermits(code="cashier")).delivered


def test_station_sees_its_own_staff_and_organisation_only(permission: PermissionApi) -> None:
    engaged(permission, "mishan1", MISHAN, "cashier")
    engaged(permission, "sanjia1", SANJIA, "cashier")
    assert [row.user_name for row in permission.staff(SYSTEM, FindStaff()).rows] == ["mishan1", "sanjia1"]
    seen = permission.staff(CLERK, FindStaff())
    assert ([row.user_name for row in seen.rows], seen.total) == (["mishan1"], 1)
    assert permission.staff(CLERK, FindStaff(org=SANJIA)).total == 0
    assert permission.staff(CLERK, FindStaff(keyword="sanjia1")).total == 0
    assert [row.code for row in permission.organisations(CLERK, Organisations()).rows] == [MISHAN]
    with pytest.raises(StaffNotFound):
        permission.appointments(CLERK, StaffRef(user_name="sanjia1"))
    nobody = replace(CLERK, scope=())
    assert (
        permission.staff(nobody, FindStaff()).total == 0
        and permission.organisations(nobody, Organisations()).total == 0
    )


def test_reach_is_everything_only_over_every_root(permission: PermissionApi) -> None:
    engaged(permission, "mishan1", MISHAN)
    engaged(permission, "sanjia1", SANJIA)
    may = frozenset({"permission.person"})
    whole = permission.reach(replace(CLERK, permits=may, scope=(COMPANY,)), Reach())
    part = permission.reach(replace(CLERK, permits=may), Reach())
    assert (whole.everything, part.everything, part.user_names) == (True, False, ["mishan1"])
    permission.register_organisations(SYSTEM, RegisterOrganisations(organisations=[organisation("33", "另一公司")]))
    assert not permission.reach(replace(CLERK, permits=may, scope=(COMPANY,)), Reach()).everything


def test_who_left_is_no_longer_a_person(permission: PermissionApi) -> None:
    engaged(permission, "leaver", MISHAN, "cashier")
    assert permission.leave(SYSTEM, Leave(user_name="leaver", reason="退休离职")).changed
    assert not permission.leave(SYSTEM, Leave(user_name="leaver", reason="退休离职")).changed
    with pytest.raises(StaffNotFound):
        permission.person(SYSTEM, PersonRef(user_name="leaver"))
    assert permission.staff(SYSTEM, FindStaff()).rows[0].state == "left"


def test_roles_are_data(permission: PermissionApi) -> None:
    engaged(permission, "li", MISHAN, "cashier")
    permission.define_roles(SYSTEM, DefineRoles(roles=[TELLER]))
    assert permission.person(SYSTEM, PersonRef(user_name="li")).permits == ["payment.take"]
    role = permission.role(SYSTEM, RolePermits(code="cashier"))
    assert (role.delivered, role.holders, role.name.zh) == (False, 1, "柜员")
    assert {row.code for row in permission.roles(SYSTEM, Roles()).rows} == set(ROLES.entries)


def test_delivered_roles_cover_the_dictionary_and_name_permits() -> None:
    assert set(delivered_roles()) == set(ROLES.entries)
    for role in delivered_roles().values():
        RoleDefinition.model_validate({"code": role.code, "name": dict(role.name), "permits": list(role.permits)})
    assert not {"*"} & {permit for role in delivered_roles().values() for permit in role.permits}


@pytest.mark.parametrize("name", ["Robert'); DROP TABLE staff;--", "<script>alert(1)</script>", "灯🔥火👨‍👩‍👧", "%_\\"])
def test_hostile_names_stay_names(permission: PermissionApi, name: str) -> None:
    engaged(permission, "hostile", MISHAN, name=name)
    assert permission.person(SYSTEM, PersonRef(user_name="hostile")).name == name
    assert permission.staff(SYSTEM, FindStaff(keyword=name)).total == 1
    assert permission.staff(SYSTEM, FindStaff(keyword="%x")).total == 0


@pytest.mark.parametrize("name", ["长" * 10_000, "", "  ", "a\x00b", "a\nb"])
def test_names_that_do_not_fit_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        Engage(user_name="someone", name=name, org=MISHAN)


orgs = st.lists(st.sampled_from(["1", "1.1", "1.2", "1.1.1", "12", "2"]), max_size=4)


@given(held=orgs, wanted=st.none() | st.sampled_from(["1", "1.1", "2"]))
def test_rights_come_from_posts_at_or_above_the_chosen_organisation(held: list[str], wanted: str | None) -> None:
    posts = [KnownPost(number, "u", f"role{number}", org, TODAY, None, None) for number, org in enumerate(held)]
    org = chosen_org(held, wanted, "1.9")
    granted = permits_at(org, posts, {f"role{number}": [f"n.p{number}"] for number in range(4)})
    assert set(granted) == {f"n.p{post.appointment_no}" for post in posts if is_within(org, post.org)}
    assert org in held or not held
    if wanted in held:
        assert org == wanted
