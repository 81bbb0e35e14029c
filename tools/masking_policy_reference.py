"""Writes the tables of docs/masking-policies.md from the policies themselves. `--check` only says whether they agree."""

from tools.generated_part import DOCS, GeneratedPart, cell
from tranship.masking.policy import Operation, Policy, Report, kinds, load
from tranship.masking.policy.classes import CLASSES
from tranship.masking.policy.model import OUT_PLACES
from tranship.masking.policy.rules import Rule
from tranship.masking.policy.types import TYPES


def generated() -> str:
    """Everything between the marks of the page."""
    parts = ["## Types\n\n" + _types(), "## What may be said of which leaf\n\n" + _classes()]
    shown: dict[tuple[str, str], str] = {}
    for kind in sorted(kinds(), key=lambda name: (name == "manual", name != "amazon_mcf_2020", name)):
        parts.append(_policy(load(kind), shown))
    return "\n\n".join(parts)


def _types() -> str:
    lines = ["| type | what passes | for what leaves |", "|---|---|---|"]
    lines += ["| `int:A..B` | whole number, A to B | yes |", "| `enum:LIST` | one of the file's list of words | yes |"]
    lines += ["| `list:LIST` | some of the file's list of words, with commas between | yes |"]
    lines += [f"| `{one.name}` | {cell(one.shape)} | {'no' if one.inward else 'yes'} |" for one in TYPES.values()]
    return "\n".join(lines)


def _classes() -> str:
    lines = ["| leaf | rules it may have | why |", "|---|---|---|"]
    for one in CLASSES:
        rules = [f"`{rule}`" for rule in one.rules]
        rules += [f"`{rule}` with `{setting} = true`" for setting, more in one.when for rule in more]
        lines.append(f"| {one.name} | {cell(', '.join(rules))} | {cell(one.why)} |")
    return "\n".join(lines)


def _policy(policy: Policy, shown: dict[tuple[str, str], str]) -> str:
    head = [f"## `{policy.kind}`", "", "| our operation | the network's |", "|---|---|"]
    for op, made in policy.ops.items():
        told = [
            f"`{name}`" + (f" ({', '.join(f'`{leaf}`' for leaf in only)} alone)" if only else "") for name, only in made
        ]
        head.append(f"| {op} | {', '.join(told)} |")
    models = [f"`{name}` at {model['commit']}" for name, model in policy.models.items()]
    head += ["", f"Pinned to {', '.join(models)}."]
    parts = [_operation(policy, one, shown) for one in policy.operations.values()]
    parts += [_report(policy, one, shown) for one in policy.reports.values()]
    return "\n\n".join(["\n".join(head), *parts])


def _report(policy: Policy, one: Report, shown: dict[tuple[str, str], str]) -> str:
    rows = [f"| `{column}` | {_said(rule)} |" for column, rule in one.columns.items()]
    told = f"The order is named by `{one.key}`. Read in: {'; '.join(one.sources)}."
    body = "\n".join([told, "", "| column | rule |", "|---|---|", *rows])
    before = shown.setdefault((one.name, body), policy.kind)
    return f"### {one.name}\n\n{body}" if before == policy.kind else f"### {one.name}\n\nAs under `{before}`."


def _operation(policy: Policy, one: Operation, shown: dict[tuple[str, str], str]) -> str:
    title = f"### {one.name}\n\n" + (f"`{one.method} {one.path}`" if one.method else "Comes in.")
    body = f"{_out(one)}\n\n{_in(one)}".strip()
    before = shown.setdefault((one.name, body), policy.kind)
    return f"{title}\n\n{body}" if before == policy.kind else f"{title}\n\nAs under `{before}`."


def _out(one: Operation) -> str:
    rows = [
        f"| {place} | `{leaf}` | {_said(rule)} |"
        for place in OUT_PLACES
        for leaf, rule in one.rules.get(place, {}).items()
    ]
    return (
        "\n".join(["| place | leaf that leaves | rule |", "|---|---|---|", *rows])
        if rows
        else "Nothing leaves but the call itself."
    )


def _in(one: Operation) -> str:
    answer = one.rules.get("answer", {})
    if not answer:
        return ""
    counts = {action: sum(rule.action == action for rule in answer.values()) for action in ("pass", "drop")}
    rows = [f"| `{leaf}` | {_said(rule)} |" for leaf, rule in answer.items() if rule.action not in counts]
    told = f"Of what comes in, {counts['pass']} leaves pass by their type and {counts['drop']} are dropped"
    return "\n".join([f"{told}.", "", "| leaf that comes in | rule |", "|---|---|", *rows]) if rows else f"{told}."


def _said(rule: Rule) -> str:
    return f"`{cell(rule.text)}`"


PART = GeneratedPart(DOCS / "masking-policies.md", "tools.masking_policy_reference", "policies", generated)

if __name__ == "__main__":
    raise SystemExit(PART.main())
