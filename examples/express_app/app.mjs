// An Express app whose people sign in with Authenticator, by npm's openid-client. See README.md.
import express from "express";
import session from "express-session";
import * as oidc from "openid-client";

const { AUTHENTICATOR_ISSUER: issuer, AUTHENTICATOR_CLIENT_ID: id, AUTHENTICATOR_CLIENT_SECRET: secret, SECRET_KEY, PORT = 5003 } = process.env;
const home = `http://localhost:${PORT}`;
const options = issuer.startsWith("http:") ? { execute: [oidc.allowInsecureRequests] } : {}; // only for a service on this machine
const service = await oidc.discovery(new URL(issuer), id, undefined, oidc.ClientSecretBasic(secret), options);

const app = express();
app.use(session({ secret: SECRET_KEY, resave: false, saveUninitialized: false, cookie: { sameSite: "lax" } }));

app.get("/auth/sign-in", async (request, response) => {
  const asked = { verifier: oidc.randomPKCECodeVerifier(), state: oidc.randomState(), nonce: oidc.randomNonce() };
  request.session.asked = asked;
  const { state, nonce } = asked;
  const challenge = { code_challenge: await oidc.calculatePKCECodeChallenge(asked.verifier), code_challenge_method: "S256" };
  const url = oidc.buildAuthorizationUrl(service, { redirect_uri: `${home}/auth/callback`, scope: "openid profile email", state, nonce, ...challenge });
  response.redirect(303, url.href);
});

app.get("/auth/callback", async (request, response) => {
  const { asked } = request.session;
  if (!asked) return response.status(400).send("This sign-in is over, or did not begin here.");
  delete request.session.asked; // an answer is good for one try
  const checks = { pkceCodeVerifier: asked.verifier, expectedState: asked.state, expectedNonce: asked.nonce, idTokenExpected: true };
  const tokens = await oidc.authorizationCodeGrant(service, new URL(request.originalUrl, home), checks).catch(() => null);
  if (!tokens) return response.status(400).send("This sign-in was not finished.");
  const person = await oidc.fetchUserInfo(service, tokens.access_token, tokens.claims().sub);
  request.session.regenerate(() => { // a session id known before signing in is worth nothing afterwards
    request.session.user = { id: person.sub, name: person.name, idToken: tokens.id_token, accessToken: tokens.access_token };
    response.redirect(303, "/diary");
  });
});

app.post("/auth/sign-out", (request, response) => {
  if (request.get("Origin") !== home) return response.status(403).send("This form is not ours.");
  const { user } = request.session;
  const away = user ? oidc.buildEndSessionUrl(service, { id_token_hint: user.idToken, post_logout_redirect_uri: `${home}/` }).href : "/";
  request.session.destroy(() => response.redirect(303, away));
});

app.get("/", (request, response) => response.send(`<a href="/diary">Diary</a>
  <form method="post" action="/auth/sign-out"><button>Sign out</button></form>`));

app.get("/diary", async (request, response) => { // a page that calls the API below in the name of who is signed in
  const { user } = request.session;
  if (!user) return response.redirect(303, "/auth/sign-in");
  const answer = await fetch(`${home}/api/entries`, { headers: { Authorization: `Bearer ${user.accessToken}` } });
  response.type("text").send(`The diary of ${user.name}: ${answer.ok ? (await answer.json()).entries : "sign in again"}`);
});

app.get("/api/entries", async (request, response) => { // an API that asks the service about each token (RFC 7662)
  const token = (request.get("Authorization") ?? "").replace(/^Bearer /, "");
  const found = token ? await oidc.tokenIntrospection(service, token) : { active: false };
  return found.active ? response.json({ of: found.sub, entries: ["It rained."] }) : response.status(401).set("WWW-Authenticate", "Bearer").end();
});

app.listen(PORT, "127.0.0.1", () => console.log("listening"));
