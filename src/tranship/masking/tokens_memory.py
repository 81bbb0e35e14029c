"""Tokens that live in memory: for tests, and for dry runs that write nothing anywhere."""

from tranship.masking.tokens import Found, new_token


class MemoryTokens:
    """The tokens of one network, forgotten with this object. Promises what `Tokens` promises."""

    def __init__(self) -> None:
        self._by_value: dict[tuple[str, str, str], str] = {}
        self._by_token: dict[str, Found] = {}

    def token(self, kind: str, scope: str, value: str) -> str:
        """The token of a value within a scope; a new one where there is none yet."""
        token = self._by_value.get((kind, scope, value))
        if token is None:
            token = new_token(kind)
            while token in self._by_token:
                token = new_token(kind)
            self._by_value[kind, scope, value] = token
            self._by_token[token] = Found(kind, scope, value)
        return token

    def found(self, token: str) -> Found | None:
        """What a token stands for."""
        return self._by_token.get(token)

    def expire(self, scope: str) -> None:
        """All tokens of a scope are over, as some days after a delivery."""
        for token, found in self._by_token.items():
            if found.scope == scope:
                self._by_token[token] = found._replace(expired=True)

    def __len__(self) -> int:
        return len(self._by_token)

    def __repr__(self) -> str:
        return f"MemoryTokens({len(self)})"
