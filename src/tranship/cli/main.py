"""`tranship`: the verbs. Each lives in its own module and imports what it needs when it runs."""

import sys

from cyclopts import App

from tranship.cli import (
    aliasing,
    budgets,
    changing,
    drilling,
    handing,
    keeping,
    leaking,
    network,
    orders,
    pricing,
    proxying,
    sandbox,
    service,
    simulating,
    trying,
    unmasking,
    vaulting,
)
from tranship.core.errors import TranshipError

app = App(
    name="tranship",
    help="Ship through anyone's supply chain without being owned by it.",
    version_flags=["--version"],
    help_format="plaintext",  # markdown would load half of rich to print plain sentences
)
for verb in (
    network.init,
    network.check,
    orders.replay,
    orders.explain,
    orders.quote,
    orders.report,
    orders.verify,
    service.serve,
    service.demo,
    handing.networks,
    handing.dispatches,
    handing.drift,
    changing.cancel,
    changing.address,
    handing.recall,
    handing.send,
    handing.settle,
    handing.breaker,
    proxying.proxy,
    unmasking.unmask_report,
    sandbox.sandbox,
    simulating.sim,
    keeping.backup,
    keeping.restore,
    keeping.erase,
):
    app.command(verb)
app.command(pricing.prices)
app.command(aliasing.alias)
leaking.leak.command(budgets.status)
app.command(leaking.leak)
app.command(vaulting.vault)
app.command(vaulting.audit)
app.command(trying.try_policy, name="try")
app.command(trying.regret)
app.command(drilling.drill)


def main(arguments: list[str] | None = None) -> None:
    """Run one verb. A mistake in the input is one clear sentence and exit code 2; a broken promise is exit code 1."""
    try:
        code = app(arguments)
    except TranshipError as error:
        sys.stderr.write(f"tranship: {error}\n")
        code = 2
    except KeyboardInterrupt:
        sys.stderr.write("tranship: stopped\n")
        code = 130
    except BrokenPipeError:  # the reader of our output went away (| head): not our business
        sys.stderr.close()
        code = 0
    sys.exit(code if isinstance(code, int) else 0)
