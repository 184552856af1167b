// npm oidc-provider with what it keeps in memory, at http://127.0.0.1:PORT. It signs everybody in as ada and agrees in her name.
// Arguments: port, client id, client secret, redirect URI.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const [port, id, secret, back] = process.argv.slice(2);
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const scopes = "openid profile email offline_access";

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: id,
    client_secret: secret,
    redirect_uris: [back],
    grant_types: ["authorization_code", "refresh_token", "client_credentials"],
    scope: `${scopes} api`,
    id_token_signed_response_alg: "ES256",
  }],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  scopes: ["openid", "offline_access", "api"],
  cookies: { keys: ["only to measure"] },
  features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
  findAccount: (_, account) => ({ accountId: account, claims: () => ({ sub: account, name: "Ada Lovelace", email: "ada@example.com" }) }),
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  issueRefreshToken: () => true,
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), kid: "first", use: "sig", alg: "ES256" }] },
  rotateRefreshToken: true,
  ttl: { AccessToken: 120, AuthorizationCode: 60, ClientCredentials: 120, Grant: 86400, IdToken: 600, RefreshToken: 86400, Session: 86400 },
});
provider.on("server_error", (_, error) => console.error(error));

async function decide(request, response) {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  if (prompt.name === "login") return provider.interactionFinished(request, response, { login: { accountId: "ada" } });
  const grant = grantId ? await provider.Grant.find(grantId) : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(scopes);
  return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
}

const answer = provider.callback();
createServer((request, response) => {
  if (request.url === "/") return response.end("ready");
  if (!request.url.startsWith("/interaction/")) return answer(request, response);
  decide(request, response).catch((error) => response.writeHead(500).end(String(error)));
}).listen(Number(port), "127.0.0.1");
