"""What to paste into an app so that it signs its people in here: its own ids and addresses, for each framework."""

from __future__ import annotations

import secrets
from string import Template
from urllib.parse import SplitResult, quote, urlsplit

from authenticator.applications import Application
from authenticator.flows.client_words import CODE

FRAMEWORKS = ("flask", "django", "fastapi", "express", "curl")

FLASK = Template("""\
# pip install "authenticator-client[flask]", or "./client[flask]" in the repository of the service$flask_run
import os

from authenticator_client.flask import Authenticator
from flask import Flask
from markupsafe import escape

app = Flask(__name__)
app.config.update(
    SECRET_KEY=os.environ["SECRET_KEY"],
    AUTHENTICATOR_ISSUER="$issuer",
    AUTHENTICATOR_CLIENT_ID="$client_id",$flask_resource
)
auth = Authenticator(app, prefix="$prefix")


@app.get("/")
@auth.login_required
def home() -> str:
    return f"Hello, {escape(auth.user.name)}"
""")

DJANGO = Template("""\
# pip install "authenticator-client[django]", or "./client[django]" in the repository of the service
# settings.py, at its end
import os

AUTHENTICATOR = {
    "issuer": "$issuer",
    "client_id": "$client_id",
    "client_secret": os.environ.get("AUTHENTICATOR_CLIENT_SECRET", ""),$django_resource
}
MIDDLEWARE += ["authenticator_client.django.AuthenticatorMiddleware"]  # after SessionMiddleware

# urls.py
from authenticator_client.django import login_required
from django.http import HttpResponse
from django.urls import include, path
from django.utils.html import escape


@login_required
def home(request):
    return HttpResponse(f"Hello, {escape(request.authenticator_user.name)}")


urlpatterns = [path("", home), path("$mounted/", include("authenticator_client.django"))]
""")

FASTAPI = Template("""\
# pip install "authenticator-client[fastapi]", or "./client[fastapi]" in the repository of the service
from typing import Annotated

from authenticator_client import Verified, Verifier
from authenticator_client.fastapi import Bearer
from fastapi import Depends, FastAPI

app = FastAPI()
signed_in = Bearer(Verifier("$issuer", "$audience"))


@app.get("/me")
def me(token: Annotated[Verified, Depends(signed_in)]) -> dict[str, str]:
    return {"id": token.subject}
""")

EXPRESS = Template("""\
// npm install express express-session openid-client
import express from 'express'
import session from 'express-session'
import * as oidc from 'openid-client'

const config = await oidc.discovery(new URL('$issuer'), '$client_id', undefined,
  $method$insecure)
const redirect_uri = '$redirect_uri'
const app = express()
app.use(session({ secret: process.env.SECRET_KEY, resave: false, saveUninitialized: false }))

app.get('/sign-in', async (req, res) => {
  const verifier = oidc.randomPKCECodeVerifier()
  const state = oidc.randomState()
  req.session.asked = { verifier, state }
  res.redirect(oidc.buildAuthorizationUrl(config, {
    redirect_uri, state, scope: '$scope',
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  }).href)
})

app.get('$path', async (req, res) => {
  const { verifier, state } = req.session.asked ?? {}
  const tokens = await oidc.authorizationCodeGrant(config, new URL(req.originalUrl, redirect_uri),
    { pkceCodeVerifier: verifier, expectedState: state }).catch(() => null)
  if (!tokens) return res.status(400).send('This sign-in was not finished. <a href="/sign-in">Sign in again</a>')
  req.session.regenerate(() => {
    req.session.user = tokens.claims()
    res.redirect('/')
  })
})

app.get('/', (req, res) => {
  if (!req.session.user) return res.redirect('/sign-in')
  res.send('Hello, ' + req.session.user.sub)
})

app.listen($port)
""")

