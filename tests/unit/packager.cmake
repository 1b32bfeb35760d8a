# unit tests of packager/
add_executable(package_flv ../tools/package_flv.c)
target_link_libraries(package_flv PRIVATE isaribi_packager)
