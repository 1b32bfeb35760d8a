# unit tests of ingest/
isaribi_unit_test(NAME rtmp_handshake FLOORS ingest)
isaribi_unit_test(NAME rtmp_command FLOORS ingest)
isaribi_unit_test(NAME rtmp_reply FLOORS ingest)
isaribi_unit_test(NAME advice FLOORS ingest)
