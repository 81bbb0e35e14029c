"""What a shipment costs: rate cards, dated price lists, zones, dim weight, transit days. Pure, with packaged data.

Start at `tables` (what the router reads), `compile` (how it is made), `cost` (the definition of a part's price),
`quote` (in words).
"""
