"""Login with Amazon: access tokens for a refresh token, or for a scope; they expire."""

from tranship.sandbox.amazon.settings import Settings
from tranship.sandbox.common.chance import name
from tranship.sandbox.common.wire import Call, Operation, Refusal, Reply

SELLER = "seller"
GRANTLESS = "sellingpartnerapi::notifications"
SCOPES = (GRANTLESS, "sellingpartnerapi::client_credential:rotation")
_DENIED = "Access to requested resource is denied."


class Login:
    """Tokens that were given out, and until when each is good."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.tokens: dict[str, tuple[int, str]] = {}
        self._count = 0

    def operations(self) -> tuple[Operation, ...]:
        """The token endpoint."""
        return (Operation("token", "getToken", "POST", "/auth/o2/token", self.token, access="open", form=True),)

    def token(self, call: Call) -> Reply:
        """An access token for credentials."""
        form = call.body if isinstance(call.body, dict) else {}
        settings = self.settings
        if form.get("client_id") != settings.client_id or form.get("client_secret") != settings.client_secret:
            return _oauth(401, "invalid_client", "Client authentication failed")
        grant = form.get("grant_type")
        if grant == "refresh_token":
            if form.get("refresh_token") != settings.refresh_token:
                return _oauth(400, "invalid_grant", "The request has an invalid grant parameter : refresh_token")
            return self._give(SELLER, call.now, {"refresh_token": settings.refresh_token})
        if grant == "client_credentials":
            scope = str(form.get("scope", ""))
            if scope not in SCOPES:
                return _oauth(400, "invalid_scope", "The request has an invalid scope")
            return self._give(scope, call.now, {"scope": scope})
        return _oauth(400, "unsupported_grant_type", "The authorization grant type is not supported")

    def admit(self, operation: Operation, call: Call) -> None:
        """The caller's token is good, and for this kind of operation."""
        if operation.access == "open":
            return
        token = call.headers.get("x-amz-access-token")
        if not token:
            raise Refusal(403, "Unauthorized", _DENIED, "The access token is missing.")
        until, scope = self.tokens.get(token, (0, ""))
        if not until:
            raise Refusal(
                403, "Unauthorized", _DENIED, "The access token you provided is revoked, malformed or invalid."
            )
        if call.now >= until:
            raise Refusal(403, "Unauthorized", _DENIED, "The access token you provided has expired.")
        if scope != (SELLER if operation.access == "token" else operation.access):
            raise Refusal(403, "Unauthorized", _DENIED, "The access token is not for this kind of operation.")

    def revoke(self) -> None:
        """Every token that was given out is good for nothing any more."""
        self.tokens.clear()

    def _give(self, scope: str, now: int, more: dict[str, str]) -> Reply:
        self._count += 1
        token = f"Atza|{name(self.settings.seed, 'token', self._count, letters=24)}"
        if len(self.tokens) > 1000:
            self.tokens = {key: value for key, value in self.tokens.items() if value[0] > now}
        self.tokens[token] = (now + self.settings.us("token_s"), scope)
        body = {"access_token": token, "token_type": "bearer", "expires_in": int(self.settings.token_s), **more}
        return Reply(200, body, {"Cache-Control": "no-store"})


def _oauth(status: int, error: str, text: str) -> Reply:
    return Reply(status, {"error": error, "error_description": text})
