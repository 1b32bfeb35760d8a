# unit tests of media/
isaribi_unit_test(NAME timeline FLOORS media)
