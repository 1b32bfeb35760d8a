# unit tests of packager/
isaribi_unit_test(NAME deliver_path FLOORS packager)
isaribi_unit_test(NAME deliver FLOORS packager)
isaribi_unit_test(NAME deliver_waiting FLOORS packager)
isaribi_unit_test(NAME cutter FLOORS packager SOURCES part_fixture.c)
isaribi_unit_test(NAME cutter_codecs FLOORS packager SOURCES part_fixture.c)
isaribi_unit_test(NAME playlist FLOORS packager SOURCES part_fixture.c)
isaribi_unit_test(NAME playlist_query FLOORS packager)
isaribi_unit_test(NAME live_edge FLOORS packager)
isaribi_unit_test(NAME segment_store FLOORS packager SOURCES part_fixture.c shop.c)
isaribi_unit_test(NAME segment_waiters FLOORS packager SOURCES part_fixture.c shop.c)

# What the packager makes of a file, for tests with real readers.
add_executable(package_flv ../tools/package_flv.c)
target_link_libraries(package_flv PRIVATE isaribi_packager)
add_test(NAME tool.package_flv COMMAND "${CMAKE_SOURCE_DIR}/tests/tools/package_flv.sh" $<TARGET_FILE:package_flv>)
set_tests_properties(tool.package_flv PROPERTIES TIMEOUT 120 SKIP_RETURN_CODE 77)
