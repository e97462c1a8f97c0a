"""The lake: what was known, and when.

One Delta table per record kind and one for the quarantined rows, in a folder or an object store. What it promises:

- **Once.** A record is known by its id within its run. Delivering it again changes nothing; delivering something else
  under its id changes nothing either and hands the row back. This holds for several writers at once: on a local disk
  they take turns by a file lock, and everywhere a commit is refused if the table moved after the ids were compared.
- **Whole.** An append, a compaction and an erasure are one commit per table: whatever dies, the table is as before
  or as after.
- **Cut.** `Lake.open` hands out only records with `recorded_at <= until`; nothing above the lake compares that time.
- **Checkable.** `Lake.verify` reads everything and gives a digest per table that depends on the rows alone, not on
  files or order.
- **Forgettable.** `Lake.erase` leaves no byte of a learner's rows: not in old versions, the log, or spilled files.

Others must not open the tables themselves, and must not erase from or compact a lake on an object store while another
process writes to it: there is no lock across machines. Start with `headway.lake.lake`; import it late, for it imports
DuckDB and Delta Lake.
"""
