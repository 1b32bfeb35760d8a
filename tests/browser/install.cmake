# SPDX-License-Identifier: Apache-2.0
# Fetches what package-lock.json pins into MODULES, once per lock. No script of any package is run.
file(SHA256 "${SOURCE}/package-lock.json" want)
set(stamp "${MODULES}/lock.sha256")
set(have "")
if(EXISTS "${stamp}")
	file(READ "${stamp}" have)
endif()
if(have STREQUAL want)
	return()
endif()
file(COPY "${SOURCE}/package.json" "${SOURCE}/package-lock.json" "${SOURCE}/.npmrc" DESTINATION "${MODULES}")
execute_process(COMMAND npm ci --ignore-scripts --no-audit --no-fund WORKING_DIRECTORY "${MODULES}"
	COMMAND_ERROR_IS_FATAL ANY)
file(WRITE "${stamp}" "${want}")
