"""Layout and limits that the compiled kernel and its pure Python twin share; no numba here."""

KIND, POOL, UNIT_ROW, PARCEL_ROW, MAX_G, DIM_NUM, DIM_DEN, DIM_OVER, ORDER_FEE, UNIT_FEE, RESIDENTIAL, TOP_BAND = range(
    12
)
"""A node's columns. MAX_G is the largest carton, TOP_BAND the band of a full one; without dim weight DIM_OVER is out of reach."""
WEIGHT, VOLUME = 0, 1
"""Columns of a SKU's settings."""
BIG = 1 << 50
"""More than any real cost (about a billion in major units): the cost of what cannot be."""

SUBSET_LINES = 8
"""Orders of at most this many lines are solved exactly."""
TIE = 16
"""Factor that makes room for the number of parts (at most 8) below the cost."""
NEVER = 1 << 60

SCREEN_ALL = 12
"""With at most this many nodes every set of them is tried."""
SCREEN_KEEP = 10
"""Nodes that greedy addition keeps where there are more than SCREEN_ALL."""
SLOPE_BITS = 10
"""Fraction bits of the screen's price of a gram."""
SPARE_SETS = 4
"""Sets looked at for each start wanted: those with an idle node are skipped."""

MOVE_PASSES = 20
SWAP_ROUNDS = 60
SWAP_LINES = 64
"""Swaps are tried up to this many lines: their number grows with its square."""

PAIR_ROUNDS = 4
PAIR_CELLS = 10_000_000
"""Cells of the pair program (lines x buckets) that one start may fill: bounds the work on orders of hundreds of lines."""
LOAD_BITS = 24
"""What was chosen for a bucket is kept as grams and, in the low bits, units."""
MERGE_ROUNDS = 4
MERGE_WORK = 1_000_000
"""Lines x nodes x merges that one round may look at."""
TOGGLE_ROUNDS = 2
TOGGLE_FROM = 3
"""Effort (`rounds`) from which nodes are closed and opened as well."""
TOGGLE_SLACK = 4
"""A closed or opened node is looked into unless it is dearer by more than one part in this many."""
TOGGLE_WORK = 1000
"""Lines x nodes up to which it is done: each costs a pair search."""
