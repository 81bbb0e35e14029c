"""Many seeds, and what came of them; a seed that breaks something is made as small as it gets and can be kept."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from msgspec.structs import replace

from tranship.core.errors import InputError
from tranship.engine.memory import calm_collector
from tranship.sim.handover.judge import Found
from tranship.sim.handover.mutants import MUTANTS
from tranship.sim.handover.protocol import Outcome
from tranship.sim.handover.protocol import Setting as ProtocolSetting
from tranship.sim.handover.protocol import play as play_protocol
from tranship.sim.handover.world import Setting, play
from tranship.sim.workers import Work

Tell = Callable[[float], None]
MOST_FAILING = 20
"""Failing seeds that are told of."""
SHRINKING_S = 60
"""Real seconds that making one seed smaller may take."""
WIRE = ("lost_request", "lost_reply", "late", "error", "throttled", "doubled", "report_lost")


class Failing(msgspec.Struct):
    """A seed that broke something: what, the smallest setting that still does, and how to play it again."""

    seed: int
    broken: tuple[str, ...]
    setting: Setting | ProtocolSetting
    command: str


class Report(msgspec.Struct):
    """What came of a range of seeds."""

    seeds: int = 0
    orders: int = 0
    double_shipped: int = 0
    lost: int = 0
    oversold: int = 0
    cap_exceeded: int = 0
    attempts: int = 0
    quarantined: int = 0
    standing: int = 0
    crashes: int = 0
    calls: int = 0
    events: int = 0
    seconds: float = 0.0
    seeds_per_s: float = 0.0
    mutant: str = ""
    first_failing: int = -1  # -1: none
    failing_seeds: int = 0
    failing: list[Failing] = []

    @property
    def sound(self) -> bool:
        """Whether nothing broke."""
        return not self.failing_seeds

    def add(self, seed: int, found: Found | Outcome) -> None:
        """Count one more world."""
        self.seeds += 1
        for name in ("orders", "double_shipped", "lost", "oversold", "cap_exceeded", "attempts", "quarantined",
                     "standing", "crashes", "calls", "events"):  # fmt: skip
            setattr(self, name, getattr(self, name) + getattr(found, name, 0))
        if found.broken:
            self.failing_seeds += 1
            self.first_failing = seed if self.first_failing < 0 else min(seed, self.first_failing)

    def merge(self, other: "Report") -> None:
        """Take in what another process counted."""
        for name in ("seeds", "orders", "double_shipped", "lost", "oversold", "cap_exceeded", "attempts", "quarantined",
                     "standing", "crashes", "calls", "events", "failing_seeds"):  # fmt: skip
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.failing += other.failing
        if other.first_failing >= 0:
            firsts = [first for first in (self.first_failing, other.first_failing) if first >= 0]
            self.first_failing = min(firsts)

    def join(self, later: "Report") -> None:
        """Go on with what came of later seeds."""
        self.merge(later)
        self.seconds = round(self.seconds + later.seconds, 3)
        self.seeds_per_s = round(self.seeds / max(self.seconds, 1e-9), 2)
        self.failing = sorted(self.failing, key=lambda each: each.seed)[:MOST_FAILING]


class Job(msgspec.Struct):
    """A range of seeds for one process."""

    first: int
    last: int  # not included
    setting: Setting | ProtocolSetting
    until_found: bool = False


def played(seed: int, setting: Setting | ProtocolSetting) -> Found | Outcome:
    """One world of either kind."""
    if isinstance(setting, ProtocolSetting):
        return play_protocol(seed, setting)
    return play(seed, setting)


def _range(job: Job, tell: Tell) -> Report:
    calm_collector()
    report = Report()
    for seed in range(job.first, job.last):
        found = played(seed, job.setting)
        report.add(seed, found)
        if found.broken and len(report.failing) < MOST_FAILING:
            report.failing.append(Failing(seed, found.broken, job.setting, command_of(seed, job.setting)))
        tell((seed + 1 - job.first) / (job.last - job.first))
        if found.broken and job.until_found:
            break
    return report


def simulate(
    first: int,
    last: int,
    setting: Setting | ProtocolSetting,
    *,
    workers: int = 1,
    shrink: bool = True,
    until_found: bool = False,
    progress: Tell | None = None,
) -> Report:
    """Play seeds `first` up to, not including, `last`. `until_found`: stop each process at its first failing seed."""
    if not 0 <= first < last:
        raise InputError(f"{first}:{last}", where="seeds", hint="First seed, a colon, one past the last: 0:100.")
    if setting.mutant and setting.mutant not in MUTANTS:
        raise InputError(f"{setting.mutant!r}", where="mutant", hint=f"One of {', '.join(MUTANTS)}.")
    began = time.perf_counter()
    count = max(1, min(workers, last - first))
    each = -(-(last - first) // (count * (8 if count > 1 and not until_found else 1)))
    jobs = [Job(a, min(last, a + each), setting, until_found) for a in range(first, last, each)]
    report = Report()
    for part in Work(_range).all(jobs, progress, processes=count):
        report.merge(part)
    report.seconds = round(time.perf_counter() - began, 3)
    report.seeds_per_s = round(report.seeds / max(report.seconds, 1e-9), 2)
    report.mutant = setting.mutant
    report.failing = sorted(report.failing, key=lambda each: each.seed)[:MOST_FAILING]
    if shrink and report.failing:
        report.failing[0] = smaller(report.failing[0])
    return report


# -- failing seeds -----------------------------------------------------------------------------------------------------


def smaller(failing: Failing, limit_s: float = SHRINKING_S) -> Failing:
    """Fewer orders and fewer kinds of faults, as long as something still breaks."""
    until = time.perf_counter() + limit_s
    setting, broken, changed = failing.setting, failing.broken, True
    while changed and time.perf_counter() < until:
        changed = False
        for tried in _steps(setting):
            if time.perf_counter() > until:
                break
            found = played(failing.seed, tried)
            if found.broken:
                setting, broken, changed = tried, found.broken, True
                break
    return Failing(failing.seed, broken, setting, command_of(failing.seed, setting))


def _steps(setting: Setting | ProtocolSetting) -> Iterator[Setting | ProtocolSetting]:
    for orders in (setting.orders // 4, setting.orders // 2, setting.orders - 1):
        if 0 < orders < setting.orders:
            yield replace(setting, orders=orders)
    if isinstance(setting, Setting):
        plain: dict[str, object] = {
            "crashes": 0, "blackouts": False, "breakers": False, "cancels": 0.0, "lies": False, "shortages": False,
        }  # fmt: skip
    else:
        plain = {"crashes": False, "blackouts": False, "recalls": 0.0}
    for name, value in plain.items():
        if getattr(setting, name) != value:
            yield replace(setting, **{name: value})
    for name in WIRE:
        if name not in setting.without:
            yield replace(setting, without=(*setting.without, name))


def command_of(seed: int, setting: Setting | ProtocolSetting) -> str:
    """The command that plays a seed again."""
    words = ["tranship sim", f"--seeds {seed}:{seed + 1}"]
    if isinstance(setting, ProtocolSetting):
        words.append("--protocol")
    plain = type(setting)()
    changed = {
        name: getattr(setting, name)
        for name in setting.__struct_fields__
        if getattr(setting, name) != getattr(plain, name) and name not in {"mutant", "orders"}
    }
    words.append(f"--orders {setting.orders}")
    if setting.mutant:
        words.append(f"--mutant {setting.mutant}")
    if changed:
        words.append(f"--setting '{msgspec.json.encode(changed).decode()}'")
    return " ".join(words)


def setting_of(text: str, *, orders: int, mutant: str, protocol: bool) -> Setting | ProtocolSetting:
    """A setting from JSON with the fields that differ from the usual ones."""
    kind: type[Setting | ProtocolSetting] = ProtocolSetting if protocol else Setting
    try:
        made = msgspec.json.decode(text or "{}", type=kind)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise InputError(str(error), where="setting", hint="JSON as a failing seed prints it.") from None
    if protocol and mutant:
        raise InputError(f"mutant {mutant!r}", where="--protocol", hint="Mutants are planted in the whole engine only.")
    return replace(made, orders=orders, mutant=mutant)


def keep(failing: Failing, folder: Path) -> Path:
    """Keep a failing seed for good: a file that the tests play from then on."""
    folder.mkdir(parents=True, exist_ok=True)
    kind = "protocol" if isinstance(failing.setting, ProtocolSetting) else "engine"
    path = folder / f"{kind}-{failing.seed}-{failing.setting.orders}.json"
    told = {"kind": kind, "seed": failing.seed, "setting": failing.setting, "broke": failing.broken[:3]}
    path.write_bytes(msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n")
    return path


def kept(path: Path) -> Found | Outcome:
    """Play a kept seed."""
    told = msgspec.json.decode(path.read_bytes())
    kind: type[Setting | ProtocolSetting] = ProtocolSetting if told["kind"] == "protocol" else Setting
    return played(told["seed"], msgspec.convert(told["setting"], kind))
