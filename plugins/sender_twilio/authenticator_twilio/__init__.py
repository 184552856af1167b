"""Sends text messages through Twilio."""

from __future__ import annotations

import base64

from pydantic import Field as Option
from pydantic import SecretStr

from authenticator.plugin import Message, PluginOptions, Sender, Undeliverable, hookimpl

URL = "https://api.twilio.com/2010-04-01/Accounts/{account}/Messages.json"
DEAD = frozenset({21211, 21265, 21610, 21612, 21614, 21635})  # no number, a landline, one that wished to be left alone


class Refused(Exception):
    """Twilio did not take the message; its own sentence stays out, because it repeats the number."""


class TwilioOptions(PluginOptions):
    """Settings of the Twilio sender."""

    account_sid: str = Option(pattern=r"^AC[0-9a-fA-F]{32}$", description="The account, `AC` and 32 hexadecimal digits.")
    auth_token: SecretStr = Option(description="The account's token.")
    sender: str = Option(
        min_length=2, description="What messages come from: a number (`+14155550100`), a name, or a messaging service (`MG…`)."
    )


class Twilio(Sender):
    """One request a message."""

    name, label = "twilio", "Twilio"
    channels = frozenset({"sms"})
    Options = TwilioOptions

    def send(self, message: Message) -> None:
        options: TwilioOptions = self.options
        source = "MessagingServiceSid" if options.sender.startswith("MG") and len(options.sender) == 34 else "From"
        url = self.kit.moved(URL.format(account=options.account_sid))
        form = {"To": message.to, source: options.sender, "Body": message.text}
        answer = self.kit.http.post(url, headers={"Authorization": self._credentials()}, form=form)
        if answer.status == 201:
            return
        code = answer.object().get("code")
        told = f"status {answer.status}, code {code if isinstance(code, int) else 'unknown'}"
        raise Undeliverable(told) if code in DEAD else self._refused(told)

    def _refused(self, told: str) -> Refused:
        self.kit.log.warning("Twilio refused a message: %s; https://www.twilio.com/docs/api/errors explains it", told)
        return Refused(told)

    def _credentials(self) -> str:
        pair = f"{self.options.account_sid}:{self.options.auth_token.get_secret_value()}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"


@hookimpl
def auth_senders() -> list[type[Sender]]:
    """The one sender of this package."""
    return [Twilio]
