# unit tests of what is pure in programs/
set(programs "${CMAKE_SOURCE_DIR}/programs")
isaribi_unit_test(NAME isaribi_plan SOURCES "${programs}/isaribi_plan.c" FLOORS config base)
isaribi_unit_test(NAME isaribi_restart SOURCES "${programs}/isaribi_restart.c" FLOORS base)
isaribi_unit_test(NAME isaribi_urls SOURCES "${programs}/isaribi_urls.c" FLOORS config base)
isaribi_unit_test(NAME node_links SOURCES "${programs}/node_links.c" FLOORS relay config base)
isaribi_unit_test(NAME node_on_air SOURCES "${programs}/node_on_air.c" FLOORS relay config base)
