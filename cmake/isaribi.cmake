# SPDX-License-Identifier: Apache-2.0
# How a folder becomes a library, a program or a test: five lines each, and no more anywhere else.

option(ISARIBI_TESTS "build the tests" OFF)
option(ISARIBI_FUZZ "build the fuzz targets with libFuzzer" OFF)
option(ISARIBI_COVERAGE "count what is reached (clang)" OFF)
set(ISARIBI_SANITIZE "" CACHE STRING "comma-separated sanitizers, empty: none")

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
# assert() stays on everywhere: what a programmer got wrong must never run on.
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

add_library(isaribi_flags INTERFACE)
target_include_directories(isaribi_flags INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_definitions(isaribi_flags INTERFACE _POSIX_C_SOURCE=200809L _DEFAULT_SOURCE
	"ISARIBI_VERSION=\"${PROJECT_VERSION}\"")
target_compile_options(isaribi_flags INTERFACE $<$<COMPILE_LANGUAGE:C>:-Wall;-Wextra;-Wshadow;-Wvla;-Wundef;-Wformat=2;-Wswitch-enum;-Wstrict-prototypes;-Wmissing-prototypes;-Wconversion;-Werror>)
if(ISARIBI_SANITIZE)
	target_compile_options(isaribi_flags INTERFACE "-fsanitize=${ISARIBI_SANITIZE}" -fno-omit-frame-pointer)
	target_link_options(isaribi_flags INTERFACE "-fsanitize=${ISARIBI_SANITIZE}")
	if(ISARIBI_SANITIZE MATCHES "undefined")
		target_compile_options(isaribi_flags INTERFACE -fno-sanitize-recover=undefined)
	endif()
endif()
if(ISARIBI_COVERAGE)
	target_compile_options(isaribi_flags INTERFACE -fprofile-instr-generate -fcoverage-mapping)
	target_link_options(isaribi_flags INTERFACE -fprofile-instr-generate)
endif()
if(ISARIBI_FUZZ)
	target_compile_options(isaribi_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# isaribi_library(NAME base SOURCES a.c b.c FLOORS media base PACKAGES libuv)
# FLOORS are our own libraries below, PACKAGES are pkg-config names: together they draw the arrows.
function(isaribi_library)
	cmake_parse_arguments(A "" "NAME" "SOURCES;FLOORS;PACKAGES" ${ARGN})
	set(target "isaribi_${A_NAME}")
	add_library(${target} STATIC ${A_SOURCES})
	target_link_libraries(${target} PUBLIC isaribi_flags Threads::Threads)
	foreach(floor ${A_FLOORS})
		target_link_libraries(${target} PUBLIC "isaribi_${floor}")
	endforeach()
	foreach(package ${A_PACKAGES})
		if(NOT TARGET PkgConfig::${package})
			pkg_check_modules(${package} REQUIRED IMPORTED_TARGET GLOBAL ${package})
		endif()
		target_link_libraries(${target} PUBLIC PkgConfig::${package})
	endforeach()
endfunction()

# isaribi_program(NAME isaribi-node SOURCES a.c FLOORS packager ingest)
function(isaribi_program)
	cmake_parse_arguments(A "" "NAME" "SOURCES;FLOORS" ${ARGN})
	add_executable(${A_NAME} ${A_SOURCES})
	foreach(floor ${A_FLOORS})
		target_link_libraries(${A_NAME} PRIVATE "isaribi_${floor}")
	endforeach()
endfunction()

# What lets a unit test run out of memory (tests/unit/oom.h). strdup and its kin allocate inside the C library.
set(ISARIBI_OOM_SOURCES "${CMAKE_SOURCE_DIR}/tests/unit/oom.c" "${CMAKE_SOURCE_DIR}/tests/unit/oom_folder.c"
	"${CMAKE_SOURCE_DIR}/tests/unit/oom_rerun.c")
set(ISARIBI_OOM_WRAP "-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup,--wrap=strndup,--wrap=open_memstream"
	"-Wl,--wrap=_cmocka_run_group_tests")

# isaribi_unit_test(NAME ring FLOORS relay): tests/unit/test_ring.c with cmocka, run by CTest as unit.ring, and once more
# as oom.ring where a sanitizer sees what goes wrong when its allocations fail
function(isaribi_unit_test)
	cmake_parse_arguments(A "" "NAME" "FLOORS;SOURCES" ${ARGN})
	if(NOT TARGET PkgConfig::cmocka)
		pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET GLOBAL cmocka)
	endif()
	add_executable(test_${A_NAME} "test_${A_NAME}.c" ${A_SOURCES} ${ISARIBI_OOM_SOURCES})
	target_link_options(test_${A_NAME} PRIVATE ${ISARIBI_OOM_WRAP})
	foreach(floor ${A_FLOORS})
		target_link_libraries(test_${A_NAME} PRIVATE "isaribi_${floor}")
	endforeach()
	target_link_libraries(test_${A_NAME} PRIVATE PkgConfig::cmocka)
	add_test(NAME unit.${A_NAME} COMMAND test_${A_NAME} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
	set_tests_properties(unit.${A_NAME} PROPERTIES TIMEOUT 120 LABELS unit)
	if(ISARIBI_SANITIZE MATCHES "address")
		add_test(NAME oom.${A_NAME} COMMAND test_${A_NAME} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
		set_tests_properties(oom.${A_NAME} PROPERTIES TIMEOUT 300 LABELS oom ENVIRONMENT ISARIBI_OOM=1)
	endif()
endfunction()
