# unit tests of relay/
isaribi_unit_test(NAME slots FLOORS relay)
isaribi_unit_test(NAME ring FLOORS relay SOURCES relay_fixture.c)
isaribi_unit_test(NAME cursor FLOORS relay SOURCES relay_fixture.c)
isaribi_unit_test(NAME rtmp_image FLOORS relay SOURCES relay_fixture.c)
isaribi_unit_test(NAME rtmp_intro FLOORS relay SOURCES relay_fixture.c)
isaribi_unit_test(NAME token FLOORS relay)
isaribi_unit_test(NAME gate FLOORS relay)
isaribi_unit_test(NAME stats FLOORS relay)
