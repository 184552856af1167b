"""What a thief, a snoop or a mistake could learn from what is kept of a person, and what is left of her when she is gone.

Rows DT-01, DT-04, DT-05, DT-06, SF-05 and IN-04 of the attack list, for profile, pictures, export and deletion.
"""

from __future__ import annotations

import io
import json
import logging
import struct
import zlib
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyotp
import pytest
from PIL import Image

from authenticator.errors import AuthError
from authenticator.flows import leaving
from authenticator.flows.avatars import MOST
from authenticator.models import Errand

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.attack.conftest import Builder, House, Person, Visitor

ATTRIBUTES = {"properties": {"motto": {"type": "string", "maxLength": 500}, "badge": {"type": "string", "readOnly": True}}}
CANARIES = {
    "given": "Canarina",
    "family": "Serinusova",
    "display": "Lady Canary-Display",
    "salutation": "Canarissima",
    "motto": "canary-motto-3f9",
    "agent": "CanaryAgent/4.2",
    "address": "198.51.100.77",
}


@pytest.fixture(scope="module")
def house(build: Builder) -> House:
    return build(plugins=["password", "totp"], attributes_schema=json.dumps(ATTRIBUTES))


def send(house: House, person: Person, method: str, path: str, **more: Any) -> TestResponse:
    return house.visitor().open(f"/api/v1{path}", method=method, headers={**person.bearer, **more.pop("headers", {})}, **more)


def picture(colour: str = "teal", *, note: str = "") -> bytes:
    target = io.BytesIO()
    exif = Image.Exif()
    if note:
        exif[0x010F] = note
    Image.new("RGB", (64, 64), colour).save(target, "JPEG", exif=exif)
    return target.getvalue()


PHOTO = picture(note="canary-exif-88")  # made before anything is logged


def upload(house: House, person: Person, content: bytes, kind: str = "image/png") -> TestResponse:
    return send(house, person, "POST", "/me/avatars", data=content, headers={"Content-Type": kind})


def canary(house: House) -> tuple[Person, list[str]]:
    """Somebody who has used everything, and every text of hers that must not be found."""
    person = house.sign_up(given_name=CANARIES["given"], family_name=CANARIES["family"])
    username = f"canary.{person.id}"
    profile = {
        "name": {"display": CANARIES["display"]},
        "salutation": CANARIES["salutation"],
        "locale": "de",
        "username": username,
        "attributes": {"motto": CANARIES["motto"]},
    }
    assert send(house, person, "PATCH", "/me", json=profile).status_code == 200
    assert upload(house, person, PHOTO, "image/jpeg").status_code == 201
    begun = send(house, person, "POST", "/me/factors/totp").json
    seed = begun["challenge"]["options"]["secret"]
    code = pyotp.TOTP(seed).at(house.clock.now())
    done = send(house, person, "POST", "/sign-in/continue", json={"challenge": begun["challenge"]["id"], "code": code})
    assert done.status_code == 200, done.text
    visitor = house.visitor(CANARIES["address"])
    headers = {"User-Agent": CANARIES["agent"]}
    wrong = {"email": person.email, "password": "canary-wrong-password"}
    visitor.post("/api/v1/sign-in/password", json=wrong, headers=headers)
    visitor.post("/api/v1/sign-in/password", json={"email": person.email, "password": person.password}, headers=headers)
    secrets = [person.password, "canary-wrong-password", seed, *done.json.get("recovery_codes", []), person.refresh, person.access]
    return person, [person.email, username, *CANARIES.values(), "canary-exif-88", *secrets]


def found_in(text: str | bytes, canaries: list[str]) -> list[str]:
    text = text if isinstance(text, bytes) else text.encode()
    return [one for one in canaries if one.encode() in text]


def work_off(house: House) -> None:
    house.service.core.errands.sweep()
    house.service.core.errands.flush()


# DT-01, DT-04: what lies in the database and in the log


