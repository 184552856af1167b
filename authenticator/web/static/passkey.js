// Passkeys: the one thing that needs a script. Each form with `data-passkey` says what to ask of the browser;
// what comes back goes into its hidden field `credential`, and the form is sent.
"use strict";

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
const text = (buffer) =>
  btoa(Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join(""))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

function described(list) {
  return (list || []).map((item) => ({ ...item, id: bytes(item.id) }));
}

function prepared({ ceremony, publicKey }) {
  const options = { ...publicKey, challenge: bytes(publicKey.challenge) };
  if (ceremony === "get") return { ...options, allowCredentials: described(publicKey.allowCredentials) };
  return {
    ...options,
    user: { ...publicKey.user, id: bytes(publicKey.user.id) },
    excludeCredentials: described(publicKey.excludeCredentials),
  };
}

function answered(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = text(credential.response[name]);
  }
  if (credential.response.getTransports) response.transports = credential.response.getTransports();
  const id = text(credential.rawId);
  return JSON.stringify({
    id, rawId: id, type: credential.type, response, clientExtensionResults: credential.getClientExtensionResults(),
  });
}

function meet(form) {
  const asked = JSON.parse(form.dataset.passkey);
  const button = form.querySelector("button");
  const said = form.querySelector("[role=status]");
  const say = (words) => { said.textContent = words; };

  async function run() {
    button.disabled = true;
    say(form.dataset.waiting);
    try {
      const credential = await navigator.credentials[asked.ceremony]({ publicKey: prepared(asked) });
      form.elements.credential.value = answered(credential);
      form.submit();
    } catch (error) {
      button.disabled = false;
      say(error.name === "InvalidStateError" ? form.dataset.there : form.dataset.failed);
    }
  }

  button.hidden = false;
  say("");
  if (!window.PublicKeyCredential) {
    button.disabled = true;
    say(form.dataset.unsupported);
    return;
  }
  form.addEventListener("submit", (event) => { event.preventDefault(); run(); });
  if (!form.querySelector("input:not([type=hidden])")) run(); // nothing to tick before
}

document.querySelectorAll("form[data-passkey]").forEach(meet);
