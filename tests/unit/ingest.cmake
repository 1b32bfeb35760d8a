# unit tests of ingest/
