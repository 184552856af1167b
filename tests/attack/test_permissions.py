"""AP-01, AP-02, AP-03, AP-06, AP-08: rights over others: who gives them, who asks about them, and who gets more than he was given."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from authenticator.applications import OWN, Assignment, Role
from authenticator.errors import AuthError

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from authenticator.service import Service
    from tests.attack.conftest import House, Person

RIGHTS = ("permissions:read", "permissions:write")


def call(house: House, method: str, path: str, who: Person | None, body: Any = None, **headers: str) -> TestResponse:
    sent = {**(who.bearer if who else {}), **headers}
    return house.visitor().open(f"/api/v1{path}", method=method, headers=sent, **({} if body is None else {"json": body}))


def give(house: House, who: Person, *names: str, application: str = OWN, **more: Any) -> None:
    for name in names:
        given = Assignment(application, **({"permission": name} if ":" in name else {"role": name}), **more)
        house.service.assign("operator", house.service.find_user(who.id), given)


def application(house: House, owner: Person | None = None) -> tuple[str, str]:
    """An application with two permissions and a role of both: its id and secret."""
    service: Service = house.service
    made = service.register_application({"client_name": "Reports", "redirect_uris": ["https://reports.example/back"]})
    if owner:
        stored = service.core.store.application(made.application.id)
        assert stored
        assert service.core.store.save_application(replace(stored, owner=owner.id, registration="owner"))
    found = service.application_with_roles(made.application.id)
    for name in ("reports:read", "reports:write"):
        found = service.declare_permission("operator", found, name)
    service.put_role("operator", found, Role("editor", "", ("reports:read", "reports:write")))
    return made.application.id, made.secret


def held(house: House, who: Person) -> tuple[Assignment, ...]:
    return house.service.find_user(who.id).assignments


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


# nobody gives more than he holds (ASVS 5.0 8.2.1)


def test_ap_02_who_gives_permissions_gives_none_that_she_lacks(house: House) -> None:
    clerk, friend = house.sign_up(), house.sign_up()
    give(house, clerk, *RIGHTS, "users:read")
    for body in ({"permission": "users:write"}, {"role": "administrator"}, {"permission": "applications:write", "resource": "x"}):
        for target in (friend, clerk):
            assert call(house, "POST", f"/users/{target.id}/permissions", clerk, body).status_code == 403, body
    assert held(house, friend) == ()
    assert call(house, "POST", f"/users/{friend.id}/permissions", clerk, {"permission": "users:read"}).status_code == 201


def test_ap_02_nor_for_more_things_or_for_longer_than_she_has_them(house: House) -> None:
    clerk, friend = house.sign_up(), house.sign_up()
    app, _ = application(house)
    end = house.clock.now() + timedelta(days=2)
    give(house, clerk, *RIGHTS)
    give(house, clerk, "reports:read", application=app, resource="projects/a*", expires_at=end)
    wider: list[dict[str, Any]] = [
        {"resource": ""},
        {"resource": "*"},
        {"resource": "projects/*"},
        {"resource": "projects/b"},
        {"resource": "projects/a*"},  # for ever
        {"resource": "projects/a1"},
        {"resource": "projects/a*", "expires_at": (end + timedelta(seconds=1)).isoformat()},
        {"resource": "projects/a*/../b", "expires_at": end.isoformat()},
    ]
    for more in wider:
        body = {"application": app, "permission": "reports:read", **more}
        assert call(house, "POST", f"/users/{friend.id}/permissions", clerk, body).status_code in (403, 422), more
        assert call(house, "POST", f"/users/{clerk.id}/permissions", clerk, body).status_code in (403, 422), more
    fine = {"application": app, "permission": "reports:read", "resource": "projects/a1", "expires_at": end.isoformat()}
    assert call(house, "POST", f"/users/{friend.id}/permissions", clerk, fine).status_code == 201
    assert call(house, "POST", f"/users/{friend.id}/permissions", clerk, {**fine, "role": "editor", "permission": ""}).status_code == 403
    assert len(held(house, friend)) == 1


def test_ap_02_a_role_is_no_way_round(house: House) -> None:
    """To put into one's own role what one lacks, to make a role of it, or to take out what others rely on."""
    clerk = house.sign_up()
    app, _ = application(house)
    found = house.service.application_with_roles(app)
    house.service.put_role("operator", found, Role("reader", "", ("reports:read",)))
    give(house, clerk, *RIGHTS)
    give(house, clerk, "reader", application=app)
    for permissions in (["reports:read", "reports:write"], ["reports:write"]):
        assert call(house, "PATCH", f"/roles/reader?application={app}", clerk, {"permissions": permissions}).status_code == 403
        made = call(house, "POST", "/roles", clerk, {"application": app, "name": "own", "permissions": permissions})
        assert made.status_code == 403
    assert call(house, "PATCH", f"/roles/editor?application={app}", clerk, {"permissions": []}).status_code == 403
    assert call(house, "DELETE", f"/roles/editor?application={app}", clerk).status_code == 403
    assert call(house, "DELETE", f"/applications/{app}/permissions/reports:write", clerk).status_code == 403
    assert call(house, "POST", "/roles", clerk, {"name": "administrator", "permissions": list(RIGHTS)}).status_code == 422
    assert call(house, "POST", f"/applications/{OWN}/permissions", clerk, {"name": "users:write"}).status_code == 422
    assert not house.service.decide(house.service.find_user(clerk.id), house.service.application_with_roles(app), "reports:write").allowed


