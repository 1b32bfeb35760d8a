# unit tests of ingest/
isaribi_unit_test(NAME rtmp_handshake FLOORS ingest)
