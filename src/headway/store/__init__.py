"""The SQL database of what people decided and were shown: engine, transactions, tables, migrations."""
