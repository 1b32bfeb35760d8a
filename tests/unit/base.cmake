# unit tests of base/
isaribi_unit_test(NAME bytes FLOORS base)
