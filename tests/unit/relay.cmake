# unit tests of relay/
isaribi_unit_test(NAME slots FLOORS relay)
isaribi_unit_test(NAME ring FLOORS relay SOURCES relay_fixture.c)
isaribi_unit_test(NAME cursor FLOORS relay SOURCES relay_fixture.c)
