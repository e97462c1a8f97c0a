"""The generative model behind the `simulated` source: seeds in, draft records and planted truth out.

Pure numpy and Arrow: nothing here reads or writes a file, opens a database or asks for the time. See
docs/explanation/simulator.md.
"""
