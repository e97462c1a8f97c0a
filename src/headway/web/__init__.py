"""The pages: server-rendered, for people. Each page is one module in `pages`; no logic, only flow calls and queries."""
