"""The simulator of the hand-over: what it plays holds, what it plants is found, and a seed is the same world every time."""

from pathlib import Path

import msgspec
import pytest

from tests.support import ROOT
from tranship.core.errors import InputError
from tranship.sim.handover import world
from tranship.sim.handover.mutants import MUTANTS
from tranship.sim.handover.protocol import Setting as ProtocolSetting
from tranship.sim.handover.protocol import play as play_protocol
from tranship.sim.handover.seeds import Failing, command_of, keep, kept, setting_of, simulate, smaller
from tranship.sim.handover.world import Setting, play

KEPT = sorted((ROOT / "tests" / "sim" / "kept_seeds").glob("*.json"))
FOUND_WITHIN = 100
"""Seeds within which a planted fault must be found."""


def test_nothing_breaks_with_engine_connectors_and_power_that_fails():
    """Faults on the wire, crashes, breakers, cancellations, counts that lie: none twice, none lost, none oversold, no cap broken."""
    report = simulate(0, 15, Setting())
    assert report.sound, [(each.command, each.broken) for each in report.failing]
    assert (report.double_shipped, report.lost, report.oversold, report.cap_exceeded) == (0, 0, 0, 0)
    assert report.orders == 300
    assert report.crashes > 5
    assert report.attempts > 150


def test_nothing_breaks_under_a_leak_budget():
    """The same faults with orders kept off the first network: none twice, none lost, no cap broken, and what was shown recounts."""
    report = simulate(0, 12, Setting(leak=40))
    assert report.sound, [(each.command, each.broken) for each in report.failing]
    assert (report.double_shipped, report.lost, report.oversold, report.cap_exceeded) == (0, 0, 0, 0)
    assert report.attempts > 80


def test_nothing_breaks_by_the_rules_alone():
    """The protocol with every kind of network, invariants I1 to I9 checked at each step."""
    report = simulate(0, 60, ProtocolSetting())
    assert report.sound, [(each.command, each.broken) for each in report.failing]
    assert report.attempts > report.orders


@pytest.mark.parametrize("mutant", sorted(MUTANTS))
def test_a_planted_fault_is_found(mutant: str):
    """The judge's own test: each fault is found within a hundred seeds."""
    report = simulate(0, FOUND_WITHIN, Setting(mutant=mutant), until_found=True, shrink=False)
    assert 0 <= report.first_failing < FOUND_WITHIN
    assert report.failing[0].broken


def test_planting_a_fault_leaves_nothing_behind():
    """After a world with a fault the next one without it is as sound as ever."""
    play(0, Setting(orders=3, mutant="reissue_at_once"))
    assert play(0, Setting(orders=3)) == play(0, Setting(orders=3))
    assert not play(0, Setting(orders=3)).broken


def test_a_seed_is_the_same_world_every_time():
    """Counts, calls and events to the last one: that is what makes a failing seed worth keeping."""
    assert play(7, Setting(orders=8)) == play(7, Setting(orders=8))
    assert play(7, Setting(orders=8)) != play(8, Setting(orders=8))
    assert play_protocol(7, ProtocolSetting()) == play_protocol(7, ProtocolSetting())


def test_a_failing_seed_is_made_smaller_and_can_be_played_again(tmp_path: Path):
    """Fewer orders and fewer faults, the command that plays it again, and a file that a test plays."""
    setting = Setting(mutant="late_cap")
    report = simulate(0, FOUND_WITHIN, setting, until_found=True, shrink=False)
    small = smaller(report.failing[0], limit_s=20)
    assert isinstance(small.setting, Setting)
    assert small.setting.orders < setting.orders
    assert "--mutant late_cap" in small.command
    assert play(small.seed, small.setting).broken == small.broken
    path = keep(small, tmp_path)
    assert kept(path).broken == small.broken


def test_the_command_of_a_seed_says_all_that_differs():
    """What the command line is given leads to the very setting."""
    setting = Setting(orders=3, crashes=0, without=("late",), mutant="drop_i2")
    command = command_of(9, setting)
    assert command.startswith("tranship sim --seeds 9:10 --orders 3 --mutant drop_i2 --setting '")
    text = command.split("'")[1]
    assert setting_of(text, orders=3, mutant="drop_i2", protocol=False) == setting


@pytest.mark.parametrize(
    ("text", "protocol", "mutant"), [("{", False, ""), ('{"level":"x"}', False, ""), ("", True, "drop_i2")]
)
def test_a_setting_that_makes_no_sense_is_refused(text: str, protocol: bool, mutant: str):
    """Named, with what is allowed."""
    with pytest.raises(InputError):
        setting_of(text, orders=1, mutant=mutant, protocol=protocol)


def test_an_unknown_mutant_and_a_backward_range_are_refused():
    """Before anything is played."""
    with pytest.raises(InputError, match="mutant"):
        simulate(0, 1, Setting(mutant="nothing"))
    with pytest.raises(InputError, match="seeds"):
        simulate(5, 5, Setting())


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_kept_seeds_stay_sound(path: Path):
    """Seeds that once broke something are played for good."""
    assert not kept(path).broken, msgspec.json.decode(path.read_bytes())["broke"]


def test_the_engine_dies_in_the_middle_of_commits():
    """The power fails before and after commits of every kind: worlds in which it does are really played."""
    cuts: set[str] = set()

    class Watched(world.World):
        def crash(self) -> None:
            cuts.add(self.store.cut_key)
            super().crash()

    for seed in range(8):
        assert not Watched(seed, Setting(crashes=6, orders=8)).run().broken
    assert len(cuts) > 1


def test_failing_is_data():
    """What a failing seed is told as can be written and read."""
    failing = Failing(1, ("x",), Setting(), command_of(1, Setting()))
    assert b'"seed":1' in msgspec.json.encode(failing)
