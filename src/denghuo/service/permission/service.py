"""Permission: implementation of the contract."""

from collections.abc import Iterable
from datetime import date

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call, is_within
from denghuo.kernel.fields import TextPair
from denghuo.kernel.problem import FOR_THE_WHOLE_COMPANY, Problem, Text, text
from denghuo.service.host.binding import Ask
from denghuo.service.permission.api import (
    Appoint,
    Appointment,
    AppointmentNotFound,
    AppointmentsFound,
    DefineRoles,
    DelegationRefused,
    Dismiss,
    Done,
    DutiesConflict,
    Engage,
    FindStaff,
    Leave,
    NamedPerson,
    NamesFound,
    NamesWanted,
    NewOrganisation,
    Organisations,
    OrganisationsRegistered,
    OrganisationTree,
    OrganisationUnknown,
    OutsideReach,
    PermissionApi,
    Person,
    PersonRef,
    Reach,
    Reached,
    RefusedOrganisation,
    RegisterOrganisations,
    Role,
    RolePermits,
    Roles,
    RolesDefined,
    RolesFound,
    RoleUnknown,
    SelfAppointment,
    StaffAppointed,
    StaffDismissed,
    StaffFound,
    StaffLeft,
    StaffMember,
    StaffNotFound,
    StaffRef,
)
from denghuo.service.permission.rules import chosen_org, conflict, named_posts, permits_at, stands
from denghuo.service.permission.store import KnownPost, KnownRole, KnownStaff, PermissionStore

SYSTEM = "system"
"""The actor of what the platform does by itself."""


