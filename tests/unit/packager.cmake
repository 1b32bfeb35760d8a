# unit tests of packager/
isaribi_unit_test(NAME deliver_path FLOORS packager)
isaribi_unit_test(NAME deliver FLOORS packager)
