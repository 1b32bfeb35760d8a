# unit tests of base/
isaribi_unit_test(NAME bytes FLOORS base)
isaribi_unit_test(NAME burst FLOORS base)
isaribi_unit_test(NAME loop FLOORS base)
isaribi_unit_test(NAME loop_resolve FLOORS base)
isaribi_unit_test(NAME http_text FLOORS base)
isaribi_unit_test(NAME http_range FLOORS base)
isaribi_unit_test(NAME http FLOORS base)
isaribi_unit_test(NAME tls FLOORS base)