class PermissionService(PermissionApi):
    def __init__(self, work: Work, ask: Ask) -> None:
        self._work = work
        self._ask = ask
        self._store = PermissionStore(work)

    # -- organisations ---------------------------------------------------------------------------------------------------

    def register_organisations(self, call: Call, request: RegisterOrganisations) -> OrganisationsRegistered:
        items = sorted(request.organisations, key=lambda item: item.code)
        known = self._store.standing(
            [item.code for item in items] + [item.parent for item in items if item.parent is not None]
        )
        counts = {"registered": 0, "changed": 0, "unchanged": 0}
        refused: list[RefusedOrganisation] = []
        for item in items:
            before = known.get(item.code)
            reason = _refusal(call, item, known.keys(), before.from_day if before else None)
            if reason is not None:
                refused.append(RefusedOrganisation(code=item.code, **reason))
                continue
            if before is None:
                self._store.add_organisation(item)
                counts["registered"] += 1
            elif before.model_dump(exclude={"to_day", "from_day"}) == item.model_dump(exclude={"from_day"}):
                counts["unchanged"] += 1
            else:
                self._store.replace_organisation(item, before)
                counts["changed"] += 1
            known |= self._store.standing([item.code])
        return OrganisationsRegistered(**counts, refused=refused)

    def organisations(self, call: Call, request: Organisations) -> OrganisationTree:
        rows = self._store.organisations(request.on or call.today, request.codes)
        return OrganisationTree(rows=rows, total=len(rows), as_of=call.now)

    # -- roles -----------------------------------------------------------------------------------------------------------

    def define_roles(self, call: Call, request: DefineRoles) -> RolesDefined:
        if not call.whole_company:
            raise OutsideReach(FOR_THE_WHOLE_COMPANY, org=next(iter(call.scope), ""))
        return RolesDefined(defined=self._store.define(request.roles))

    def roles(self, call: Call, request: Roles) -> RolesFound:
        holders = self._store.holders(call.today)
        rows = [_role(role, holders.get(role.code, 0)) for role in self._store.roles().values()]
        return RolesFound(rows=rows, total=len(rows), as_of=call.now)

    def role(self, call: Call, request: RolePermits) -> Role:
        return _role(self._known_role(request.code), self._store.holders(call.today).get(request.code, 0))

    # -- staff and posts -------------------------------------------------------------------------------------------------

    def engage(self, call: Call, request: Engage) -> Done:
        self._require_org(call, request.org)
        before = self._store.member(request.user_name)
        if before is None and self._exists_elsewhere(call, request.user_name):
            raise OutsideReach(
                text(
                    f"用户名 {request.user_name} 已由您管辖范围外的单位使用，请换一个用户名或联系上级单位。",
                    f"User name {request.user_name} is used by a unit outside your scope; choose another or ask your superior.",
                ),
                org=request.org,
            )
        if before == KnownStaff(request.user_name, request.name, request.org, request.phone, "active"):
            return Done(changed=False)
        self._store.put_staff(request.user_name, request.name, request.org, request.phone, call.now)
        return Done(changed=True)

    def appoint(self, call: Call, request: Appoint) -> Appointment:
        _not_oneself(call, request.user_name)
        self._require_org(call, request.org)
        roles = self._store.roles()
        self._known_role(request.role)
        self._member(request.user_name)
        from_day = request.from_day or call.today
        held = [post for post in self._store.posts([request.user_name]) if _overlaps(post, from_day, request.to_day)]
        other = conflict(request.role, (post.role for post in held))
        if other is not None:
            raise DutiesConflict(
                text(
                    f"该人员已任{roles[other].name['zh']}，与{roles[request.role].name['zh']}职责互斥；请先解除原岗位。",
                    f"The person holds {roles[other].name['en']}, which excludes {roles[request.role].name['en']};"
                    " end that post first.",
                ),
                role=request.role,
                other=other,
            )
        if request.delegated_by is not None:
            self._check_delegation(request, from_day)
        for post in held:
            if (post.role, post.org, post.delegated_by, post.to_day) == (
                request.role,
                request.org,
                request.delegated_by,
                request.to_day,
            ):
                return self._appointments([post], call.today, roles)[0]
        number = self._store.add_post(
            request.user_name,
            request.role,
            request.org,
            (from_day, request.to_day),
            request.delegated_by,
            call.now,
        )
        self._work.emit(
            StaffAppointed(
                user_name=request.user_name,
                role=request.role,
                org=request.org,
                from_day=from_day,
                to_day=request.to_day,
            )
        )
        return self._appointments([self._post(number)], call.today, roles)[0]

    def dismiss(self, call: Call, request: Dismiss) -> Done:
        post = self._post(request.appointment_no)
        _not_oneself(call, post.user_name)
        if post.to_day is not None and post.to_day <= call.today:
            return Done(changed=False)
        lent = self._store.lent_by(post.user_name, post.role, post.org)
        self._store.end_posts([post.appointment_no, *lent], call.today)
        self._work.emit(StaffDismissed(user_name=post.user_name, role=post.role, org=post.org))
        return Done(changed=True)

    def leave(self, call: Call, request: Leave) -> Done:
        _not_oneself(call, request.user_name)
        member = self._member(request.user_name)
        if member.state == "left":
            return Done(changed=False)
        posts = self._store.posts([request.user_name])
        lent = [number for post in posts for number in self._store.lent_by(post.user_name, post.role, post.org)]
        self._store.end_posts([*(post.appointment_no for post in posts), *lent], call.today)
        self._store.mark_left(request.user_name)
        self._work.emit(StaffLeft(user_name=request.user_name))
        return Done(changed=True)

    def staff(self, call: Call, request: FindStaff) -> StaffFound:
        found, total = self._store.find_staff(request, call.today)
        roles, names = self._store.roles(), self._organisation_names(call.today)
        held: dict[str, list[KnownPost]] = {}
        for post in self._store.posts([member.user_name for member in found], call.today):
            held.setdefault(post.user_name, []).append(post)
        rows = [
            StaffMember(
                user_name=member.user_name,
                name=member.name,
                org=member.org,
                org_name=_pair(names.get(member.org, text(member.org, member.org))),
                phone=member.phone,
                state="left" if member.state == "left" else "active",
                roles=list(dict.fromkeys(post.role for post in held.get(member.user_name, ()))),
                posts=_pair(named_posts(roles[post.role].name for post in held.get(member.user_name, ()))),
            )
            for member in found
        ]
        return StaffFound(
            rows=rows,
            total=total,
            next=rows[-1].user_name if len(rows) == request.limit else None,
            as_of=call.now,
        )

    def appointments(self, call: Call, request: StaffRef) -> AppointmentsFound:
        self._member(request.user_name)
        rows = self._appointments(self._store.posts([request.user_name]), call.today, self._store.roles())
        return AppointmentsFound(rows=rows, total=len(rows), as_of=call.now)

    def person(self, call: Call, request: PersonRef) -> Person:
        member = self._member(request.user_name)
        if member.state == "left":
            raise _no_such(request.user_name)
        roles = self._store.roles()
        posts = self._store.posts([request.user_name], call.today)
        org = chosen_org((post.org for post in posts), request.org, member.org)
        at_org = [post for post in posts if is_within(org, post.org)]
        return Person(
            user_name=member.user_name,
            name=member.name,
            org=org,
            org_name=_pair(self._organisation_names(call.today).get(org, text(org, org))),
            posts=self._appointments(posts, call.today, roles),
            permits=permits_at(org, posts, {code: role.permits for code, role in roles.items()}),
            scope=[org] if at_org else [],
        )

    def names(self, call: Call, request: NamesWanted) -> NamesFound:
        if "" not in call.scope:
            return self._ask(PermissionApi).names(Call.system(call.now), request)
        names = {name: text(shown, shown) for name, shown in self._store.names(request.user_names).items()}
        if SYSTEM in request.user_names:
            names[SYSTEM] = text("系统", "The platform")
        return NamesFound(
            rows=[NamedPerson(user_name=name, name=_pair(shown)) for name, shown in sorted(names.items())]
        )

    def reach(self, call: Call, request: Reach) -> Reached:
        # The platform's own view tells how many roots there are; the caller's own view, how many of them it covers.
        whole = self._ask(PermissionApi).organisations(Call.system(call.now), Organisations())
        roots = {row.code for row in whole.rows if row.parent is None}
        visible = {row.code for row in self._store.organisations(call.today)}
        everything = "" in call.scope or (bool(roots) and roots <= visible)
        return Reached(everything=everything, user_names=self._store.user_names())

    # -- parts -----------------------------------------------------------------------------------------------------------

    def _organisation_names(self, on: date) -> dict[str, Text]:
        return {row.code: text(row.name, row.name_en or row.name) for row in self._store.organisations(on)}

    def _appointments(self, posts: Iterable[KnownPost], on: date, roles: dict[str, KnownRole]) -> list[Appointment]:
        names = self._organisation_names(on)
        return [
            Appointment(
                appointment_no=post.appointment_no,
                user_name=post.user_name,
                role=post.role,
                role_name=_pair(roles[post.role].name),
                org=post.org,
                org_name=_pair(names.get(post.org, text(post.org, post.org))),
                from_day=post.from_day,
                to_day=post.to_day,
                delegated_by=post.delegated_by,
                current=stands(post.from_day, post.to_day, on),
            )
            for post in posts
        ]

    def _check_delegation(self, request: Appoint, from_day: date) -> None:
        giver = request.delegated_by or ""
        covered = any(
            post.role == request.role
            and is_within(request.org, post.org)
            and post.delegated_by is None
            and stands(post.from_day, post.to_day, from_day)
            and (post.to_day is None or (request.to_day is not None and request.to_day <= post.to_day))
            for post in self._store.posts([giver])
        )
        if request.to_day is None or request.to_day <= from_day or giver == request.user_name or not covered:
            raise DelegationRefused(
                text(
                    f"委托须写明截止日期，且委托人 {giver} 在此期间须本人任该岗位；请核对委托人、岗位和日期。",
                    f"A delegation needs a last day, and {giver} must hold the post in person until then;"
                    " check person, post and days.",
                ),
                delegated_by=giver,
            )

    def _require_org(self, call: Call, org: str) -> None:
        if not call.covers(org):
            raise _outside(org)
        if org not in self._store.standing([org]):
            raise OrganisationUnknown(
                text(
                    f"单位 {org} 不存在，请先登记单位或核对编码。",
                    f"There is no organisation {org}; register it first or check the code.",
                ),
                org=org,
            )

    def _exists_elsewhere(self, call: Call, user_name: str) -> bool:
        try:
            self._ask(PermissionApi).appointments(Call.system(call.now), StaffRef(user_name=user_name))
        except StaffNotFound:
            return False
        return True

    def _known_role(self, code: str) -> KnownRole:
        role = self._store.roles().get(code)
        if role is None:
            raise RoleUnknown(
                text(f"角色 {code} 未定义，请先定义角色。", f"Role {code} is not defined; define it first."), role=code
            )
        return role

    def _member(self, user_name: str) -> KnownStaff:
        member = self._store.member(user_name)
        if member is None:
            raise _no_such(user_name)
        return member

    def _post(self, appointment_no: int) -> KnownPost:
        post = self._store.post(appointment_no)
        if post is None:
            raise AppointmentNotFound(
                text(
                    f"任职 {appointment_no} 不存在，或不在您的管辖范围内。",
                    f"Appointment {appointment_no} does not exist or is outside your scope.",
                ),
                appointment_no=appointment_no,
            )
        return post