def test_ap_02_an_application_is_no_way_round(house: House) -> None:
    """Trusted, it would act with the rights of every administrator who follows a link."""
    registrar = house.sign_up()
    give(house, registrar, "applications:read", "applications:write")
    facts = {"client_name": "Help", "redirect_uris": ["https://help.example/back"], "trusted": True}
    for scope in ("openid permissions:write", "openid applications:write users:read", "openid account:read", "account"):
        refused = call(house, "POST", "/applications", registrar, {**facts, "scope": scope})
        assert (refused.status_code, refused.json["code"]) == (403, "forbidden")
    own = call(house, "POST", "/applications", registrar, {**facts, "scope": "openid email applications:write"})
    assert own.status_code == 201
    give(house, registrar, "users:read")
    here = f"/applications/{own.json['client_id']}"
    assert call(house, "PATCH", here, registrar, {"scope": "openid account:read"}).status_code == 200
    assert call(house, "PATCH", here, registrar, {"scope": "openid account"}).status_code == 403, "that changes accounts, too"
    house.service.unassign("operator", house.service.find_user(registrar.id), Assignment(OWN, permission="users:read"))
    assert call(house, "PATCH", here, registrar, {"scope": "openid"}).status_code == 403
    own = call(house, "POST", "/applications", registrar, {**facts, "scope": "openid"})
    assert call(house, "PATCH", f"/applications/{own.json['client_id']}", registrar, {"scope": "openid users:read"}).status_code == 403
    wide = house.service.register_application({**facts, "scope": "openid permissions:write"}).application
    here = f"/applications/{wide.id}"
    for change in ({"redirect_uris": ["https://evil.example/back"]}, {"scope": "openid"}, {"client_name": "Mine"}):
        assert call(house, "PATCH", here, registrar, change).status_code == 403
    assert call(house, "POST", f"{here}/secrets", registrar).status_code == 403
    browser = house.browser_of(registrar)
    page = browser.send_form(f"/admin{here}/secrets", {}, page=f"/admin{here}")
    assert (page.status_code, "rights here that you do not hold" in page.text) == (403, True)
    assert call(house, "PATCH", here, registrar, {"enabled": False}).status_code == 200
    assert call(house, "PATCH", here, registrar, {"enabled": True}).status_code == 403
    give(house, registrar, "permissions:write")
    assert call(house, "PATCH", here, registrar, {"enabled": True, "client_name": "Better Help"}).status_code == 200


def test_ap_02_a_role_made_anew_gives_nothing_to_those_of_its_namesake(house: House) -> None:
    person = house.sign_up()
    app, _ = application(house)
    give(house, person, "editor", application=app)
    give(house, person, "reports:read", application=app)
    service = house.service
    service.remove_role("operator", service.application_with_roles(app), "editor")
    service.withdraw_permission("operator", service.application_with_roles(app), "reports:read")
    house.clock.advance(seconds=1)
    service.declare_permission("operator", service.application_with_roles(app), "reports:read")
    service.put_role("operator", service.application_with_roles(app), Role("editor", "", ("reports:read",)))
    assert not service.decide(service.find_user(person.id), service.application_with_roles(app), "reports:read").allowed


def test_ap_02_who_takes_needs_what_she_takes(house: House) -> None:
    """Nor does she take rights from those above her."""
    clerk, chief = house.sign_up(), house.sign_up()
    give(house, clerk, *RIGHTS)
    give(house, chief, "administrator")
    listed = call(house, "GET", f"/users/{chief.id}/permissions", clerk)
    assert call(house, "DELETE", f"/users/{chief.id}/permissions/{listed.json[0]['id']}", clerk).status_code == 403
    assert len(held(house, chief)) == 1


