"""Benchmarks that any installed headway can run: made-up worlds of any size, peers, limits. `listing` names them."""
