"""LO-01, LO-02 and LO-04: who may sign somebody out, where she is led then, and what ends. LO-03 is in test_logout_told.py."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from authenticator.crypto import random_token
from authenticator.flows import released, sessions
from tests.attack.logouts import BYE, EVENT, HERE, SignedIn, an_application, claims, encoded, header, log_out

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from authenticator.applications import Application
    from tests.attack.conftest import House, Visitor


def asks(answer: TestResponse) -> bool:
    return answer.status_code == 200 and "Sign out?" in answer.text and 'action="/oauth/logout/confirm"' in answer.text


def confirm(browser: Visitor, page: TestResponse) -> TestResponse:
    fields = dict(re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)"', page.text))
    return browser.post("/oauth/logout/confirm", data={name: value.replace("&amp;", "&") for name, value in fields.items()})


# LO-01


def test_lo_01_an_id_token_of_this_sign_in_ends_it_and_leads_to_a_registered_address(house: House) -> None:
    her = SignedIn.of(house)
    shop = an_application(house)
    for algorithm in ("RS256", "ES256", "EdDSA"):
        her = SignedIn.of(house, her.person)
        answer = log_out(her.browser, id_token_hint=her.hint(shop, algorithm=algorithm), post_logout_redirect_uri=BYE, state="a&b c")
        assert (answer.status_code, answer.location) == (303, f"{BYE}&state=a%26b+c")
        assert not her.alive


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/",
        "https://shop.example/bye",
        "https://shop.example/bye?x=1&y=2",
        "https://shop.example/bye?x=1#f",
        "https://shop.example/bye?X=1",
        "https://shop.example.evil.example/bye?x=1",
        "https://shop.example@evil.example/bye?x=1",
        "https://SHOP.example/bye?x=1",
        "https://shop.example/callback",
        "//evil.example",
        "javascript:alert(1)",
        "https://shop.example/bye?x=1\r\nLocation: https://evil.example",
    ],
)
def test_lo_01_nobody_is_led_to_an_address_that_is_not_registered(house: House, uri: str) -> None:
    her, shop = SignedIn.of(house), an_application(house)
    answer = log_out(her.browser, id_token_hint=her.hint(shop), post_logout_redirect_uri=uri, state="s")
    assert (answer.status_code, answer.location) == (200, None)
    assert "evil.example" not in answer.text
    assert not her.alive


FORGED = (
    "none",
    "unsigned",
    "foreign key",
    "public key as secret",
    "changed",
    "another issuer",
    "access token",
    "logout token",
    "no jwt",
    "long",
)


def forged(her: SignedIn, shop: Application, how: str) -> str:
    good = her.hint(shop)
    head, body, signature = good.split(".")
    if how == "none":
        return f"{encoded({'alg': 'none', 'typ': 'JWT'})}.{body}."
    if how == "unsigned":
        return f"{head}.{body}."
    if how == "foreign key":
        key = OctKey.generate_key(256)
        return jwt.encode({"alg": "HS256", "typ": "JWT", "kid": header(good)["kid"]}, claims(good), key)
    if how == "public key as secret":
        published = next(key for key in her.house.service.keys.jwks()["keys"] if key["kid"] == header(good)["kid"])
        key = OctKey.import_key(published["n"].encode())
        return jwt.encode({"alg": "HS256", "typ": "JWT", "kid": header(good)["kid"]}, claims(good), key)
    if how == "changed":
        return f"{head}.{encoded({**claims(good), 'aud': shop.id, 'sub': 'somebody'})}.{signature}"
    if how == "another issuer":
        return her.hint(shop, iss="https://evil.example")
    if how in ("access token", "logout token"):
        return her.hint(shop, typ="at+jwt" if how == "access token" else "logout+jwt")
    return "a.b.c" if how == "no jwt" else good + "A" * 9000


@pytest.mark.parametrize("how", FORGED)
def test_lo_01_a_forged_hint_is_none_and_she_is_asked(house: House, how: str) -> None:
    her, shop = SignedIn.of(house), an_application(house)
    answer = log_out(her.browser, id_token_hint=forged(her, shop, how), client_id=shop.id, post_logout_redirect_uri=BYE)
    assert asks(answer)
    assert "shop.example" not in answer.text
    assert her.alive


def test_lo_01_a_hint_of_another_sign_in_another_person_or_another_application_does_not_do(house: House) -> None:
    her, shop, other = SignedIn.of(house), an_application(house), an_application(house)
    elsewhere, stranger = SignedIn.of(house, her.person), SignedIn.of(house)
    for hint, client_id in ((elsewhere.hint(shop), ""), (stranger.hint(shop), ""), (her.hint(shop), other.id), (her.hint(other), shop.id)):
        page = log_out(her.browser, id_token_hint=hint, client_id=client_id, post_logout_redirect_uri=BYE)
        assert asks(page)
        assert (BYE in page.text) is not bool(client_id)  # two applications in one request are none
    sid_of_another = released.sid_for(house.service.core, her.session.id, other)
    assert asks(log_out(her.browser, id_token_hint=her.hint(shop, sid=sid_of_another)))
    assert her.alive
    assert elsewhere.alive
    assert stranger.alive


def test_lo_01_without_a_hint_she_is_asked_and_led_where_the_application_registered(house: House) -> None:
    her, shop = SignedIn.of(house), an_application(house)
    assert asks(log_out(her.browser))
    page = log_out(her.browser, client_id=shop.id, post_logout_redirect_uri=BYE, state="s")
    assert asks(page)
    assert her.alive
    assert confirm(her.browser, page).location == f"{BYE}&state=s"
    assert not her.alive


def test_lo_01_an_answer_that_our_form_did_not_send_ends_nothing(house: House) -> None:
    her, shop = SignedIn.of(house), an_application(house)
    page = log_out(her.browser, client_id=shop.id)
    token = dict(re.findall(r'name="(csrf_token)" value="([^"]*)"', page.text))
    for data, headers in (({}, {}), (token, {"Sec-Fetch-Site": "cross-site"}), (token, {"Origin": "https://evil.example"})):
        assert her.browser.post("/oauth/logout/confirm", data=data, headers=headers).status_code == 403
    assert her.browser.get("/oauth/logout/confirm").status_code in (404, 405)
    assert her.browser.head("/oauth/logout", query_string={"id_token_hint": her.hint(shop)}).status_code == 200
    assert her.alive


def test_lo_01_an_answer_with_another_address_leads_nowhere(house: House) -> None:
    her, shop = SignedIn.of(house), an_application(house)
    page = log_out(her.browser, client_id=shop.id, post_logout_redirect_uri=BYE)
    token = dict(re.findall(r'name="(csrf_token)" value="([^"]*)"', page.text))
    data = {**token, "client_id": shop.id, "post_logout_redirect_uri": "https://evil.example/"}
    answer = her.browser.post("/oauth/logout/confirm", data=data)
    assert (answer.status_code, answer.location) == (200, None)
    assert "evil.example" not in answer.text


def test_lo_01_what_was_posted_comes_again_with_her_cookies(house: House) -> None:
    her, shop = SignedIn.of(house), an_application(house)
    said = {"id_token_hint": her.hint(shop), "post_logout_redirect_uri": BYE}
    answer = house.visitor().post("/oauth/logout", data=said, headers={"Origin": "https://shop.example", "Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 303
    assert her.alive
    assert her.browser.get(answer.location).location == BYE
    assert not her.alive


def test_lo_01_a_parameter_that_comes_twice_is_refused(house: House) -> None:
    her, shop = SignedIn.of(house), an_application(house)
    answer = her.browser.get(
        f"/oauth/logout?id_token_hint={her.hint(shop)}&post_logout_redirect_uri={BYE}&post_logout_redirect_uri=https://evil"
    )
    assert (answer.status_code, answer.location) == (400, None)
    assert her.alive


def test_lo_01_a_disabled_application_leads_nobody_anywhere(house: House) -> None:
    her, shop = SignedIn.of(house), an_application(house, enabled=False)
    assert asks(log_out(her.browser, id_token_hint=her.hint(shop), post_logout_redirect_uri=BYE))


# LO-02


def test_lo_02_everything_of_the_sign_in_is_dead_and_nothing_else(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    her, shop = SignedIn.of(house), an_application(house)
    other, stranger = SignedIn.of(house, her.person), SignedIn.of(house)
    families = [one.give(shop) for one in (her, other, stranger)]
    cookies = her.browser.get("/account").request.headers["Cookie"]
    house.service.ended.look_again()
    house.service.require_open(families[0].id)
    monkeypatch.setattr(sessions, "LOOK_EVERY", 60)  # what this process ended itself it knows without a look
    answer = log_out(her.browser, id_token_hint=her.hint(shop), post_logout_redirect_uri=BYE)
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    dropped = [header for header in answer.headers.getlist("Set-Cookie") if "Max-Age=0" in header]
    assert any(header.startswith("auth_session=;") for header in dropped)
    assert her.browser.get("/account", headers={"Cookie": cookies}).status_code == 303
    store, ended = house.service.core.store, []
    for family in families:
        found = store.session_by_id(family.id)
        assert found is not None
        ended.append(found.closed_at is not None)
    assert ended == [True, False, False]
    assert other.alive
    assert stranger.alive
    with pytest.raises(Exception, match="token_revoked"):
        house.service.require_open(families[0].id)  # an access token of it is refused at once
    house.service.require_open(families[1].id)
    assert other.browser.get("/account").status_code == 200


def test_lo_02_what_was_given_for_longer_outlives_the_sign_out_but_not_the_end_of_all(house: House) -> None:
    her, shop = SignedIn.of(house), an_application(house)
    family = her.give(shop, offline=True)
    log_out(her.browser, id_token_hint=her.hint(shop))
    house.service.require_open(family.id)
    user = house.service.user(her.person.id)
    assert user is not None
    house.service.end_sessions(user, "ended_by_owner", HERE)
    with pytest.raises(Exception, match="token_revoked"):
        house.service.require_open(family.id)


def test_lo_02_the_pages_own_sign_out_clears_as_much_but_never_other_sites_cookies(house: House) -> None:
    her = SignedIn.of(house)
    answer = her.browser.send_form("/sign-out", {}, page="/account")
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert not her.alive


def test_lo_02_applications_end_their_own_sessions_in_frames_that_the_page_may_hold(house: House) -> None:
    her = SignedIn.of(house)
    plain = an_application(house, frontchannel_logout_uri="https://shop.example/out?a=1", frontchannel_session=True)
    other = an_application(house, frontchannel_logout_uri="https://other.example:8443/out")
    for application in (plain, other, an_application(house)):
        her.give(application)
    answer = log_out(her.browser, id_token_hint=her.hint(plain), post_logout_redirect_uri=BYE)
    assert answer.status_code == 200
    sid = released.sid_for(house.service.core, her.session.id, plain)
    assert f'src="https://shop.example/out?a=1&amp;iss=http%3A%2F%2Flocalhost&amp;sid={sid}"' in answer.text
    assert 'src="https://other.example:8443/out"' in answer.text
    assert answer.text.count("<iframe") == 2
    assert "allow-top-navigation" not in answer.text
    assert f'content="3; url={BYE}"' in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert policy.endswith("; frame-src https://other.example:8443 https://shop.example")
    assert "frame-src" not in her.browser.get("/sign-in").headers["Content-Security-Policy"]
    assert not her.alive


# LO-04: no provider of ours tells this service of logouts, so that there is nowhere to send a forged token


def test_lo_04_there_is_nowhere_to_send_an_upstream_logout_token(house: House) -> None:
    her, shop = SignedIn.of(house), an_application(house)
    token = her.hint(shop, typ="logout+jwt", events={EVENT: {}}, jti=random_token())
    paths = [rule.rule for rule in house.app.url_map.iter_rules() if "logout" in rule.rule or "backchannel" in rule.rule]
    assert sorted(paths) == ["/oauth/logout", "/oauth/logout/confirm"]
    for path in ("/oauth/logout", "/sign-in/password/callback", "/oauth/backchannel-logout", "/backchannel-logout"):
        house.visitor().post(path, data={"logout_token": token})
        her.browser.get(path, query_string={"logout_token": token})
    assert her.alive
