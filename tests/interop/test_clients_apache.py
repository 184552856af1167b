"""Whether Apache's mod_auth_openidc signs people in to the service as it is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from authenticator.testing.databases import absent
from authenticator.testing.servers import free_port
from tests.interop.served import EMAIL, PASSWORD, Service, program
from tests.interop.walker import Walker

MODULES = Path("/usr/lib/apache2/modules")
CONFIGURATION = """
ServerRoot "{folder}"
ServerName localhost
Listen 127.0.0.1:{port}
PidFile "{folder}/pid"
ErrorLog "{folder}/error.log"
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule headers_module {modules}/mod_headers.so
LoadModule dir_module {modules}/mod_dir.so
LoadModule auth_openidc_module {modules}/mod_auth_openidc.so
DocumentRoot "{folder}/site"
DirectoryIndex index.html
OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID {client_id}
OIDCClientSecret {secret}
OIDCRedirectURI http://localhost:{port}/private/callback
OIDCCryptoPassphrase "only for this test"
OIDCScope "openid profile email"
OIDCPKCEMethod S256
OIDCRemoteUserClaim sub
OIDCCacheShmMax 100
OIDCDefaultLoggedOutURL http://localhost:{port}/
<Location /private>
    AuthType openid-connect
    Require claim email_verified:true
    Header set X-Who "%{{OIDC_CLAIM_name}}e"
</Location>
<Location /forbidden>
    AuthType openid-connect
    Require claim name:Mallory
</Location>
"""

pytestmark = [pytest.mark.interop, pytest.mark.slow]


def test_apache_lets_in_who_signed_in(house: Service, tmp_path: Path) -> None:
    apache = shutil.which("apache2") or shutil.which("apache2", path="/usr/sbin") or absent("needs apache2")
    if not (MODULES / "mod_auth_openidc.so").exists():
        absent("needs libapache2-mod-auth-openidc")
    port = free_port()
    home = f"http://localhost:{port}"
    client_id, secret = house.application("Apache", "--redirect-uri", f"{home}/private/callback", "--post-logout", f"{home}/")
    for name, text in (("index.html", "Open to all"), ("private/diary.html", "The diary"), ("forbidden/index.html", "Nobody")):
        (tmp_path / "site" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "site" / name).write_text(text)
    facts = {"folder": tmp_path, "port": port, "modules": MODULES, "issuer": house.url, "client_id": client_id, "secret": secret}
    (tmp_path / "apache.conf").write_text(CONFIGURATION.format(**facts))
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(folder.stat().st_mode | 0o055)
    with program("apache", [apache, "-f", tmp_path / "apache.conf", "-X"], port, folder=tmp_path, env={}):
        walker = Walker().go(f"{home}/private/diary.html?day=1&page=2")
        assert walker.at.startswith(f"{house.url}/sign-in"), (walker.at, walker.html[:500])
        walker.sign_in(EMAIL, PASSWORD)
        assert (walker.at, walker.html) == (f"{home}/private/diary.html?day=1&page=2", "The diary")
        assert walker.session.get(f"{home}/private/diary.html", timeout=10).headers["X-Who"] == "Ada Lovelace"
        assert walker.go(f"{home}/forbidden/").status in (401, 403)
        walker.go(f"{home}/private/callback?logout={home}/")
        assert (walker.at, walker.html) == (f"{home}/", "Open to all")
        assert "/oauth/logout" in walker.been
        assert walker.go(f"{home}/private/diary.html").at.startswith(f"{house.url}/sign-in")