CURL = Template("""\
{  # in one piece, so that a terminal does not take the next line for the address
verifier=$$(openssl rand -hex 32)
challenge=$$(printf %s "$$verifier" | openssl dgst -sha256 -binary | openssl base64 -A | tr '+/' '-_' | tr -d '=')
echo "Open this address, sign in, and copy the address that you come back to:"
echo "$issuer/oauth/authorize?response_type=code&client_id=$quoted_id&redirect_uri=$quoted_uri&scope=$quoted_scope&state=x&code_challenge=$$challenge&code_challenge_method=S256"
read -r back
code=$$(printf %s "$$back" | sed -n 's/.*[?&]code=\\([^&]*\\).*/\\1/p')
curl -s '$issuer/oauth/token' $identified \\
  -d grant_type=authorization_code --data-urlencode "code=$$code" \\
  --data-urlencode 'redirect_uri=$redirect_uri' -d "code_verifier=$$verifier"
}
""")

CURL_ITSELF = Template("""\
curl -s '$issuer/oauth/token' $identified -d grant_type=client_credentials
""")

_TEXTS = {"flask": FLASK, "django": DJANGO, "fastapi": FASTAPI, "express": EXPRESS, "curl": CURL}


def snippet(framework: str, application: Application, issuer: str) -> str:
    """What to paste for a framework. No secret stands in it: that belongs into the environment."""
    template = CURL_ITSELF if framework == "curl" and CODE not in application.grants else _TEXTS[framework]
    return template.substitute(_facts(application, issuer))


def environment(application: Application, secret: str) -> str:
    """The lines for the app's environment: its id, its secret, and a key of its own for the cookies of its sessions."""
    lines = {"AUTHENTICATOR_CLIENT_ID": application.id, "AUTHENTICATOR_CLIENT_SECRET": secret}
    lines["SECRET_KEY"] = secrets.token_urlsafe(32) if CODE in application.grants else ""
    return "\n".join(f"{name}={value}" for name, value in lines.items() if value)


def frameworks_for(application: Application) -> tuple[str, ...]:
    """The frameworks whose lines make sense: without a browser only calls do."""
    return FRAMEWORKS if CODE in application.grants else ("fastapi", "curl")


def _facts(application: Application, issuer: str) -> dict[str, str]:
    uri = application.redirect_uris[0] if application.redirect_uris else ""
    # offline_access is for programs that go on while nobody is there, and these do not
    parts, scope = urlsplit(uri), " ".join(scope for scope in application.scopes if scope != "offline_access")
    resource = application.resources[0] if application.resources else ""
    prefix = parts.path.removesuffix("/callback") if parts.path.endswith("/callback") else "/auth"
    by_secret = application.auth_method.startswith("client_secret")
    post = application.auth_method == "client_secret_post"
    return {
        "issuer": issuer,
        "client_id": application.id,
        "audience": resource or application.id,
        "flask_resource": f'\n    AUTHENTICATOR_RESOURCE="{resource}",' if resource else "",
        "django_resource": f'\n    "resource": "{resource}",' if resource else "",
        "flask_run": _flask_run(parts),
        "redirect_uri": uri,
        "prefix": prefix,
        "mounted": prefix.strip("/"),
        "path": parts.path or "/",
        "port": str(parts.port or 3000),
        "scope": scope,
        "method": f"oidc.ClientSecret{'Post' if post else 'Basic'}(process.env.AUTHENTICATOR_CLIENT_SECRET)"
        if by_secret
        else "oidc.None()",
        "insecure": ", { execute: [oidc.allowInsecureRequests] }" if issuer.startswith("http:") else "",
        "identified": _identified(application.id, by_secret=by_secret, post=post),
        "quoted_id": quote(application.id, safe=""),
        "quoted_uri": quote(uri, safe=""),
        "quoted_scope": quote(scope, safe=""),
    }


def _flask_run(callback: SplitResult) -> str:
    """How to open it on one's own machine: Flask prints a name for it that may not be the registered one."""
    if callback.scheme != "http" or not callback.port:
        return ""
    return f"\n# flask run --port {callback.port}, then open http://{callback.netloc}/, whatever Flask prints"


def _identified(client_id: str, *, by_secret: bool, post: bool) -> str:
    if not by_secret:
        return f"-d client_id={quote(client_id, safe='')}"
    return (
        f'-d client_id={client_id} -d "client_secret=$AUTHENTICATOR_CLIENT_SECRET"'
        if post
        else f'-u "{client_id}:$AUTHENTICATOR_CLIENT_SECRET"'
    )
