"""Verbs about networks against a running service, and against its run once nobody has it open."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.connected import Connected, connected, until
from tests.cli.verbs import Verb

PERSON = {"ref": "c-1", "name": "Ann Example", "street": "1 Example Road", "city": "Chicago"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the run lies."""
    return tmp_path_factory.mktemp("verbs")


@pytest.fixture(scope="module")
def there(home: Path) -> Iterator[Connected]:
    """A service with one order on hold at its network."""
    with connected(home, release_min=0) as found:
        assert found.service.order("A-1", customer=PERSON).status == 201
        found.until(lambda: found.dispatches("?state=HELD"))
        yield found


def test_a_running_service_is_asked_and_told(there: Connected, verb: Verb):
    """Tables for people, the interface's own JSON for machines; a word on a breaker comes back as it stands."""
    url = ("--url", there.service.address)
    code, out, _ = verb("networks", *url)
    assert code == 0 and "mcf" in out and "1 HELD" in out and "hold_release (sandbox)" in out
    code, out, _ = verb("networks", *url, "--json")
    assert json.loads(out)["connections"][0]["code"] == "mcf"
    code, out, _ = verb("dispatches", "--order", "A-1", *url)
    assert code == 0 and "HELD" in out
    code, out, _ = verb("drift", *url)
    assert code == 0 and "agree" in out
    code, out, _ = verb("breaker", "mcf", "25%", "--why", "slow start", "--minutes", "5", *url)
    assert code == 0 and "half open, 25 %" in out
    code, out, _ = verb("breaker", "mcf", "auto", "--why", "over", *url)
    assert code == 0 and "closed, 100 %" in out
    code, out, _ = verb("recall", "A-1", "--reason", "the customer called", *url)
    assert code == 0 and ("ABANDONED" in out or "VOID" in out)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("settle", "NONE", "--ships", "--reason", "x"), "no dispatch"),
        (("settle", "NONE", "--reason", "x"), "--never"),
        (("send", "A-1", "1", "MOON", "--reason", "x"), "A-1"),
        (("recall", "NONE", "--reason", "x"), "no order"),
        (("breaker", "mcf", "open", "--why", "x"), "--minutes"),
        (("breaker", "mcf", "ajar", "--why", "x", "--minutes", "5"), "percentage"),
        (("breaker", "none", "open", "--why", "x", "--minutes", "5"), "connection"),
        (("breaker", "mcf", "open", "--why", "x", "--until", "2026-11-27"), "zone"),
        (("dispatches", "--state", "lost"), "QUARANTINED"),
        (("dispatches", "--limit", "0"), "1 to 500"),
    ],
)
def test_a_mistake_is_one_clear_sentence(there: Connected, verb: Verb, arguments: tuple[str, ...], says: str):
    """Exit code 2, what is wrong and what is allowed."""
    code, _, err = verb(*arguments, "--url", there.service.address)
    assert code == 2 and says in err and err.startswith("tranship: ") and "Traceback" not in err


def test_nobody_listens(verb: Verb):
    """The sentence names the way out."""
    code, _, err = verb("networks", "--url", "http://127.0.0.1:9")
    assert code == 2 and "--on RUN" in err


def test_a_closed_run_answers_the_same(tmp_path: Path, verb: Verb):
    """--on reads the run and changes it; explain tells the hand-over; the run is sound, decided again as well."""
    with connected(tmp_path, release_min=0) as there:
        assert there.service.order("A-1", customer=PERSON).status == 201
        until(lambda: there.dispatches("?state=HELD"))
    run = str(tmp_path / "run")
    code, out, _ = verb("networks", "--on", run, "--json")
    told: dict[str, Any] = json.loads(out)
    assert code == 0 and told["connections"][0]["dispatches"] == {"HELD": 1}
    code, out, _ = verb("recall", "A-1", "--reason", "closing down", "--on", run)
    assert code == 0 and "done" in out
    code, out, _ = verb("dispatches", "--on", run)
    assert "ABANDONED" in out
    code, out, _ = verb("breaker", "mcf", "open", "--why", "strike", "--minutes", "5", "--on", run)
    assert code == 0, out
    code, out, _ = verb("explain", "A-1", "--run", run)
    assert code == 0 and "Handed over: api:A-1/1 to AMZ-EAST" in out and "closing down" in out and "HELD" in out
    code, out, _ = verb("verify", run, "--decide")
    assert code == 0 and "dispatch table: 1 rows equal the journal" in out, out
    code, out, _ = verb("report", "--run", run, "--json")
    assert code == 0, out


@pytest.mark.parametrize("name", ["recall", "send", "settle", "breaker"])
def test_the_help_says_that_reasons_stay(verb: Verb, name: str):
    """What is typed as a reason is journaled word for word: no erasure reaches it, so nobody's data belongs there."""
    code, out, _ = verb(name, "--help")
    assert code == 0 and "No personal data" in " ".join(out.replace("│", " ").split())
