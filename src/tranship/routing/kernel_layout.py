"""Columns and limits of the stream kernel's arrays, for the kernel and for Python; no numba here."""

COLUMNS = 7
LANE, ZONES, CHANNEL, COUNT, FIRST, UNITS, WORTH = range(COLUMNS)
"""Columns of `orders`. LANE -1: needs the long way. ZONES: twice the row of zones, 1 more for a residence. FIRST: its first line."""
SKU, QTY, VALUE = range(3)
"""Columns of `lines`; VALUE is a unit's price in minor units."""
MOST_PRICE = 1 << 30
"""Minor units a piece up to which worth is counted here."""
MOST_UNITS_A_LINE = 1_000_000
"""As the engine's limit."""
CAPACITY, USED, MOST_LINES, MOST_UNITS, DAY_PRICE = range(5)
"""Rows of `work`: by node."""
NODE, PRICED, COST, STOCKLESS, FOUND, ALT_COST, ALT_NODES, ALT2_COST, ALT2_NODES, GATES = range(10)
"""Columns of `out`; sets of nodes are bits. From GATES on, for each cap: inside, capped inside, limit, price (-1: not counted)."""
CEILING = 1 << 48
"""As `prices.charges.CEILING`: above, the long way looks closer."""

(
    CAP_BP, W_SIZE, W_OLDEST, W_CUT, W_INSIDE, W_CAPPED, W_ENTERED, W_ENTERED_CAPPED, W_MAX_SHARE, W_EVER, W_FILLED, W_KNOWN,
    W_MORE,
) = range(13)  # fmt: skip
"""A counter's columns: as `ShareWindow` names them; EVER entries were made, FILLED stand in the copy, KNOWN of them were there before."""
MEASURE, RESERVE, TOKENS, BASE, RATE_BP, BURST, GAIN = range(7)
"""A cap's columns; MEASURE is 0: fulfillment orders, 1: units, 2: value."""
NOT_COUNTED, NO_WINDOW = -2, -1
"""In `gates`: the cap does not count this channel; or it does, without a counter of its own for the channel."""
