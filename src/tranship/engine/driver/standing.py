"""Orders that stand still at one node behind a connection: counted, weighed, and told to the engine as that node's own breaker."""

from collections.abc import Mapping
from typing import NamedTuple

from tranship.core.health import Health
from tranship.dispatch.health import Verdict
from tranship.dispatch.model import LIVE
from tranship.dispatch.standstill import Standstill
from tranship.engine import commands as cmd
from tranship.engine.driver.link import Link
from tranship.engine.due import is_stalled
from tranship.engine.evolve_network import NODE
from tranship.engine.shard import Shard, Submission
from tranship.engine.state import State

MINUTE = 60_000_000


class NodeAge(NamedTuple):
    """A node's accepted orders: how many stand still, how many there are, and when its network last said that one left."""

    stalled: int
    accepted: int
    left_at: int


def node_ages(shard: Shard, connection: str, at: int) -> dict[str, NodeAge]:
    """Every node behind a connection, by its code."""
    state = shard.state
    network = state.require_network()
    counts = {n: [0, 0] for n, each in state.connected.items() if each.code == connection}
    for remote_id in state.open_dispatches:
        d = state.dispatches[remote_id]
        if d.state == LIVE and d.node in counts:
            counts[d.node][0] += is_stalled(state, d, at)
            counts[d.node][1] += 1
    return {network.nodes[n].code: NodeAge(pair[0], pair[1], state.went.get(n, 0)) for n, pair in counts.items()}


def watch_nodes(link: Link, state: State, health: Health, at: int) -> None:
    """Begin to watch the nodes of a connection: where there are several, or one was given up for itself before."""
    network = state.require_network()
    behind = [n for n, each in state.connected.items() if each.code == link.connection.code]
    for n in behind:
        held = state.verdicts.get(n, {}).get(NODE)
        if len(behind) == 1 and held is None:
            continue
        code = network.nodes[n].code
        link.nodes[code] = Standstill(health, link.connection.stall_min * MINUTE, at)
        if held is not None:
            link.nodes[code].resume(held.since)
            link.nodes_said[code] = f"{held.state}/{held.share_bp}"


def weigh(link: Link, ages: Mapping[str, NodeAge], at: int) -> list[Submission]:
    """Take new counts in; the commands that tell the engine what has changed."""
    made = []
    for code, watch in link.nodes.items():
        age = ages.get(code)
        if age is None:
            continue  # it is behind another connection by now
        watch.aged(*age, at)
        verdict = watch.verdict(at)
        said = f"{verdict.state}/{verdict.share_bp}"
        if said != link.nodes_said.get(code, "closed/10000"):
            command = cmd.SetBreaker(
                link.connection.code, (code,), verdict.state, verdict.share_bp, _words(verdict), 0, at
            )
            made.append(Submission(f"breaker/{link.connection.code}/{code}/{at}", command))
            link.nodes_said[code] = said
    return made


def others(link: Link, ages: Mapping[str, NodeAge]) -> tuple[int, int]:
    """Orders that stand still, of how many, at the nodes that are not given up for themselves: what the connection is judged by."""
    found = [age for code, age in ages.items() if code not in link.nodes or not link.nodes[code].stands]
    return sum(age.stalled for age in found), sum(age.accepted for age in found)


def _words(verdict: Verdict) -> str:
    seen = verdict.evidence
    return f"{verdict.why}: {seen.stalled} of {seen.accepted} accepted orders stand still"
