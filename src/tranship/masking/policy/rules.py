"""The language of rules: one text per leaf. What it cannot say cannot leave.

pass(TYPE)         leaves as it is, where it is of the type (types.py); there is no type for free text
token(KIND)        a random token in its place, the same one for the same value within an order
ordinal            the element's place in its list, as a number (`ordinal(text)`: as text)
reveal(KIND)       our token of something that the network told us goes back as what the network told
relay(email)       a token at the policy's relay domain; relay(phone): the policy's own phone number
generalize(day)    a moment of the client's becomes the day of handing over
constant(JSON)     this value, whatever the client sent
drop               does not leave; the message does
refuse             a message that has it does not leave

unmask(KIND)       our token back to what it stands for; anything that is no token of ours is quarantined
token_in(KIND)     personal data that the network tells us: kept, a token in its place
link               an address elsewhere: whoever unmasks fetches what is there, and an address of its own takes its place
"""

import re
from typing import NamedTuple

import msgspec

from tranship.masking.policy.types import TYPES, Type, whole, words
from tranship.masking.tokens import KINDS

OUTWARD = frozenset({"pass", "token", "ordinal", "reveal", "relay", "generalize", "constant", "drop", "refuse"})
INWARD = frozenset({"pass", "unmask", "token_in", "link", "drop"})
_RULE = re.compile(r"([a-z_]+)(?:\((.*)\))?", re.DOTALL)
_INT = re.compile(r"int:(\d{1,9})\.\.(\d{1,16})")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_. -]{0,59}")


class RuleError(ValueError):
    """A text that is no rule; says why."""


class Rule(NamedTuple):
    """What happens to one leaf. `type` for pass, `kind` for tokens, `value` for constants."""

    action: str
    text: str
    type: Type | None = None
    kind: str = ""
    value: object = None


def parse(text: str, enums: dict[str, tuple[str, ...]], *, inward: bool) -> Rule:
    """The rule that a text says.

    Raises:
        RuleError: an unknown action, type, kind or list of words; `pass` without a type.
    """
    found = _RULE.fullmatch(text.strip())
    if not found:
        raise RuleError(f"{text!r} is no rule")
    action, argument = found.group(1), (found.group(2) or "").strip()
    if action not in (INWARD if inward else OUTWARD):
        raise RuleError(f"{action!r} is no action for what {'comes in' if inward else 'leaves'}")
    if action == "pass":
        return Rule(action, text, type=_type(argument, enums, inward=inward))
    if action in {"token", "unmask", "token_in", "reveal"}:
        if argument not in KINDS:
            raise RuleError(f"{action} wants one of {', '.join(sorted(KINDS))}")
        return Rule(action, text, kind=argument)
    if action == "constant":
        return Rule(action, text, value=_constant(argument))
    wanted = {
        "relay": ("phone", "email"),
        "generalize": ("day",),
        "ordinal": ("", "text"),
        "link": ("",),
        "drop": ("",),
        "refuse": ("",),
    }[action]
    if argument not in wanted:
        raise RuleError(f"{action} wants {' or '.join(word or 'nothing' for word in wanted)}")
    return Rule(action, text, kind=argument)


def _type(argument: str, enums: dict[str, tuple[str, ...]], *, inward: bool) -> Type:
    if not argument:
        raise RuleError("pass without a type: say what it is passed as")
    if argument.startswith(("enum:", "list:")):
        return words(_words(argument[5:], enums), several=argument.startswith("list:"))
    bounds = _INT.fullmatch(argument)
    if bounds:
        low, high = int(bounds.group(1)), int(bounds.group(2))
        if low > high:
            raise RuleError("the range is empty")
        return whole(low, high)
    if argument not in TYPES:
        raise RuleError(f"{argument!r} is no type")
    if TYPES[argument].inward and not inward:
        raise RuleError(f"{argument!r} is a type for what comes in only: too loose for what leaves")
    return TYPES[argument]


def _words(name: str, enums: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    found = enums.get(name) or tuple(word.strip() for word in name.split("|"))
    if not all(_WORD.fullmatch(word) for word in found):
        raise RuleError(f"{name!r} is neither a list of words of this file nor words with | between them")
    if len(found) == 1 and name not in enums:
        raise RuleError(f"{name!r} is no list of words of this file; for one word write constant")
    return found


def _constant(argument: str) -> object:
    try:
        value = msgspec.json.decode(argument)
    except msgspec.DecodeError:
        raise RuleError("constant wants a JSON value") from None
    if not isinstance(value, str | int | bool):
        raise RuleError("a constant is text, a whole number, true or false")
    return value
