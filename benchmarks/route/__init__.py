"""How far from optimal is routing? Seeded instances, the frozen baseline, the policy with prices, and bounds in hindsight."""
