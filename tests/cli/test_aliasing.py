"""`tranship alias`: the same over HTTP and on a run that no service has open."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.connected import Connected, connected
from tests.api.running import SKU
from tests.cli.verbs import Verb

NETWORK = "amazon"


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connected]:
    """A service in front of a stand-in network."""
    with connected(tmp_path_factory.mktemp("aliases"), release_min=0) as found:
        yield found


def told(verb: Verb, *words: str) -> list[dict[str, Any]]:
    """The aliases that a verb answers with."""
    code, out, err = verb("alias", *words, "--json")
    assert code == 0, err
    found: list[dict[str, Any]] = json.loads(out)["aliases"]
    return found


def test_from_a_pool_to_active_over_http(there: Connected, verb: Verb):
    """Made, registered, active, listed; a retired one stays in the list and never comes back."""
    url = ("--url", there.service.address)
    made = told(verb, "pool", NETWORK, SKU, *url)
    assert [(each["sku"], each["state"], each["epoch"]) for each in made] == [(SKU, "requested", 1)]
    alias = made[0]["alias"]
    assert told(verb, "register", NETWORK, "--all-of-them", *url)[0]["state"] == "registered"
    assert told(verb, "activate", NETWORK, alias, *url)[0]["state"] == "active"
    assert [each["alias"] for each in told(verb, "list", "--sku", SKU, *url)] == [alias]
    assert told(verb, "retire", NETWORK, alias, *url)[0]["state"] == "retired"
    code, _, err = verb("alias", "activate", NETWORK, alias, *url)
    assert code == 2 and "does not become" in err
    code, _, err = verb("alias", "register", NETWORK, "--all-of-them", *url)
    assert code == 2 and "none is left" in err


def test_one_of_ones_own_making(there: Connected, verb: Verb):
    """Added with its state; a shape that no network takes is refused with what may stand there."""
    url = ("--url", there.service.address)
    assert told(verb, "add", NETWORK, SKU, "MY-OWN-1", "--epoch", "2", *url)[0]["state"] == "new"
    code, out, _ = verb("alias", "list", "--state", "new", *url)
    assert code == 0 and "MY-OWN-1" in out and NETWORK in out
    code, _, err = verb("alias", "add", NETWORK, SKU, "my own", *url)
    assert code == 2 and "A-Z" in err
    code, _, err = verb("alias", "add", "mars", SKU, "MY-OWN-2", *url)
    assert code == 2 and "unknown network" in err
    code, out, _ = verb("alias", "list", "--network", "mars", *url)
    assert code == 0 and "no aliases of that kind" in out


def test_a_pool_prints_an_import(there: Connected, verb: Verb):
    """Two columns for a listing or product import."""
    code, out, _ = verb("alias", "pool", NETWORK, "--epoch", "7", "--csv", "--url", there.service.address)
    lines = out.split()
    assert code == 0 and lines[0] == "alias,sku" and len(lines) > 3
    assert all(line.count(",") == 1 and line.startswith("TS") for line in lines[1:])


def test_a_closed_run_answers_the_same(tmp_path: Path, verb: Verb):
    """Without a service: under the writer's lock, in the run's own journal; `verify` holds the table against it."""
    with connected(tmp_path, release_min=0):
        pass
    run = ("--on", str(tmp_path / "run"))
    alias = told(verb, "pool", NETWORK, SKU, *run)[0]["alias"]
    assert told(verb, "register", NETWORK, alias, *run)[0]["state"] == "registered"
    assert [each["state"] for each in told(verb, "list", *run)] == ["registered"]
    assert told(verb, "add", NETWORK, SKU, "OWN-1", *run)[0]["alias"] == "OWN-1"
    code, out, _ = verb("verify", str(tmp_path / "run"), "--decide")
    assert code == 0, out
