"""Which operation a request asks for: method and path template, from the policy. What is on no list has no route."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tranship.proxy.refusal import RefusedError


class Route(NamedTuple):
    """One operation: its template in pieces, an empty piece where a parameter stands, and the parameters' names."""

    operation: str
    method: str
    pieces: tuple[str, ...]
    names: tuple[str, ...]


class Routes:
    """All operations of one policy, found by method and number of pieces."""

    def __init__(self, operations: Iterable[tuple[str, str, str]]) -> None:
        """`operations` are (name, method, path template with {parameters})."""
        found: dict[tuple[str, int], list[Route]] = {}
        for name, method, template in operations:
            parts = template.strip("/").split("/")
            names = tuple(part[1:-1] for part in parts if part.startswith("{"))
            pieces = tuple("" if part.startswith("{") else part for part in parts)
            found.setdefault((method.upper(), len(parts)), []).append(Route(name, method.upper(), pieces, names))
        # A piece that is written out goes before a parameter at the same place: `orders/preview` is not the order `preview`.
        self._found = {
            key: sorted(routes, key=lambda route: [not piece for piece in route.pieces])
            for key, routes in found.items()
        }

    def find(self, method: str, segments: tuple[str, ...]) -> tuple[Route, Mapping[str, str]]:
        """The operation and its path parameters.

        Raises:
            RefusedError: the policy has no such operation.
        """
        for route in self._found.get((method, len(segments)), ()):
            values = []
            for piece, segment in zip(route.pieces, segments, strict=True):
                if not piece:
                    values.append(segment)
                elif piece != segment:
                    break
            else:
                return route, dict(zip(route.names, values, strict=True))
        raise RefusedError(404, "no-route", "no operation of the policy has this method and path", leaf="path")