def test_a_dump_and_the_log_tell_nothing_of_a_profile(house: House, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        person, canaries = canary(house)
        send(house, person, "GET", "/me/export")
        send(house, person, "PATCH", "/me", json={"salutation": "canary\u202eevil", "attributes": {"motto": "canary-too-long" * 90}})
        upload(house, person, b"\x89PNG\r\n\x1a\ncanary-broken-picture")
        token = link_token(house, person)
    assert found_in(house.dump(), [*canaries, "canary-broken-picture", token]) == []
    assert found_in(caplog.text, [*canaries, "canary-too-long", "canary-broken-picture", token]) == []


def link_token(house: House, person: Person) -> str:
    """The token of the letter that a deletion sends; the account is kept again."""
    send(house, person, "DELETE", "/me")
    token = undo_token(house, person)
    keep(house, token)
    return token


def undo_token(house: House, person: Person) -> str:
    link = next(mail.link for mail in reversed(house.mail_to(person.email)) if "/keep-account?token=" in mail.link)
    return link.partition("?token=")[2]


def keep(house: House, token: str, visitor: Visitor | None = None) -> TestResponse:
    visitor = visitor or house.visitor()
    return visitor.send_form("/keep-account", {"token": token}, page="/sign-in")


def test_a_refusal_never_repeats_what_was_sent(house: House) -> None:
    person = house.sign_up()
    for body in (
        {"locale": "canary-x"},
        {"attributes": {"motto": 7, "canary<b>": 1}},
        {"salutation": "canary" * 20},
        {"canary<b>": "canary"},
    ):
        answer = send(house, person, "PATCH", "/me", json=body)
        assert answer.status_code in (400, 422)
        assert "canary" not in answer.text


# DT-05: the record


def test_each_act_is_recorded_once_with_who_when_and_where(house: House) -> None:
    person = house.sign_up()
    core = house.service.core
    address = "203.0.113.9"
    before = Counter(event.kind for event in core.store.events_of(person.id).items)
    visitor = house.visitor(address)

    def act(method: str, path: str, **more: Any) -> Any:
        headers = {**person.bearer, **more.pop("headers", {})}
        return visitor.open(f"/api/v1{path}", method=method, headers=headers, **more).json

    act("PATCH", "/me", json={"salutation": "Dr."})
    act("PATCH", "/me", json={"salutation": "Dr."})  # changes nothing
    act("PATCH", "/me", json={"salutation": "x" * 99})  # is refused
    avatar = act("POST", "/me/avatars", data=picture(), headers={"Content-Type": "image/jpeg"})["id"]
    act("DELETE", f"/me/avatars/{avatar}")
    act("DELETE", f"/me/avatars/{avatar}")  # there is nothing any more
    act("GET", "/me/export")
    act("DELETE", "/me")
    keep(house, undo_token(house, person))
    events = core.store.events_of(person.id).items
    new = Counter(event.kind for event in events) - before
    wanted = {"profile_changed", "avatar_added", "avatar_removed", "export_made", "deletion_asked", "deletion_undone"}
    assert {kind: new[kind] for kind in wanted} == dict.fromkeys(wanted, 1)
    assert new["status_changed"] == 2
    assert {event.client.address for event in events if event.kind in wanted - {"deletion_undone"}} == {address}
    assert all(event.at.utcoffset() is not None and not event.at.utcoffset() for event in events)


def test_no_route_changes_the_record(house: House) -> None:
    rules = [rule for rule in house.app.url_map.iter_rules() if "history" in rule.rule or "events" in rule.rule]
    assert rules
    assert {method for rule in rules for method in rule.methods or ()} <= {"GET", "HEAD", "OPTIONS"}


def test_an_erasure_that_crashes_anywhere_is_finished_and_told_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    core = house.service.core
    for broken in ("before", "after"):
        person = house.sign_up()
        send(house, person, "DELETE", "/me")
        house.clock.advance(days=8)
        whole, calls = core.store.erase_user, []

        def crash(user_id: str, pseudonym: str, now: datetime, when: str = broken, whole: Any = whole, calls: list[str] = calls) -> bool:
            calls.append(user_id)
            if when == "after":
                whole(user_id, pseudonym, now)
            raise AuthError("store_unavailable")

        monkeypatch.setattr(core.store, "erase_user", crash)
        work_off(house)
        assert person.id in calls
        monkeypatch.undo()
        house.clock.advance(minutes=5)
        work_off(house)
        assert core.store.user_by_id(person.id) is None
        leaving.carry_out(
            core, Errand("again", "erasure", core.clock.now(), {"user_id": person.id})
        )  # nobody could be told that it was done
        told = [event.kind for event in core.store.events_of(leaving.pseudonym(core, person.id)).items]
        assert told.count("user_erased") == 1


# DT-06: export and erasure


def test_the_export_is_complete_and_has_no_secret_and_nobody_else(house: House) -> None:
    other = house.sign_up()
    person, canaries = canary(house)
    house.service.core.history.record("permissions_changed", user_id=person.id, by=other.id)
    answer = send(house, person, "GET", "/me/export")
    assert answer.status_code == 200
    hers = (person.email, f"canary.{person.id}", *CANARIES.values())
    secrets = [one for one in canaries if one not in hers]
    assert found_in(answer.data, secrets) == []
    assert (
        found_in(answer.data, [other.id, other.email, "$argon2", "PRIVATE KEY", house.service.settings.secret_key.get_secret_value()]) == []
    )
    document = answer.json
    text = answer.get_data(as_text=True)
    assert [one for one in hers if one not in text] == []
    assert {"totp"} <= {step["kind"] for step in document["second_steps"]}
    assert {"user_created", "profile_changed", "factor_added"} & {event["kind"] for event in document["history"]}
    assert "administrator" in {event["detail"].get("by") for event in document["history"]}
    assert document["avatars"][0]["content"]


def test_the_export_has_every_page_of_a_long_history(house: House) -> None:
    person = house.sign_up()
    core = house.service.core
    for _ in range(450):
        core.history.record("password_changed", user_id=person.id)
    kinds = Counter(event["kind"] for event in send(house, person, "GET", "/me/export").json["history"])
    assert kinds["password_changed"] == 450


@pytest.mark.parametrize(("method", "path"), [("GET", "/me/export"), ("DELETE", "/me")])
def test_a_stolen_cookie_or_an_old_sign_in_neither_exports_nor_deletes(house: House, method: str, path: str) -> None:
    person = house.sign_up()
    browser = house.browser_of(person)
    assert browser.open(f"/api/v1{path}", method=method).status_code == 401
    for page in ("/account/data/export", "/account/data/delete"):
        assert browser.post(page, data={"sure": "1"}).status_code == 403  # no token of ours
    house.clock.advance(minutes=6)
    old = house.refresh(person.refresh).json["access_token"]
    answer = house.visitor().open(f"/api/v1{path}", method=method, headers={"Authorization": f"Bearer {old}"})
    assert (answer.status_code, answer.json["code"]) == (403, "step_up_required")
    assert house.try_password(person.email, person.password).status_code == 200


def test_of_an_erased_person_nothing_is_left_but_a_pseudonym(house: House) -> None:
    person, canaries = canary(house)
    core = house.service.core
    avatar = send(house, person, "GET", "/me/avatars").json[0]
    newer = house.visitor()
    send(house, person, "DELETE", "/me")
    assert house.get("/me", person.access).json["code"] == "token_revoked"
    assert house.refresh(person.refresh).status_code == 401
    assert house.try_password(person.email, person.password).status_code == 401
    house.clock.advance(days=8)
    work_off(house)
    core.messages.flush()
    assert core.store.user_by_id(person.id) is None
    assert newer.get(avatar["url"].removeprefix(house.service.settings.public_url)).status_code == 404
    assert house.try_password(person.email, person.password).status_code == 401
    assert core.store.keys_of(person.id) == ()
    assert core.store.avatars_of(person.id) == ()
    assert core.store.status_history(person.id) == ()
    now = core.clock.now()
    assert not core.store.sessions_of(person.id, now).items
    assert not core.store.sessions_of(person.id, now, ended=True).items
    assert core.store.events_of(person.id).items == ()
    for who in (person.id, person.email):
        with pytest.raises(AuthError, match="not_found"):
            house.service.find_user(who)
    left = core.store.events_of(leaving.pseudonym(core, person.id)).items
    assert {"user_erased", "deletion_asked", "profile_changed"} <= {event.kind for event in left}
    assert all((event.client.address, event.client.agent) == ("", "") for event in left)
    assert not any(canary in str(event.detail) for event in left for canary in canaries)
    assert found_in(house.dump(), canaries) == []
    again = house.sign_up(person.email)
    assert again.id != person.id
    assert send(house, again, "PATCH", "/me", json={"username": f"canary.{person.id}"}).status_code == 200


def test_the_pseudonym_is_nobody_s_without_our_secret(house: House, build: Builder) -> None:
    core = house.service.core
    assert leaving.pseudonym(core, "47011704617355867") == leaving.pseudonym(core, "47011704617355867")
    assert leaving.pseudonym(core, "47011704617355867") != leaving.pseudonym(core, "47011704617355868")
    assert "47011704617355867" not in leaving.pseudonym(core, "47011704617355867")


def test_an_errand_can_erase_nobody_whose_time_has_not_come(house: House) -> None:
    person = house.sign_up()
    core = house.service.core
    assert not leaving.erase(core, person.id)
    house.suspend(person)
    assert not leaving.erase(core, person.id)
    leaver = house.sign_up()
    send(house, leaver, "DELETE", "/me")
    assert not leaving.erase(core, leaver.id)
    assert core.store.user_by_id(person.id)
    assert core.store.user_by_id(leaver.id)


def test_the_link_that_keeps_an_account_is_spent_once_and_only_by_a_post(house: House, at_once: Any) -> None:
    person = house.sign_up()
    send(house, person, "DELETE", "/me")
    token = undo_token(house, person)
    visitors = [house.visitor() for _ in range(4)]
    for visitor in visitors:
        assert visitor.get(f"/keep-account?token={token}").status_code == 200
    assert visitors[0].post("/keep-account", data={"token": token}).status_code == 403  # not from our page
    forms = [{"csrf_token": visitor.csrf(f"/keep-account?token={token}"), "token": token} for visitor in visitors]
    answers = at_once([lambda v=v, f=f: v.post("/keep-account", data=f).status_code for v, f in zip(visitors, forms, strict=True)])
    assert sorted(answers) == [303, 400, 400, 400]
    assert keep(house, token).status_code == 400


@pytest.mark.parametrize("verb", ["change_status", "save_user"])
def test_the_link_that_keeps_an_account_is_not_spent_by_an_outage(house: House, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    """It is the only one there is, and the account would be erased."""
    person = house.sign_up()
    send(house, person, "DELETE", "/me")
    token = undo_token(house, person)

    def away(*_: Any) -> Any:
        raise AuthError("store_unavailable")

    with monkeypatch.context() as patch:
        patch.setattr(house.service.core.store, verb, away)
        assert keep(house, token).status_code == 503
    keep(house, token)
    house.clock.advance(days=8)
    work_off(house)
    assert house.try_password(person.email, person.password).status_code == 200
    assert keep(house, token).status_code == 400


def test_the_link_of_one_person_keeps_no_other_s_account(house: House) -> None:
    first, second = house.sign_up(), house.sign_up()
    send(house, first, "DELETE", "/me")
    send(house, second, "DELETE", "/me")
    keep(house, undo_token(house, first))
    assert house.try_password(first.email, first.password).status_code == 200
    assert house.try_password(second.email, second.password).status_code == 401


# SF-05: pictures that are more than pictures


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(**more: bytes) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(target, "PNG")
    content = target.getvalue()
    return content[:33] + b"".join(chunk(name.encode(), body) for name, body in more.items()) + content[33:]


def gif() -> bytes:
    target = io.BytesIO()
    Image.new("P", (8, 8)).save(target, "GIF", comment=b"<script>alert(1)</script>")
    return target.getvalue()


NOTE = b'--x\r\nContent-Disposition: form-data; name="note"\r\n\r\n' + b"x" * 1_000_000 + b"\r\n--x--\r\n"
SCRIPT = b"<script>alert(1)</script>"
POLYGLOTS = {
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>',
    "SVG with a declaration": b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>',
    "HTML": b"<!doctype html>" + SCRIPT,
    "HTML after the mark of a GIF": b"GIF89a/*" + SCRIPT + b"*/=1;alert(1)",
    "HTML after the mark of a PNG": b"\x89PNG\r\n\x1a\n" + SCRIPT,
    "HTML in a text of a PNG": png(tEXt=b"Comment\0" + SCRIPT),
    "HTML in a profile of a PNG": png(iCCP=b"x\0\0" + zlib.compress(SCRIPT * 50)),
    "HTML after a PNG": png() + SCRIPT,
    "HTML in a comment of a GIF": gif(),
    "an archive after a JPEG": picture() + b"PK\x03\x04<script>",
    "HTML in the EXIF of a JPEG": picture(note=SCRIPT.decode()),
    "a PDF": b"%PDF-1.7\n1 0 obj <</S/JavaScript/JS(app.alert(1))>>",
    "a TIFF": b"II*\0\x08\0\0\0" + bytes(100),
    "a script": b"#!/bin/sh\necho",
    "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n(x) run",
}


@pytest.mark.parametrize("name", POLYGLOTS)
@pytest.mark.parametrize("kind", ["image/png", "image/svg+xml", "form"])
def test_what_is_uploaded_comes_out_as_pixels_or_not_at_all(house: House, name: str, kind: str, uploader: Person) -> None:
    content = POLYGLOTS[name]
    if kind == "form":
        data = {"file": (io.BytesIO(content), "../../x.svg", "image/svg+xml")}
        answer = send(house, uploader, "POST", "/me/avatars", data=data, content_type="multipart/form-data")
    else:
        answer = upload(house, uploader, content, kind)
    assert answer.status_code in (201, 415, 422), answer.text
    if answer.status_code != 201:
        assert "script" not in answer.text
        return
    url = answer.json["url"].removeprefix(house.service.settings.public_url)
    served = house.visitor().get(url)
    assert b"script" not in served.data
    assert b"PK\x03\x04" not in served.data
    assert served.headers["Content-Type"] == "image/webp"
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in served.headers["Content-Security-Policy"]
    assert Image.open(io.BytesIO(served.data)).size == (512, 512)
    send(house, uploader, "DELETE", f"/me/avatars/{answer.json['id']}")


@pytest.fixture
def uploader(house: House) -> Person:
    return house.sign_up()


def test_many_uploads_at_once_keep_no_more_than_five(house: House, at_once: Any, uploader: Person) -> None:
    answers = at_once([lambda: upload(house, uploader, picture()).status_code for _ in range(MOST + 3)])
    assert sorted(answers) == [201] * MOST + [409] * 3


def test_a_form_that_is_no_upload_stays_small(house: House, uploader: Person) -> None:
    browser = house.browser_of(uploader)
    assert browser.post("/account/profile", data={"salutation": "x" * 70_000}).status_code == 413
    assert send(house, uploader, "POST", "/me/avatars", data=NOTE, content_type="multipart/form-data; boundary=x").status_code == 413


# IN-04: names that want to be more than names


@pytest.mark.parametrize(
    "name",
    [
        "Ada\r\nBcc: eve@example.com",
        "Ada\nSubject: free money",
        "Ada\x00",
        "Ada\x1b[2J",
        "Ada\u2028{}",
        "\u202eadA",
        "A\u200dda",
        "Ada\ufeff",
        "A\u0085da",
    ],
)
@pytest.mark.parametrize("field", ["given", "display", "salutation", "motto"])
def test_a_name_of_several_lines_or_with_hidden_signs_is_refused(house: House, uploader: Person, name: str, field: str) -> None:
    body = {"salutation": {"salutation": name}, "motto": {"attributes": {"motto": name}}}.get(field, {"name": {field: name}})
    assert send(house, uploader, "PATCH", "/me", json=body).status_code == 422


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "{{ 7*7 }}", "%(name)s", "${7*7}", "=HYPERLINK(1)", "' OR 1=1 --", '"><img src=x>']
)
def test_markup_and_templates_in_a_name_stay_text_on_pages_and_in_letters(house: House, uploader: Person, name: str) -> None:
    assert send(house, uploader, "PATCH", "/me", json={"name": {"display": name}}).json["name"]["display"] == name
    browser = house.browser_of(uploader)
    for path in ("/account", "/account/profile", "/account/data"):
        page = browser.get(path).text
        assert "<script>alert" not in page
        assert "<img src=x>" not in page
    send(house, uploader, "DELETE", "/me")
    page = house.visitor().get(f"/keep-account?token={undo_token(house, uploader)}").text
    assert "<script>alert" not in page
    assert "49" not in page.partition("<h1>")[2].partition("<form")[0]
    letter = house.mail_to(uploader.email)[-1]
    assert "<script>alert" not in letter.html
    assert "\n" not in letter.subject


def test_a_change_may_not_reach_what_is_not_hers_to_change(house: House, uploader: Person) -> None:
    before = send(house, uploader, "GET", "/me").json
    for field, value in {
        "id": "1",
        "type": "service",
        "level": 9,
        "status": "active",
        "picture": "https://evil.example/x.png",
        "email": "eve@example.com",
        "email_verified": True,
        "contacts": [],
        "factors": [],
        "permissions": ["users:write"],
        "devices": [],
        "must_reset": True,
        "erase_at": "2020-01-01T00:00:00Z",
        "version": 0,
        "created_at": "2020-01-01T00:00:00Z",
        "__class__": "x",
        "$set": {"level": 9},
    }.items():
        assert send(house, uploader, "PATCH", "/me", json={field: value}).status_code in (400, 422), field
    assert send(house, uploader, "PATCH", "/me", json={"attributes": {"badge": "admin"}}).status_code == 422
    assert send(house, uploader, "PATCH", "/me", json={"attributes": {"$where": "1"}}).status_code == 422
    assert send(house, uploader, "GET", "/me").json == before
