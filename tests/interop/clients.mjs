// Clients that are not ours sign in to the service: npm's openid-client and oauth4webapi.
// Arguments: library, issuer, client id, secret, redirect URI. Prints where to send a browser, reads where it came back, prints what it learned.
import { createInterface } from "node:readline";
import * as oauth from "oauth4webapi";
import * as oidc from "openid-client";

const [library, place, id, secret, redirectUri] = process.argv.slice(2);
const issuer = new URL(place);
const scope = "openid profile email offline_access";
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const ask = async (url) => { console.log(JSON.stringify({ url: String(url) })); return new URL((await lines.next()).value); };

async function openidClient() {
  const service = await oidc.discovery(issuer, id, undefined, oidc.ClientSecretBasic(secret), { execute: [oidc.allowInsecureRequests] });
  const verifier = oidc.randomPKCECodeVerifier(), state = oidc.randomState(), nonce = oidc.randomNonce();
  const challenge = { code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256" };
  const pushed = await oidc.buildAuthorizationUrlWithPAR(service, { redirect_uri: redirectUri, scope, state, nonce, ...challenge });
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
  const tokens = await oidc.authorizationCodeGrant(service, await ask(pushed), checks);
  const person = await oidc.fetchUserInfo(service, tokens.access_token, tokens.claims().sub);
  const renewed = await oidc.refreshTokenGrant(service, tokens.refresh_token);
  const alive = await oidc.tokenIntrospection(service, renewed.access_token);
  await oidc.tokenRevocation(service, renewed.refresh_token);
  const dead = await oidc.refreshTokenGrant(service, renewed.refresh_token).catch((error) => error.error);
  return { claims: tokens.claims(), person, alive: alive.active, dead };
}

async function oauth4webapi() {
  const loose = { [oauth.allowInsecureRequests]: true };
  const service = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: "oidc", ...loose }));
  const client = { client_id: id }, auth = oauth.ClientSecretPost(secret);
  const verifier = oauth.generateRandomCodeVerifier(), state = oauth.generateRandomState(), nonce = oauth.generateRandomNonce();
  const url = new URL(service.authorization_endpoint);
  const asked = { client_id: id, redirect_uri: redirectUri, response_type: "code", scope, state, nonce, code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256" };
  for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
  const answer = oauth.validateAuthResponse(service, client, await ask(url), state);
  const given = await oauth.authorizationCodeGrantRequest(service, client, auth, answer, redirectUri, verifier, loose);
  const tokens = await oauth.processAuthorizationCodeResponse(service, client, given, { expectedNonce: nonce, requireIdToken: true });
  const claims = oauth.getValidatedIdTokenClaims(tokens);
  await oauth.validateApplicationLevelSignature(service, given, loose);
  const told = await oauth.userInfoRequest(service, client, tokens.access_token, loose);
  const person = await oauth.processUserInfoResponse(service, client, claims.sub, told);
  const again = await oauth.refreshTokenGrantRequest(service, client, auth, tokens.refresh_token, loose);
  const renewed = await oauth.processRefreshTokenResponse(service, client, again);
  const alive = await oauth.processIntrospectionResponse(service, client, await oauth.introspectionRequest(service, client, auth, renewed.access_token, loose));
  await oauth.processRevocationResponse(await oauth.revocationRequest(service, client, auth, renewed.refresh_token, loose));
  const last = await oauth.refreshTokenGrantRequest(service, client, auth, renewed.refresh_token, loose);
  const dead = await oauth.processRefreshTokenResponse(service, client, last).catch((error) => error.error);
  const headers = new Headers({ Authorization: `Bearer ${renewed.access_token}` });
  const request = new Request(`${issuer.origin}/`, { headers });
  const verified = await oauth.validateJwtAccessToken(service, request, id, loose); // RFC 9068
  return { claims, person, alive: alive.active, dead, verified: verified.sub };
}

const found = await { "openid-client": openidClient, oauth4webapi }[library]();
console.log(JSON.stringify(found));
process.exit(0);
