"""Whether settings are read from where they may stand, the strongest last, and refused with a sentence that helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from authenticator.errors import ConfigurationError
from authenticator.settings import Settings, load

P = "AUTHENTICATOR_"


def test_each_source_beats_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["SERVICE_NAME", "LOCALE", "LOGO_URL", "AUDIENCE", "ACCENT_COLOR", "MACHINE_ID"]
    (tmp_path / "secrets").mkdir()
    for name in names[1:]:
        (tmp_path / "secrets" / f"{P}{name}".lower()).write_text("7" if name == "MACHINE_ID" else "#000001\n")
    env = tmp_path / ".env"
    env.write_text("".join(f"{P}{name}={'8' if name == 'MACHINE_ID' else '#000002'}\n" for name in names[2:]))
    for name in names[3:]:
        monkeypatch.setenv(f"{P}{name}", "9" if name == "MACHINE_ID" else "#000003")
    host = {f"{P}{name}": "10" if name == "MACHINE_ID" else "#000004" for name in names[4:]}
    loaded = load(
        {f"{P}MACHINE_ID": 11},
        defaults={f"{P}{name}": "#000000" for name in names[:5]},
        host=host,
        env_file=env,
        secrets_dir=tmp_path / "secrets",
    )
    settings = loaded.settings
    assert [settings.service_name, settings.locale, settings.logo_url, settings.audience, settings.accent_color] == [
        f"#00000{number}" for number in range(5)
    ]
    assert settings.machine_id == 11
    origins = [loaded.origins[name.lower()] for name in names]
    assert origins == ["default", "secrets folder", str(env), "environment", "host config", "argument"]


def test_a_host_s_other_settings_are_its_own() -> None:
    assert load(host={"SECRET_KEY": "of the host", "DEBUG": True}, env_file=None).settings == Settings()


@pytest.mark.parametrize("text", ["google,password", " google , password ", '["google", "password"]'])
def test_a_list_is_written_with_commas_or_as_json(text: str) -> None:
    assert load({f"{P}PLUGINS": text}, env_file=None).settings.plugins == ["google", "password"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENVIRONMENT", "staging"),
        ("PUBLIC_URL", "auth.example.com"),
        ("PUBLIC_URL", "https://user@auth.example.com"),
        ("PUBLIC_URL", "https://auth.example.com/?x=1"),
        ("RETURN_ORIGINS", "https://app.example.com/path"),
        ("TRUSTED_PROXIES", "the-proxy"),
        ("HASH_MEMORY_KIB", "1024"),
        ("CODE_TRIES", "50"),
        ("ACCENT_COLOR", "red"),
        ("FIELD_KEYS", "{not json"),
    ],
)
def test_what_can_not_be_right_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{P}{name}"):
        load({f"{P}{name}": value}, env_file=None)


def test_a_refused_secret_is_not_repeated() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load({f"{P}FIELD_KEYS": '{"k1": ["a-very-secret-thing"]}'}, env_file=None)
    assert "a-very-secret-thing" not in str(caught.value)


def test_secrets_do_not_show() -> None:
    loaded = load({f"{P}SECRET_KEY": "a-very-secret-thing-of-32-characters"}, env_file=None)
    assert "a-very-secret-thing" not in repr(loaded)
    assert "a-very-secret-thing" not in repr(loaded.settings)


def test_a_secrets_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="not a folder"):
        load(env_file=None, secrets_dir=tmp_path / "nothing")


def test_there_are_at_most_forty_and_each_explains_itself() -> None:
    assert len(Settings.model_fields) <= 40
    assert [name for name, field in Settings.model_fields.items() if not (field.description or "").endswith(".")] == []


def test_nothing_changes_afterwards() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(env_file=None).settings.service_name = "x"  # type: ignore[misc]
