"""What is heard of people goes with the command that its message became; what was wrong with one order spares the others."""

from tranship.connectors.port import Returned
from tranship.dispatch.model import Report
from tranship.engine import commands as cmd
from tranship.engine.driver.listening import along, findings, returned_without, without
from tranship.engine.inward import Heard
from tranship.engine.shard import Submission
from tranship.masking.audit import RECEIVED, AuditDraft
from tranship.masking.rows import LIVE, NEVER, TokenRow

ROW = TokenRow("TG2222222222222", "AMZ", "person_in", "o:1", "P1", b"b" * 16, b"s", "k" * 16, 1, NEVER, LIVE)
DRAFT = AuditDraft(1, "engine", "get", "AMZ", "getOrder", "p" * 64, "R1", "P1", (), RECEIVED)
BAD = Heard((ROW,), (DRAFT,), (("R2", "order.name holds an alias of another order"),))


def test_tokens_and_audit_go_with_the_first_command():
    """With none there is nothing to go with: the next look says it again."""
    first, second = (Submission(f"report/{n}", cmd.Tick(n)) for n in (1, 2))
    sent = along([first, second], BAD)
    assert (sent[0].tokens, sent[0].audits, sent[0].key) == ((ROW,), (DRAFT,), "report/1")
    assert (sent[1].tokens, sent[1].audits) == ((), ())
    assert along([], BAD) == [] and along([first], Heard()) == [first]


def test_only_what_is_said_of_the_wrong_order_is_left_out():
    """Reports and returns of the others stay, each return with its own number."""
    reports = (Report("R1", "COMPLETE"), Report("R2", "COMPLETE"))
    assert [each.remote_id for each in without(reports, BAD)] == ["R1"]
    page = Returned((("R1", "1", 1, ""), ("R2", "1", 1, ""), ("R1", "2", 1, "")), refs=("a", "b", "c"))
    kept = returned_without(page, BAD)
    assert kept.refs == ("a", "c") and [row[0] for row in kept.rows] == ["R1", "R1"]
    assert returned_without(page, Heard()) == page


def test_a_person_is_told_which_leaf_of_which_order():
    """And nothing of what stood there."""
    (found,) = findings(BAD)
    assert (found.kind, found.subject) == ("foreign_token", "R2")
    assert "nothing of it is used" in found.detail and ROW.token not in found.detail