def test_ap_02_what_is_taken_from_the_giver_is_given_no_more(
    house: House, at_once: Callable[[Sequence[Callable[[], Any]]], list[Any]]
) -> None:
    """Twenty gifts race with the end of the giver's own right; whoever comes after it, comes too late."""
    clerk = house.sign_up()
    give(house, clerk, *RIGHTS, "users:read")
    friends = [house.sign_up() for _ in range(6)]

    def gift(to: Person) -> int:
        return call(house, "POST", f"/users/{to.id}/permissions", clerk, {"permission": "users:read"}).status_code

    def end() -> int:
        house.service.unassign("operator", house.service.find_user(clerk.id), Assignment(OWN, permission="users:read"))
        return 0

    told = at_once([*(lambda to=to: gift(to) for to in friends), end])  # type: ignore[misc]
    assert set(told) <= {0, 201, 403}
    for status, friend in zip(told, friends, strict=False):
        assert (held(house, friend) != ()) == (status == 201)
    assert gift(house.sign_up()) == 403


def test_ap_02_a_gift_is_checked_again_after_it_was_written(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The giver loses her right between the check and the write."""
    clerk, friend = house.sign_up(), house.sign_up()
    give(house, clerk, *RIGHTS, "users:read")
    store = house.service.core.store
    save = store.save_user

    def late(user: Any) -> bool:
        if user.id == friend.id and user.assignments:
            monkeypatch.setattr(store, "save_user", save)
            house.service.unassign("operator", house.service.find_user(clerk.id), Assignment(OWN, permission="users:read"))
        done: bool = save(user)
        return done

    monkeypatch.setattr(store, "save_user", late)
    assert call(house, "POST", f"/users/{friend.id}/permissions", clerk, {"permission": "users:read"}).status_code == 403
    assert held(house, friend) == ()


def test_ap_02_many_gifts_at_once_are_all_there_or_told(house: House, at_once: Callable[[Sequence[Callable[[], Any]]], list[Any]]) -> None:
    chief, friend = house.sign_up(), house.sign_up()
    give(house, chief, "administrator")
    names = ["users:read", "users:write", "applications:read", "applications:write"]

    def gift(name: str) -> int:
        return call(house, "POST", f"/users/{friend.id}/permissions", chief, {"permission": name}).status_code

    told = at_once([lambda name=name: gift(name) for name in names])  # type: ignore[misc]
    given = {item.permission for item in held(house, friend)}
    assert given == {name for name, status in zip(names, told, strict=True) if status == 201}
    assert set(told) <= {201, 409}


# AP-01: applications and their roles of others


def test_ap_01_an_application_of_somebody_else_is_like_one_that_never_was(house: House) -> None:
    owner, eve = house.sign_up(), house.sign_up()
    app, _ = application(house, owner)
    for method, path, body in (
        ("GET", "/applications/{}/permissions", None),
        ("POST", "/applications/{}/permissions", {"name": "x:y"}),
        ("DELETE", "/applications/{}/permissions/reports:read", None),
        ("GET", "/roles?application={}", None),
        ("POST", "/roles", {"application": "{}", "name": "x", "permissions": []}),
        ("PATCH", "/roles/editor?application={}", {"text": "x"}),
        ("DELETE", "/roles/editor?application={}", None),
        ("GET", f"/users/{eve.id}/permissions?application={{}}", None),
        ("POST", f"/users/{eve.id}/permissions", {"application": "{}", "role": "editor"}),
        ("POST", "/authorize", {"application": "{}", "user_id": owner.id, "permission": "reports:read"}),
    ):
        answers = []
        for id in (app, "app_" + "A" * 22, OWN):
            filled = {name: id if value == "{}" else value for name, value in body.items()} if body else None
            answers.append(call(house, method, path.format(id), eve, filled))
        assert {answer.status_code for answer in answers} == {403}, path
        assert len({answer.text for answer in answers}) == 1, path
        assert call(house, method, path.format(app), None, body).status_code == 401, path
    assert held(house, eve) == ()


def test_ap_01_an_owner_gives_roles_of_her_own_application_only(house: House) -> None:
    owner, friend = house.sign_up(), house.sign_up()
    mine, _ = application(house, owner)
    other, _ = application(house)
    assert call(house, "POST", f"/users/{friend.id}/permissions", owner, {"application": mine, "role": "editor"}).status_code == 201
    for body in ({"application": other, "role": "editor"}, {"permission": "users:read"}, {"role": "administrator"}):
        assert call(house, "POST", f"/users/{friend.id}/permissions", owner, body).status_code == 403
    give(house, friend, "users:read")
    listed = call(house, "GET", f"/users/{friend.id}/permissions?application={mine}", owner)
    assert [item["application"] for item in listed.json] == [mine]
    assert call(house, "GET", f"/users/{friend.id}/permissions", owner).status_code == 403
    foreign = next(item["id"] for item in _all_of(house, friend) if item["application"] == OWN)
    assert call(house, "DELETE", f"/users/{friend.id}/permissions/{foreign}?application={mine}", owner).status_code == 404


def test_ap_01_an_owner_leaves_room_for_what_others_give(house: House) -> None:
    owner, friend = house.sign_up(), house.sign_up()
    mine, _ = application(house, owner)
    other, _ = application(house)
    gone, _ = application(house)
    user = house.service.find_user(friend.id)
    filled = [Assignment(mine, role="editor", resource=f"projects/{number}") for number in range(200)]
    left = [Assignment(gone, role="editor", resource=f"projects/{number}") for number in range(199)]
    assert house.service.core.store.save_user(replace(user, assignments=(*filled, *left)))
    body = {"application": mine, "role": "editor"}
    assert call(house, "POST", f"/users/{friend.id}/permissions", owner, body).status_code == 422
    give(house, friend, "editor", application=other)
    with pytest.raises(AuthError, match="200"):
        give(house, friend, "administrator")
    house.service.remove_application(house.service.application(gone))
    give(house, friend, "administrator")
    assert {item.application for item in held(house, friend)} == {mine, other, OWN}, "what is gone is cleared away"


def test_ap_01_an_owner_fills_nobodys_history(house: House) -> None:
    owner, friend = house.sign_up(), house.sign_up()
    mine, _ = application(house, owner)
    given = Assignment(mine, role="editor")
    signed = house.service.signed_by_session(owner.session)
    for _ in range(300):
        house.service.assign(signed, house.service.find_user(friend.id), given)
        house.service.unassign(signed, house.service.find_user(friend.id), given)
    refused = call(house, "POST", f"/users/{friend.id}/permissions", owner, {"application": mine, "role": "editor"})
    assert (refused.status_code, refused.json["code"]) == (429, "rate_limited")
    assert held(house, friend) == ()


def _all_of(house: House, who: Person) -> Any:
    chief = house.sign_up()
    give(house, chief, "administrator")
    return call(house, "GET", f"/users/{who.id}/permissions", chief).json


# AP-02: every refusal is written down


def test_ap_02_each_refusal_is_in_the_history_and_a_flood_fills_none(house: House) -> None:
    eve = house.sign_up()
    for path in ("/users", "/roles", f"/users/{eve.id}/permissions", "/events", f"/applications/{OWN}/permissions"):
        assert call(house, "GET", path, eve).status_code == 403
    noted = [one for one in house.service.events(house.service.find_user(eve.id)).items if one.kind == "permission_refused"]
    assert sorted(one.detail["permission"] for one in noted) == ["permissions:read"] * 3 + ["users:read"] * 2
    assert all(one.client.address for one in noted)
    for _ in range(80):
        call(house, "GET", "/users", eve)
    page = house.service.events(house.service.find_user(eve.id), limit=200)
    assert len([one for one in page.items if one.kind == "permission_refused"]) == 60


def test_ap_02_in_production_rights_need_two_factors(manor: House) -> None:
    person = manor.sign_up()
    give(manor, person, "administrator")
    for method, path, body in (("GET", "/roles", None), ("POST", f"/users/{person.id}/permissions", {"permission": "users:read"})):
        refused = call(manor, method, path, person, body)
        assert (refused.status_code, refused.json["code"]) == (403, "step_up_required")
    browser = manor.browser_of(person)
    for path in ("/admin", "/admin/users", "/admin/permissions", "/admin/applications", "/admin/history", "/admin/providers"):
        assert browser.get(path).status_code == 403


def test_ap_02_in_production_the_door_opens_no_right_of_this_service_with_one_factor(manor: House) -> None:
    person = manor.sign_up()
    give(manor, person, "administrator")
    id, _ = application(manor)
    give(manor, person, "reports:read", application=id)
    browser, wanted = manor.browser_of(person), "/verify?permission=users:write"
    for answer in (browser.get(wanted), manor.visitor().get(wanted, headers=person.bearer)):
        assert (answer.status_code, answer.json["code"]) == (403, "step_up_required")
        assert answer.headers["X-Auth-User"] == ""
    assert browser.get("/verify").status_code == 200
    assert browser.get(f"/verify?permission=reports:read&application={id}").status_code == 200


# AP-03, AP-06, AP-08


def test_ap_03_nobody_writes_what_only_we_write(house: House) -> None:
    chief, friend = house.sign_up(), house.sign_up()
    give(house, chief, "administrator")
    fields = {
        "granted_by": "operator",
        "granted_at": "2020-01-01T00:00:00Z",
        "id": "x",
        "user_id": chief.id,
        "expired": False,
        "by": "operator",
    }
    for name, value in fields.items():
        body = {"permission": "users:read", name: value}
        assert call(house, "POST", f"/users/{friend.id}/permissions", chief, body).status_code == 422, name
    for name in ("since", "built_in", "application_id", "version"):
        assert call(house, "POST", "/roles", chief, {"name": "r", "permissions": [], name: True}).status_code == 422
        assert call(house, "POST", f"/applications/{OWN}/permissions", chief, {"name": "a:b", name: True}).status_code == 422
    assert held(house, friend) == ()
    made = call(house, "POST", f"/users/{friend.id}/permissions", chief, {"permission": "users:read"})
    assert made.json["granted_by"] == chief.id


def test_ap_06_no_secret_of_an_application_is_read_again_by_anybody(house: House) -> None:
    chief = house.sign_up()
    give(house, chief, "administrator")
    app, secret = application(house)
    browser = house.browser_of(chief)
    for path in (
        "/admin",
        "/admin/applications",
        f"/admin/applications/{app}",
        f"/admin/permissions/of/{app}",
        "/admin/history",
        "/admin/providers",
    ):
        page = browser.get(path)
        assert page.status_code == 200, path
        assert secret not in page.text
        assert "$argon2" not in page.text
    stored = house.service.application(app).secrets[0].digest
    assert stored not in browser.get(f"/admin/applications/{app}").text
    for path in (f"/applications/{app}/permissions", f"/roles?application={app}", "/events"):
        assert secret not in call(house, "GET", path, chief).text
    assert secret.encode() not in house.dump()


def test_ap_08_forged_cursors_odd_names_and_too_many_are_refused(house: House) -> None:
    chief, friend = house.sign_up(), house.sign_up()
    give(house, chief, "administrator")
    for odd in ("", "A", "a b", "a,b", "a\n", "é", "a" * 65, ":a", "a:", "{$ne:1}", "a\x00"):
        assert call(house, "POST", "/roles", chief, {"name": odd, "permissions": []}).status_code == 422, odd
        assert call(house, "POST", f"/applications/{OWN}/permissions", chief, {"name": odd}).status_code == 422, odd
    for odd in ("2026", "tomorrow", "2026-01-01", "2026-01-01T00:00:00", "2020-01-01T00:00:00Z", "9999-12-31T23:59:59-23:00", "x" * 50):
        body = {"permission": "users:read", "expires_at": odd}
        assert call(house, "POST", f"/users/{friend.id}/permissions", chief, body).status_code == 422, odd
    browser = house.browser_of(chief)
    for path in ("/admin/users", "/admin/history", "/admin/applications", "/admin/permissions?permission=users:read"):
        for cursor in ("x", "%00", "-1", "{$ne:1}", "a" * 3000):
            assert browser.get(f"{path}{'&' if '?' in path else '?'}after={cursor}").status_code in (200, 400), (path, cursor)
    app, _ = application(house)
    for number in range(200):
        give(house, friend, "reports:read", application=app, resource=f"projects/{number}")
    more = {"application": app, "permission": "reports:read", "resource": "projects/200"}
    give(house, chief, "editor", application=app)
    assert call(house, "POST", f"/users/{friend.id}/permissions", chief, more).status_code == 422


# POST /authorize


def test_an_application_learns_nothing_but_its_own_permissions(house: House) -> None:
    person, stranger = house.sign_up(), house.sign_up()
    mine, secret = application(house)
    other, _ = application(house)
    give(house, person, "editor", application=mine)
    give(house, person, "editor", application=other)
    give(house, stranger, "users:read")
    sign = {"Authorization": basic(mine, secret)}
    ask = {"user_id": person.id, "permission": "reports:write"}
    assert call(house, "POST", "/authorize", None, ask, **sign).json["allowed"] is True
    assert call(house, "POST", "/authorize", None, {**ask, "application": other}, **sign).status_code == 403
    assert call(house, "POST", "/authorize", None, {**ask, "application": OWN, "permission": "users:read"}, **sign).status_code == 403
    house.suspend(stranger)
    unknown = [call(house, "POST", "/authorize", None, {**ask, "user_id": id}, **sign) for id in (stranger.id, "1", "A" * 22, "x\x00", "")]
    assert {answer.status_code for answer in unknown} == {200}
    assert len({answer.text for answer in unknown}) == 1
    house.suspend(person)
    assert call(house, "POST", "/authorize", None, ask, **sign).json == {"allowed": False, "reason": "The account is suspended."}


def test_only_an_application_with_its_secret_may_ask(house: House) -> None:
    person = house.sign_up()
    app, secret = application(house)
    give(house, person, "editor", application=app)
    ask = {"user_id": person.id, "permission": "reports:write"}
    wrong = [f"{app}:x", f"{app}:", app, f":{secret}", f"{app}:{secret}x", f"{OWN}:{secret}", f"{app}\x00:{secret}", ":", ""]
    for pair in wrong:
        header = "Basic " + base64.b64encode(pair.encode()).decode()
        assert call(house, "POST", "/authorize", None, ask, Authorization=header).status_code == 401, pair
    for header in ("Basic !!!", "Basic " + base64.b64encode(b"\xff\xfe:x").decode(), f"Bearer {secret}", "Digest x"):
        assert call(house, "POST", "/authorize", None, ask, Authorization=header).status_code == 401, header
    for place in (f"?client_id={app}&client_secret={secret}",):
        assert call(house, "POST", f"/authorize{place}", None, ask).status_code == 401
    house.service.disable_application(house.service.application(app))
    assert call(house, "POST", "/authorize", None, ask, Authorization=basic(app, secret)).status_code == 401


def test_a_person_asks_about_herself_and_nobody_else(house: House) -> None:
    person, other = house.sign_up(), house.sign_up()
    give(house, person, "users:read")
    ask = {"permission": "users:read"}
    assert call(house, "POST", "/authorize", person, {**ask, "user_id": person.id}).json["allowed"] is True
    absent = call(house, "POST", "/authorize", person, {**ask, "user_id": "1"})
    answer = call(house, "POST", "/authorize", person, {**ask, "user_id": other.id})
    assert (answer.status_code, answer.json) == (403, absent.json)


def test_a_pairwise_subject_is_worth_nothing_to_another_sector(house: House) -> None:
    from authenticator.flows import released

    person = house.sign_up()
    service = house.service
    made = []
    for host in ("one", "two"):
        data = {"client_name": host, "redirect_uris": [f"https://{host}.example/back"], "subject_type": "pairwise"}
        new = service.register_application(data)
        service.declare_permission("operator", service.application_with_roles(new.application.id), "reports:read")
        give(house, person, "reports:read", application=new.application.id)
        made.append((new, released.subject(service.core, service.find_user(person.id), new.application)))
    (one, first), (two, second) = made
    assert first != second
    assert person.id not in (first, second)
    for new, subject, allowed in (
        (one, first, True),
        (two, second, True),
        (one, second, False),
        (two, first, False),
        (one, person.id, False),
    ):
        sign = basic(new.application.id, new.secret)
        ask = {"user_id": subject, "permission": "reports:read"}
        assert call(house, "POST", "/authorize", None, ask, Authorization=sign).json["allowed"] is allowed


def test_the_admin_area_asks_for_both_factors_again_after_a_quarter_of_an_hour_away(manor: House) -> None:
    """SECURITY 47; to be on other pages meanwhile does not count."""
    person = manor.sign_up()
    give(manor, person, "administrator")
    browser, store = manor.browser_of(person), manor.service.core.store
    cookie = next(one for one in browser._cookies.values() if "session" in one.key)
    signed = manor.service.signed_by_cookie(cookie.value)
    assert signed
    now = manor.clock.now()
    store.renew_session(signed.session.id, cookie=signed.session.cookie, auth_time=now, amr=("pwd", "otp", "mfa"), mfa_at=now)
    for _ in range(3):
        assert browser.get("/admin/users").status_code == 200
        manor.clock.advance(minutes=14)
    manor.clock.advance(minutes=2)
    for _ in range(2):
        assert browser.get("/account").status_code == 200
        assert browser.get("/admin/users").status_code == 403
