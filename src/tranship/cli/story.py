"""How `tranship explain` tells an order's story in a terminal."""

from tranship.cli.output import money, say, table
from tranship.engine.explain import DecisionStory, PartStory, Story


def show(story: Story) -> None:
    """Print the story: the order, each decision with its charges and reasons, and what happened later."""
    say(f"order {story.order}  {story.status}")
    say(f"  {story.lines} lines, {story.units:,} units, {story.channel}, to {story.to}, placed {story.placed_at}")
    say(f"  promised by {story.promise}" + (f", customer {story.person}" if story.person else ", guest"))
    for decision in story.decisions:
        _decision(decision, story.currency)
    for attempt in story.attempts:
        say(f"\nHanded over: {attempt.fulfillment_order} to {attempt.node} as {attempt.id}, now {attempt.state}")
        if attempt.policy:
            say(f"  masked under policy {attempt.policy}")
        for line in (*attempt.steps, *(f"parcel {parcel}" for parcel in attempt.parcels)):
            say(f"  {line}")
    if story.later:
        say("\nWhat happened")
        for line in story.later:
            say(f"  {line}")


def _decision(decision: DecisionStory, currency: str) -> None:
    say(f"\n{decision.at}: {decision.about} -> {money(decision.cost, currency)}")
    for part in decision.parts:
        _part(part, currency)
    for line in decision.waits:
        say(f"  waits: {line}")
    table([(n.node, str(n.zone or "-"), n.verdict) for n in decision.nodes], ("node", "zone", "verdict"), right=(1,))
    for line in decision.caps:
        say(f"  cap {line}")
    for line in decision.leaks:
        say(f"  leak budget {line}")
    for line in decision.alternatives:
        say(f"  instead {line}")
    for line in decision.prices:
        say(f"  {line}")
    say(
        f"  network document version {decision.network_version}, prices of {decision.price_date} ({decision.rates[:12]})"
    )


def _part(part: PartStory, currency: str) -> None:
    late = ", LATE" if part.late else ""
    if 0 < part.on_time_bp < 10_000:  # odds are known: else it is in time or late for certain
        late = f", by the promise with {part.on_time_bp / 100:.1f} %{late}"
    say(f"  {part.id} from {part.node}: {part.units:,} units, ships {part.ship_on}, arrives {part.deliver_on}{late}")
    shown = part.lines[:6]
    more = f" and {len(part.lines) - len(shown)} more lines" if len(part.lines) > len(shown) else ""
    say("    " + ", ".join(f"{q} x {sku}" for sku, q in shown) + more)
    rows = [(charge.name, charge.detail, money(charge.micros)) for charge in part.charges]
    adds = "equals the decision's cost" if part.adds_up else f"DIFFERS from the decision's {money(part.cost)}"
    rows.append(("total", adds, money(sum(charge.micros for charge in part.charges), currency)))
    table(rows, ("charge", "for", "amount"), right=(2,))
