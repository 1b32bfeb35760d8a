# unit tests of config/
isaribi_unit_test(NAME config_error FLOORS config)
isaribi_unit_test(NAME id FLOORS config)
isaribi_unit_test(NAME nearest FLOORS config)
isaribi_unit_test(NAME text_file FLOORS config)
isaribi_unit_test(NAME listen_address FLOORS config)
isaribi_unit_test(NAME option FLOORS config)
isaribi_unit_test(NAME ini FLOORS config)
