// An OpenID provider that is not ours (npm oidc-provider), at http://127.0.0.1:PORT/accounts.google.com.
// It signs in whom login_hint names, without asking; `nobody` says no. Arguments: port, callback URL.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const [port, callback] = process.argv.slice(2);
const place = "/accounts.google.com";
const people = {
  ada: { email: "ada@example.com", email_verified: true, hd: "example.com", given_name: "Ada", family_name: "Lovelace", name: "Ada Lovelace" },
  alan: { email: "alan@example.com", email_verified: false, given_name: "Alan", family_name: "Turing", name: "Alan Turing" },
};
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

const provider = new Provider(`http://127.0.0.1:${port}${place}`, {
  clients: [{
    client_id: "emulated-client_id",
    client_secret: "emulated-client_secret",
    redirect_uris: [callback],
    token_endpoint_auth_method: "client_secret_post",
  }],
  claims: { openid: ["sub"], email: ["email", "email_verified", "hd"], profile: ["name", "given_name", "family_name"] },
  conformIdTokenClaims: false, // what the scopes ask for is in the ID token, as Google does it
  cookies: { keys: ["only for tests"] },
  features: { devInteractions: { enabled: false } },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
  interactions: { url: (_, interaction) => `${place}/interaction/${interaction.uid}` },
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), kid: "first", use: "sig", alg: "RS256" }] },
  pkce: { methods: ["S256"], required: () => true },
});

async function decide(request, response) {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  const who = params.login_hint || "ada";
  if (who === "nobody") return provider.interactionFinished(request, response, { error: "access_denied" });
  if (prompt.name === "login") return provider.interactionFinished(request, response, { login: { accountId: who } });
  const grant = grantId ? await provider.Grant.find(grantId) : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope("openid email profile");
  return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
}

const answer = provider.callback();
createServer((request, response) => {
  if (request.url.startsWith(`${place}/interaction/`)) {
    decide(request, response).catch((error) => response.writeHead(500).end(String(error)));
    return;
  }
  request.originalUrl = request.url;
  request.url = request.url.startsWith(`${place}/`) ? request.url.slice(place.length) : request.url;
  answer(request, response);
}).listen(Number(port), "127.0.0.1", () => console.log("listening"));
