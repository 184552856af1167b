"""Sign-up and sign-in with nothing but a phone number."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field as Option

from authenticator.identifiers import canonical_phone, country_of_phone, shown_phone
from authenticator.plugin import AuthError, CodeProvider, Field, Identity, Intent, PluginOptions, Proof, Visit

NUMBER = Field("phone_number", "Phone number", "tel", autocomplete="tel", max_length=40)
COUNTRY = Field(
    "country", "Country", required=False, autocomplete="country", max_length=2, help="Two letters, such as GB. Only for a number without +."
)
NAMES = (
    Field("given_name", "First name", required=False, autocomplete="given-name", max_length=100),
    Field("family_name", "Last name", required=False, autocomplete="family-name", max_length=100),
)


class PhoneOptions(PluginOptions):
    """Settings of the phone provider."""

    default_country: str = Option(
        "", pattern=r"^([A-Za-z]{2})?$", description="The country (`GB`) in which a number without a country code is meant. Empty: none."
    )
    countries: list[str] = Option(
        default_factory=list,
        description="The only countries (`GB,IE`) to whose numbers codes are sent, against toll fraud. Empty: all.",
    )


class Phone(CodeProvider):
    """The subject is the number in E.164, so it is the same claim as that of a number proved in any other way."""

    name, label, phrase, channel = "phone", "Phone number", "a code by text message", "sms"
    icon = (Path(__file__).parent / "icon.svg").read_text()
    rank = 30
    Options = PhoneOptions

    def fields(self, visit: Visit) -> tuple[Field, ...]:
        return (*NAMES, NUMBER, COUNTRY) if visit.intent is Intent.SIGN_UP else (NUMBER, COUNTRY)

    def addressed(self, visit: Visit, answer: Mapping[str, str]) -> Mapping[str, str]:
        number = canonical_phone(answer["phone_number"], answer["country"] or self.options.default_country)
        allowed = {country.upper() for country in self.options.countries}
        if allowed and country_of_phone(number) not in allowed:
            raise AuthError("validation_failed", errors={"phone_number": ("Numbers of this country can't be used here.",)})
        return {"to": number, "given_name": answer.get("given_name", ""), "family_name": answer.get("family_name", "")}

    def proof(self, visit: Visit, known: Mapping[str, Any]) -> Proof:
        number = known["to"]
        here, there = visit.client.country, country_of_phone(number)
        if here and here != there:  # people travel, so this is for those who watch, and stops nobody
            self.kit.log.info("a number of %s was proved from %s", there, here)
        names = {name: known.get(name, "") for name in ("given_name", "family_name")}
        identity = Identity(phone=number, phone_proven=True, **names)
        return Proof(number, identity, ("sms",), label=shown_phone(number))
