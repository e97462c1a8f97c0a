"""Live records: validation, the durable inbox, and what is asked of it before the lake has them."""
