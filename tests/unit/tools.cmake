isaribi_unit_test(NAME ts_tools FLOORS test_client)
