# unit tests of ingest/
isaribi_unit_test(NAME rtmp_handshake FLOORS ingest)
isaribi_unit_test(NAME rtmp_command FLOORS ingest SOURCES rtmp_bench.c)
isaribi_unit_test(NAME rtmp_clients FLOORS ingest SOURCES rtmp_bench.c)
isaribi_unit_test(NAME rtmp_reply FLOORS ingest)
isaribi_unit_test(NAME advice FLOORS ingest)
isaribi_unit_test(NAME streamid FLOORS ingest)
isaribi_unit_test(NAME door FLOORS ingest)
isaribi_unit_test(NAME session FLOORS ingest SOURCES relay_fixture.c relay_house.c)
