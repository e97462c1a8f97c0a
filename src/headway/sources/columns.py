"""SQL fragments with which every source makes ids and local dates for whole columns."""

from headway.domain.records import ID_NAMESPACE


def id_sql(source: str, kind: str, native_id: str) -> str:
    """A DuckDB expression for `domain.records.record_id`, where `native_id` is an SQL expression of type VARCHAR.

    UUIDv5 (RFC 9562, section 5.5): the first 16 bytes of SHA-1 over namespace and name, with version and variant bits
    set.
    """
    prefix = f"{source}\x1f{kind}\x1f".encode()
    head = (ID_NAMESPACE.bytes + prefix).hex()
    digest = f"sha1(from_hex('{head}') || encode({native_id}))"
    variant = f"substr('89ab', (position(substr({digest}, 17, 1) IN '0123456789abcdef') - 1) % 4 + 1, 1)"
    return (
        f"from_hex(substr({digest}, 1, 12) || '5' || substr({digest}, 14, 3) || {variant} || substr({digest}, 18, 15))"
    )
