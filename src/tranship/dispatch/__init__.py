"""Hand-over of fulfillment orders to networks: the state machine of one attempt, health of nodes, drain. Pure: no clock, no wire."""
