"""A server of the Model Context Protocol whose people sign in with Authenticator. See README.md."""

import asyncio
import os

from authenticator_client import Refused, Verifier
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer

ISSUER, HERE = os.environ["AUTHENTICATOR_ISSUER"], os.environ["AUTHENTICATOR_AUDIENCE"]
verifier = Verifier(ISSUER, HERE)


class Tokens:
    """Which tokens open this server: those that the service gave for it."""

    async def verify_token(self, token: str) -> AccessToken | None:
        try:
            found = await asyncio.to_thread(verifier.check, token)
        except Refused:
            return None
        scopes = sorted(found.scopes)
        return AccessToken(
            token=token, client_id=found.client, subject=found.subject, scopes=scopes, expires_at=found.expires_at, resource=HERE
        )


settings = AuthSettings(issuer_url=ISSUER, resource_server_url=HERE, validate_token_resource=True)  # type: ignore[arg-type]
server = MCPServer("Diary", token_verifier=Tokens(), auth=settings)


@server.tool()
def who() -> str:
    """Who calls, and by which assistant."""
    token = get_access_token()
    return f"{token.subject} by {token.client_id}" if token else "nobody"


if __name__ == "__main__":
    server.run(transport="streamable-http", host="127.0.0.1", port=int(os.environ.get("PORT", "5001")))
