# SPDX-License-Identifier: Apache-2.0
# Runs npm ci when what is installed is not what the lock says. SOURCE: web/; MODULES: where node_modules goes.
file(SHA256 "${SOURCE}/package-lock.json" want)
set(stamp "${MODULES}/lock.sha256")
set(have "")
if(EXISTS "${stamp}" AND EXISTS "${MODULES}/node_modules/hls.js/dist/hls.light.min.js")
	file(READ "${stamp}" have)
endif()
if(NOT have STREQUAL want)
	file(REMOVE "${stamp}")
	file(COPY "${SOURCE}/package.json" "${SOURCE}/package-lock.json" "${SOURCE}/.npmrc" DESTINATION "${MODULES}")
	execute_process(COMMAND "${NPM}" ci --ignore-scripts --no-audit --no-fund
		WORKING_DIRECTORY "${MODULES}" RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
	if(NOT result EQUAL 0)
		message(FATAL_ERROR "npm ci failed (is the network there?)\n${output}")
	endif()
endif()
file(WRITE "${stamp}" "${want}")
