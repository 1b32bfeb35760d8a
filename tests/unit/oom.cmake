# Can the rerun with failing allocations hear? Five cases must be found, by what is wrong with them, and three must not.
add_executable(oom_self oom_self.c ${ISARIBI_OOM_SOURCES})
target_link_options(oom_self PRIVATE ${ISARIBI_OOM_WRAP})
pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET GLOBAL cmocka)
target_link_libraries(oom_self PRIVATE isaribi_flags PkgConfig::cmocka)
add_test(NAME oom.self COMMAND oom_self)
string(CONCAT heard
	"forgets_to_look: allocation 1: a sanitizer.*leaks_on_the_error_path: allocation 1: a sanitizer"
	".*leaks_on_the_error_path: allocation 2: a sanitizer.*aborts: allocation 1: Aborted"
	".*uses_what_was_freed: allocation 2: a sanitizer.*forgets_to_look_late: allocation 100: a sanitizer"
	".*8 cases, 0 cut short, [0-9]+ of [0-9]+ allocations failed, 6 findings")
set_tests_properties(oom.self PROPERTIES TIMEOUT 120 LABELS oom ENVIRONMENT "ISARIBI_OOM=1;ISARIBI_OOM_SECONDS=30" PASS_REGULAR_EXPRESSION "${heard}")
