# unit tests of packager/
isaribi_unit_test(NAME deliver_path FLOORS packager)
isaribi_unit_test(NAME deliver FLOORS packager)
isaribi_unit_test(NAME cutter FLOORS packager SOURCES part_fixture.c)

# What the packager makes of a file, for tests with real readers.
add_executable(package_flv ../tools/package_flv.c)
target_link_libraries(package_flv PRIVATE isaribi_packager)
