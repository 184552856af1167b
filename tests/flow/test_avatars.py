"""Whether a person can have pictures: added, chosen, shown to others and taken away."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image
from werkzeug.test import TestResponse

from authenticator.flows.avatars import MOST
from authenticator.testing.client import Answer
from authenticator.testing.people import Account, AsUser, SignInVia


@pytest.fixture
def ada(as_user: AsUser) -> Account:
    return as_user("ada@example.com")


def png(colour: str = "teal", side: int = 64) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(target, "PNG")
    return target.getvalue()


def add(person: Account, content: bytes | None = None, kind: str = "image/png") -> Answer:
    content = png() if content is None else content
    return person.client.api("POST", "me/avatars", token=person.access_token, data=content, headers={"Content-Type": kind})


def fetch(person: Account, url: str, **headers: str) -> TestResponse:
    """A picture as anybody gets it: bytes, not a page."""
    return person.client.app.test_client().get(url.removeprefix(person.client.base), headers=headers)


def shown(person: Account) -> Any:
    return person.client.api("GET", "me", token=person.access_token)["picture"]


def test_she_adds_chooses_and_removes_pictures_through_the_api(ada: Account) -> None:
    first, second = add(ada, png("red")), add(ada, png("blue"))
    assert (first.status, first["chosen"], second["chosen"]) == (201, True, False)
    assert shown(ada) == first["url"]
    chosen = ada.client.api("PATCH", f"me/avatars/{second['id']}", {"chosen": True}, token=ada.access_token)
    assert (chosen.status, chosen["chosen"], shown(ada)) == (200, True, second["url"])
    listed = ada.client.api("GET", "me/avatars", token=ada.access_token).body
    assert [(one["id"], one["chosen"]) for one in listed] == [(first["id"], False), (second["id"], True)]
    assert ada.client.api("DELETE", f"me/avatars/{second['id']}", token=ada.access_token).status == 204
    assert shown(ada) is None
    assert fetch(ada, second["url"]).status_code == 404
    assert fetch(ada, first["url"]).status_code == 200


def test_a_form_may_carry_the_picture_to_the_api(ada: Account) -> None:
    data = {"file": (io.BytesIO(png()), "../../me.html")}
    answer = ada.client.api("POST", "me/avatars", token=ada.access_token, data=data, content_type="multipart/form-data")
    assert answer.status == 201
    empty = ada.client.api("POST", "me/avatars", token=ada.access_token, data={"x": "y"}, content_type="multipart/form-data")
    assert (empty.status, empty.code) == (422, "validation_failed")


def test_an_upload_whose_answer_got_lost_is_repeated_without_a_second_picture(ada: Account) -> None:
    def upload(**sent: Any) -> Answer:
        headers = {"Idempotency-Key": "once", **sent.pop("headers", {})}
        return ada.client.api("POST", "me/avatars", token=ada.access_token, headers=headers, **sent)

    first, again = (upload(data=png(), headers={"Content-Type": "image/png"}) for _ in range(2))
    assert (first.status, again.status, first.body) == (201, 201, again.body)
    form = {"file": (io.BytesIO(png()), "me.png")}
    headers = {"Idempotency-Key": "another"}
    more = {"data": form, "content_type": "multipart/form-data", "headers": headers}
    assert ada.client.api("POST", "me/avatars", token=ada.access_token, **more).status == 201
    assert len(ada.client.api("GET", "me/avatars", token=ada.access_token).body) == 2


def test_a_picture_is_served_as_nothing_but_a_picture(ada: Account) -> None:
    url = add(ada)["url"]
    answer = fetch(ada, url)
    assert answer.headers["Content-Type"] == "image/webp"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert Image.open(io.BytesIO(answer.data)).size == (512, 512)
    again = fetch(ada, url, **{"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("avatar_id", ["nobodys", "x" * 65, "..%2f..", "%00"])
def test_an_address_without_a_picture_is_not_found(ada: Account, avatar_id: str) -> None:
    assert ada.client.get(f"/avatars/{avatar_id}").status in (400, 404)


def test_five_are_the_most(ada: Account) -> None:
    assert [add(ada).status for _ in range(MOST + 1)] == [201] * MOST + [409]


def test_another_person_s_picture_can_be_neither_chosen_nor_removed(ada: Account, as_user: AsUser) -> None:
    hers = add(ada)
    eve = as_user("eve@example.com")
    assert eve.client.api("PATCH", f"me/avatars/{hers['id']}", {"chosen": True}, token=eve.access_token).status == 404
    assert eve.client.api("DELETE", f"me/avatars/{hers['id']}", token=eve.access_token).status == 404
    assert eve.client.api("GET", "me/avatars", token=eve.access_token).body == []
    assert fetch(ada, hers["url"]).status_code == 200


def test_a_picture_larger_than_5_mib_is_refused_and_one_of_4_is_read(ada: Account) -> None:
    assert add(ada, png() + bytes(4 * 1024 * 1024)).status == 201
    assert add(ada, png() + bytes(5 * 1024 * 1024)).code == "body_too_large"
    assert add(ada, png() + bytes(6 * 1024 * 1024)).code == "body_too_large"
    assert ada.client.api("PATCH", "me", {"salutation": "x" * 70_000}, token=ada.access_token).status == 413  # only pictures may be large


def test_a_stranger_adds_nothing(ada: Account) -> None:
    assert ada.client.api("POST", "me/avatars", data=png(), headers={"Content-Type": "image/png"}).status == 401
    assert ada.client.api("POST", "me/avatars", {"file": "x"}, token=ada.access_token).status == 415


def test_she_does_it_on_the_page(ada: Account) -> None:
    browser = ada.browser()
    assert 'class="monogram" aria-hidden="true">AL<' in browser.get("/account").html
    added = browser.submit("/account/profile", action="/account/avatars", file=(io.BytesIO(png("red")), "me.png"))  # type: ignore[arg-type]
    assert added.location == "/account/profile?done=picture"
    browser.submit("/account/profile", action="/account/avatars", file=(io.BytesIO(png("blue")), "me.png"))  # type: ignore[arg-type]
    first, second = (one["id"] for one in ada.client.api("GET", "me/avatars", token=ada.access_token).body)
    assert f'src="/avatars/{first}"' in browser.get("/account").html
    assert browser.submit("/account/profile", action=f"{second}/choose").status == 303
    assert f'src="/avatars/{second}"' in browser.get("/account").html
    assert browser.submit("/account/profile", action=f"{second}/remove").status == 303
    assert 'aria-hidden="true">AL<' in browser.get("/account").html


def test_what_is_no_picture_is_told_on_the_page(ada: Account) -> None:
    browser = ada.browser()
    for content in (b"", b"<svg onload='alert(1)'/>", b"\x89PNG\r\n\x1a\n broken"):
        page = browser.submit("/account/profile", action="/account/avatars", file=(io.BytesIO(content), "me.svg"))  # type: ignore[arg-type]
        assert page.status in (415, 422)
        assert 'id="file-error"' in page.html


def test_a_provider_s_picture_is_told_and_never_loaded(sign_in_via: SignInVia, client: Any) -> None:
    me = sign_in_via("twitter", "ada@example.com").me
    assert me["picture"]
    for path in ("/account", "/account/profile"):
        assert me["picture"] not in client.get(path).html
