"""A replay made to be killed: small batches, and after each one, on standard output, the journal row it ended with."""

import os
import sys
from pathlib import Path

from tranship.sim import replay as module


def main() -> None:
    """Arguments: file of orders, network file, run folder, submissions a batch."""
    export, network, run = (Path(argument) for argument in sys.argv[1:4])
    module.ORDERS_IN_BATCH = int(sys.argv[4])
    flush = module._Player._flush

    def told(player: module._Player, waiting: list[object]) -> int:
        """Say what is durable, once it is."""
        count = flush(player, waiting)  # type: ignore[arg-type]
        os.write(1, b"%d\n" % player.shard.seq)
        return count

    module._Player._flush = told  # type: ignore[assignment, method-assign]
    module.replay(export, network, run)
    os.write(1, b"done\n")


if __name__ == "__main__":
    main()