def _overlaps(post: KnownPost, from_day: date, to_day: date | None) -> bool:
    return (post.to_day is None or from_day < post.to_day) and (to_day is None or post.from_day < to_day)


def _refusal(call: Call, item: NewOrganisation, known: Iterable[str], standing_from: date | None) -> Text | None:
    if not call.covers(item.code):
        return text(f"单位 {item.code} 不在您的管辖范围内。", f"Unit {item.code} is outside your scope.")
    if item.parent is not None and item.parent not in set(known):
        return text(
            f"上级单位 {item.parent} 不存在，请先登记上级单位。",
            f"The superior {item.parent} does not exist; register it first.",
        )
    if item.parent is not None and not item.code.startswith(f"{item.parent}."):
        return text(
            f"单位编码 {item.code} 须以上级编码“{item.parent}.”开头，请改编码或上级。",
            f"Code {item.code} must begin with {item.parent}. ; change the code or the superior.",
        )
    if standing_from is not None and item.from_day < standing_from:
        return text(
            f"单位 {item.code} 的现行版本自 {standing_from} 起，变更日期不能更早。",
            f"The standing version of {item.code} began on {standing_from}; a change cannot be earlier.",
        )
    return None


def _role(role: KnownRole, holders: int) -> Role:
    return Role(
        code=role.code,
        name=_pair(role.name),
        permits=list(role.permits),
        delivered=role.delivered,
        holders=holders,
    )


def _pair(value: Text) -> TextPair:
    return TextPair(zh=value["zh"], en=value["en"])


def _not_oneself(call: Call, user_name: str) -> None:
    if call.actor == user_name:
        raise SelfAppointment(
            text(
                "不能变更自己的岗位，请由另一位管理员办理。",
                "Nobody changes their own posts; ask another administrator.",
            ),
            user_name=user_name,
        )


def _outside(org: str) -> Problem:
    return OutsideReach(text(f"单位 {org} 不在您的管辖范围内。", f"Unit {org} is outside your scope."), org=org)


def _no_such(user_name: str) -> StaffNotFound:
    return StaffNotFound(
        text(
            f"人员 {user_name} 不存在，或不在您的管辖范围内。",
            f"User {user_name} does not exist or is outside your scope.",
        ),
        user_name=user_name,
    )
