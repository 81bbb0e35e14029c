"""Reports on their way back: flat files that a network writes, row by row, column by column, under the rules of their type.

`Reader` takes a document in pieces of any size and gives the client's file in pieces; `TokenBook` says whose a row is, by tokens.
"""

from tranship.masking.reports.book import Book, Order, RowError, TokenBook, TokenOrder
from tranship.masking.reports.reading import Counts, Reader

__all__ = ["Book", "Counts", "Order", "Reader", "RowError", "TokenBook", "TokenOrder"]
