"""Personal data goes to the person table, sealed, and nowhere else."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from tests.api.running import SKU, order, running
from tests.api.serving import Served, free_order

CANARY: dict[str, Any] = {
    "ref": "cust-CANARYREF-7731",
    "name": "Xaveria Canaryname",
    "street": "4711 Canarystreet Lane",
    "city": "Canaryville",
    "phone": "+1 202 555 0199",
    "email": "xaveria.canary@example.com",
}
WORDS = ("CANARYREF", "Xaveria", "Canaryname", "Canarystreet", "Canaryville", "555 0199", "xaveria.canary")


def traces(data: bytes) -> list[str]:
    """Which of the canary's words are in some bytes, in any of the encodings in use here."""
    found = [word for word in WORDS if word.encode() in data or word.encode("utf-16-le") in data]
    return found + [word for word in WORDS if word.encode().hex().encode() in data]


def test_nothing_personal_is_in_any_file_answer_log_or_error(tmp_path: Path):
    """Good orders, repeats, conflicts, refused bodies and bulk lines, then every byte of the run folder and the output."""
    with Served(tmp_path) as service:
        answers = [
            service.post(free_order("P1", customer=CANARY)),
            service.post(free_order("P1", customer=CANARY)),
            service.post(free_order("P1", customer={**CANARY, "street": "9 Elsewhere Road"})),
            service.post(free_order("P2", customer=CANARY, lines=[{"sku": "NO", "qty": 1}])),
            service.post(free_order("P3", customer={**CANARY, "extra": "Xaveria"})),
            service.post(free_order("P4", customer={**CANARY, "name": 7})),
            service.post(json.dumps(free_order("P5", customer=CANARY))[:-2].encode()),
            service.post(
                b'{"customer": {"name": "Xaveria Canaryname", "Xaveria Canaryname, 4711 Canarystreet Lane": 1}}'
            ),
            service.post(
                b'{"customer": {"name": "Xaveria", "name": "Canaryname"}, ' + json.dumps(order("P6")).encode()[1:]
            ),
            service.bulk(json.dumps(free_order("P7", customer=CANARY)).encode() + b'\n{"customer": "Xaveria"}\n'),
            service.get("/v1/orders/P1"),
            service.get("/v1/orders/P1/explanation"),
            service.get("/orders/api:P1"),
            service.get("/v1/state"),
            service.get("/"),
        ]
        assert [answer.status for answer in answers[:9]] == [201, 200, 409, 422, 422, 422, 400, 422, 422]
        for answer in answers:
            assert not traces(answer.body), answer.body
        output = service.stop()
    assert not traces(output), output
    for path in (tmp_path / "run").rglob("*"):
        if path.is_file():
            assert not traces(path.read_bytes()), path
    code = "import sys, tranship.store.sqlite as s, tranship.store.people as p, pathlib as l; f = l.Path(sys.argv[1]);"
    code += (
        "t = s.SqliteStore.open(f, create=False); print(p.People.open(t, f, create=False).find('api', sys.argv[2])[0])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "run"), CANARY["ref"]], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "R", "the person is there, under a random id"


def test_a_repeat_is_recognized_after_a_restart_and_after_an_erasure(tmp_path: Path):
    """A street that changed is a conflict as long as the person is known; once erased, it cannot be told any more."""
    with running(tmp_path) as service:
        first = service.order("E1", customer=CANARY)
    with running(tmp_path) as service:
        assert service.order("E1", customer=CANARY).body == first.body
        assert service.order("E1", customer={**CANARY, "street": "elsewhere"}).status == 409
        person = service.get("/v1/orders/E1").json()["person"]
        assert service.service.people.erase([person]) == 1
        again = service.order("E1", customer={**CANARY, "street": "elsewhere"})
        assert again.status == 200 and again.body == first.body
        assert service.order("E1", customer=CANARY, lines=[{"sku": SKU, "qty": 2}]).status == 409


def test_two_orders_of_one_customer_name_the_same_person(tmp_path: Path):
    """By the reference, or by the mail address where there is none; a guest is somebody new each time."""
    with running(tmp_path) as service:
        who = {}
        for number, customer in {
            "S1": CANARY, "S2": CANARY, "S3": {"email": "a@example.com"}, "S4": {"email": "a@example.com"},
            "S5": {"name": "A"}, "S6": {"name": "A"}, "S7": None, "S8": {},
        }.items():  # fmt: skip
            assert service.order(number, customer=customer).status == 201
            who[number] = service.get(f"/v1/orders/{number}").json()["person"]
        assert who["S1"] == who["S2"] != "" and who["S3"] == who["S4"] != who["S1"]
        assert who["S5"] != who["S6"] and who["S7"] == who["S8"] == ""
        assert all(len(person) == 21 and person[0] == "R" for person in who.values() if person)
    assert msgspec.json.encode(who)
