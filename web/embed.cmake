# SPDX-License-Identifier: Apache-2.0
# Makes assets_table.c and assets_data.S of the files below. A script's URL holds its version or a hash of its content,
# so browsers and caches may keep it for ever; pages name scripts as @watch.js@ and get the URL.
set(out "${BINARY}/embedded")
file(REMOVE_RECURSE "${out}")
file(MAKE_DIRECTORY "${out}")

file(READ "${MODULES}/node_modules/hls.js/package.json" package)
string(JSON hls_version GET "${package}" version)
set(table "")
set(data "	.section .rodata\n")
set(count 0)

# name: as pages write it; url: its path; type; is_immutable: true or false; file: what to embed
function(embed url type is_immutable file)
	set(plain "${out}/${count}")
	file(COPY_FILE "${file}" "${plain}")
	execute_process(COMMAND "${GZIP}" -9n -c "${plain}" OUTPUT_FILE "${plain}.gz" COMMAND_ERROR_IS_FATAL ANY)
	file(SHA256 "${plain}" hash)
	string(SUBSTRING "${hash}" 0 16 hash)
	foreach(kind data gzip)
		set(path "${plain}")
		if(kind STREQUAL gzip)
			set(path "${plain}.gz")
		endif()
		file(SIZE "${path}" ${kind}_size)
		string(APPEND data "	.balign 16\n	.global web_${kind}_${count}\nweb_${kind}_${count}:\n	.incbin \"${path}\"\n")
		string(APPEND externs "extern const uint8_t web_${kind}_${count}[];\n")
	endforeach()
	string(APPEND table "	{ \"${url}\", \"${type}\", ${is_immutable}, web_data_${count}, ${data_size}, web_gzip_${count}, "
		"${gzip_size}, \"\\\"${hash}\\\"\" },\n")
	math(EXPR count "${count} + 1")
	foreach(name table data externs count)
		set(${name} "${${name}}" PARENT_SCOPE)
	endforeach()
endfunction()

# Sets url_NAME to /assets/STEM-HASH.EXT
function(hashed_url name file)
	file(SHA256 "${file}" hash)
	string(SUBSTRING "${hash}" 0 10 hash)
	string(REGEX REPLACE "^(.*)\\.([a-z]+)$" "/assets/\\1-${hash}.\\2" url "${name}")
	set("url_${name}" "${url}" PARENT_SCOPE)
endfunction()

set(script "text/javascript; charset=utf-8")
set(hls "${MODULES}/node_modules/hls.js")
set(url_hls.js "/assets/hls-${hls_version}.light.min.js")
set(url_hls.worker.js "/assets/hls-${hls_version}.worker.js")
hashed_url(watch.js "${SOURCE}/watch/watch.js")
hashed_url(watch.css "${SOURCE}/watch/watch.css")

file(READ "${SOURCE}/watch/index.html" page)
foreach(name hls.js hls.worker.js watch.js watch.css)
	string(REPLACE "@${name}@" "${url_${name}}" page "${page}")
endforeach()
file(WRITE "${out}/watch.html" "${page}")

embed("/watch/" "text/html; charset=utf-8" false "${out}/watch.html")
embed("${url_watch.js}" "${script}" true "${SOURCE}/watch/watch.js")
embed("${url_watch.css}" "text/css; charset=utf-8" true "${SOURCE}/watch/watch.css")
embed("${url_hls.js}" "${script}" true "${hls}/dist/hls.light.min.js")
embed("${url_hls.worker.js}" "${script}" true "${hls}/dist/hls.worker.js")
embed("/assets/hls-${hls_version}.license.txt" "text/plain; charset=utf-8" true "${hls}/LICENSE")

file(WRITE "${BINARY}/assets_data.S" "${data}	.section .note.GNU-stack,\"\",@progbits\n")
file(WRITE "${BINARY}/assets_table.c" "/* made by web/embed.cmake */
#include \"web/assets.h\"

${externs}
const struct web_asset web_assets[] = {
${table}};
const size_t web_assets_count = ${count};
")
