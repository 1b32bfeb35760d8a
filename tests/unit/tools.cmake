isaribi_unit_test(NAME ts_tools FLOORS test_client)
isaribi_unit_test(NAME hls_tools FLOORS test_hls)
# unit tests of what is pure in tests/tools/
isaribi_unit_test(NAME link_loss FLOORS link_emulator)
isaribi_unit_test(NAME link_heap FLOORS link_emulator)
isaribi_unit_test(NAME link_path FLOORS link_emulator)
isaribi_unit_test(NAME link_change FLOORS link_emulator)
isaribi_unit_test(NAME link_script FLOORS link_emulator)
isaribi_unit_test(NAME link_address FLOORS link_emulator)
