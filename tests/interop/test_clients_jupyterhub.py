"""Whether a JupyterHub with OAuthenticator's GenericOAuthenticator signs people in to the service as it is."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from authenticator.testing.databases import absent
from authenticator.testing.servers import free_port
from tests.interop.served import EMAIL, PASSWORD, Service, program
from tests.interop.walker import Walker

PACKAGES = ("jupyterhub>=5,<7", "oauthenticator>=17,<18")
# A hub that is reached without a proxy in front, as nobody starts a notebook here.
CONFIGURATION = """
import os
from jupyterhub.proxy import Proxy

class NoProxy(Proxy):
    should_start = False
    async def add_route(self, routespec, target, data): pass
    async def delete_route(self, routespec): pass
    async def get_all_routes(self): return {}

issuer, home = os.environ["ISSUER"], os.environ["HOME_URL"]
c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.hub_bind_url = home
c.JupyterHub.bind_url = home
c.JupyterHub.db_url = "sqlite:///hub.sqlite"
c.JupyterHub.cookie_secret_file = os.path.abspath("cookie_secret")
c.JupyterHub.default_url = "/hub/home"
c.JupyterHub.authenticator_class = "generic-oauth"
c.GenericOAuthenticator.client_id = os.environ["CLIENT_ID"]
c.GenericOAuthenticator.client_secret = os.environ["CLIENT_SECRET"]
c.GenericOAuthenticator.oauth_callback_url = f"{home}/hub/oauth_callback"
c.GenericOAuthenticator.authorize_url = f"{issuer}/oauth/authorize"
c.GenericOAuthenticator.token_url = f"{issuer}/oauth/token"
c.GenericOAuthenticator.userdata_url = f"{issuer}/oauth/userinfo"
c.GenericOAuthenticator.scope = ["openid", "profile", "email"]
c.GenericOAuthenticator.username_claim = "email"
c.GenericOAuthenticator.allowed_users = {os.environ["ALLOWED"]}
c.GenericOAuthenticator.auto_login = True
"""

pytestmark = [pytest.mark.interop, pytest.mark.slow]


@pytest.fixture(scope="module")
def hub_python() -> Path:
    """A Python with JupyterHub: its many packages are kept away from ours, in a folder that stays for the next time."""
    folder = Path(tempfile.gettempdir()) / f"authenticator-jupyterhub-{sys.version_info.major}.{sys.version_info.minor}"
    python, made = folder / "bin" / "python", folder / "made"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True, capture_output=True)
            install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES]
            done = subprocess.run(install, capture_output=True, text=True, timeout=300, check=False)
            if done.returncode:
                absent(f"pip could not fetch {' '.join(PACKAGES)}: {done.stderr[-300:]}")
            made.touch()
    return python


def test_a_hub_knows_its_people_by_their_address(house: Service, hub_python: Path, tmp_path: Path) -> None:
    house.person("grace@example.com")
    port = free_port()
    home = f"http://localhost:{port}"
    client_id, secret = house.application(
        "JupyterHub", "--redirect-uri", f"{home}/hub/oauth_callback", "--auth-method", "client_secret_post"
    )
    (tmp_path / "jupyterhub_config.py").write_text(CONFIGURATION)
    env = {"ISSUER": house.url, "HOME_URL": home, "CLIENT_ID": client_id, "CLIENT_SECRET": secret, "ALLOWED": EMAIL}
    command = [hub_python, "-m", "jupyterhub", "--config", tmp_path / "jupyterhub_config.py"]
    with program("jupyterhub", command, port, folder=tmp_path, env=env, path="/hub/health"):
        walker = Walker().go(f"{home}/hub/home")
        assert walker.at.startswith(f"{house.url}/sign-in"), (walker.at, walker.html[:500])
        walker.sign_in(EMAIL, PASSWORD)
        assert (walker.at, walker.status) == (f"{home}/hub/home", 200), walker.html[:1500]
        assert f'user: "{EMAIL}"' in walker.html
        stranger = Walker().go(f"{home}/hub/home").sign_in("grace@example.com", PASSWORD)
        assert (stranger.status, stranger.been[-1]) == (403, "/hub/oauth_callback")
