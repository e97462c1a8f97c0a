"""House rules that no ready-made linter can see, as small checks of the syntax tree.

Run them with `python -m scripts.lint`. Each rule is a function from a `Module` to `Finding`s; what ruff, mypy and
import-linter already see is left to them.
"""
