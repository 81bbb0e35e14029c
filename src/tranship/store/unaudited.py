"""What else in a store says that messages left: an audit that is gone, or shorter than these, is not believed.

Chain and head of the audit can be deleted or put back together by whoever writes the store; what was committed beside its rows stays.
"""

from collections.abc import Callable, Sequence

SHOWN = 3
"""Examples named of each kind."""

_PERSONS = "person_id <> '' AND person_id NOT LIKE '-%'"  # dashes: somebody who was erased (store/erasure.py)

_WHILE_EMPTY = (
    (
        "the audit is empty, and {} tokens were given: the rows of the messages that they were given for are gone",
        "SELECT count(*) FROM token HAVING count(*) > 0",
    ),
    (
        "the audit is empty, and {} requests of a proxy are kept as they left: their rows are gone",
        "SELECT count(*) FROM payload WHERE remote_id LIKE '%/%' HAVING count(*) > 0",
    ),
)
"""A run of a release before there was an audit has dispatches, and neither of these."""

_BESIDE_ROWS = (
    (
        "tokens of person {} were given, and no row of the audit is about them",
        f"SELECT DISTINCT person_id FROM token WHERE {_PERSONS} AND person_id NOT IN (SELECT person_id FROM audit)",  # noqa: S608 - from above
    ),
    (
        "{} requests of a proxy are kept as they left for person {}, and the audit says that {} left",
        (
            "SELECT p.kept, p.person_id, coalesce(a.told, 0)"  # noqa: S608 - from above
            f" FROM (SELECT person_id, count(*) AS kept FROM payload WHERE remote_id LIKE '%/%' AND {_PERSONS} GROUP BY person_id) AS p"
            " LEFT JOIN (SELECT person_id, count(*) AS told FROM audit WHERE verdict = 'sent' GROUP BY person_id) AS a"
            " ON a.person_id = p.person_id WHERE coalesce(a.told, 0) < p.kept"
        ),
    ),
    (
        "dispatch {} was handed over after the audit began, and no row of it says so",
        (
            "SELECT remote_id FROM dispatch WHERE created_at >= (SELECT min(at) FROM audit)"
            " AND remote_id NOT IN (SELECT subject FROM audit WHERE verdict = 'sent')"
        ),
    ),
)

Query = Callable[[str], Sequence[tuple[object, ...]]]


def unaudited(query: Query) -> list[str]:
    """What left and has no row in the audit, in words; empty where nothing speaks against the audit. Reads it as a whole."""
    empty = not query("SELECT 1 FROM audit LIMIT 1")
    found = []
    for text, sql in _WHILE_EMPTY if empty else _BESIDE_ROWS:
        found += [text.format(*row) for row in query(f"{sql} LIMIT {SHOWN}")]
    return found
