"""What every rule stands on: the file, its opening balances, which nodes are open and which of them each cap counts."""

from collections.abc import Iterable, Sequence

from tranship.connectors.netfile.articles import Opening
from tranship.connectors.netfile.finding import Findings, Places
from tranship.core.network import Network, NetworkFile, Node


class Ground:
    """Shared by the rules; `warn` and `error` find file and line of a path such as `node[2].zone`."""

    def __init__(self, network: NetworkFile, stock: Sequence[Opening], places: Places, findings: Findings) -> None:
        self.file, self.stock, self.places, self.findings = network, stock, places, findings
        self.open = [i for i, node in enumerate(network.nodes) if not node.closed]
        self.capped = [frozenset(network.capped_nodes(cap)) for cap in network.caps]
        self._networks = {operator.code: (i, operator) for i, operator in enumerate(network.networks, 1)}

    def error(self, rule: str, path: str, what: str, hint: str = "") -> None:
        """Keep an error at a path of the file."""
        self.findings.error(rule, self.places.where(path), what, hint)

    def warn(self, rule: str, path: str, what: str, hint: str = "") -> None:
        """Keep a warning at a path of the file."""
        self.findings.warning(rule, self.places.where(path), what, hint)

    def note(self, rule: str, path: str, what: str, hint: str = "") -> None:
        """Keep a note at a path of the file."""
        self.findings.add("note", rule, self.places.where(path), what, hint)

    def network(self, code: str) -> tuple[int, Network]:
        """A network by its code, with its number among the [[network]] tables (from 1)."""
        return self._networks[code]

    def capacity(self, nodes: Iterable[int]) -> int | None:
        """Units a day of these nodes together; None: one of them has no limit."""
        each = [self.node(n).capacity_units for n in nodes]
        return None if 0 in each else sum(each)

    def node(self, n: int) -> Node:
        """A node by its position."""
        return self.file.nodes[n]


def percent(basis_points: int) -> str:
    """Basis points as people write them.

    >>> percent(6000), percent(5950), percent(5)
    ('60 %', '59.5 %', '0.05 %')
    """
    return f"{basis_points / 100:.2f}".rstrip("0").rstrip(".") + " %"
