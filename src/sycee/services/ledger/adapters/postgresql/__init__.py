"""The ledger on PostgreSQL: one fenced writer, COPY, and constraints that refuse on their own."""
