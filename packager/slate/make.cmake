# SPDX-License-Identifier: Apache-2.0
# Makes OUT, the built-in slate, as a byte stream of H.264: ISARIBI, the fires of fishing boats at night. 2 s at 30 pictures
# a second, one key frame, no reordered pictures, a delimiter before each access unit. One thread and no metadata: the
# same ffmpeg gives the same bytes.
#
# cmake -DFFMPEG=... -DFONT=... -DOUT=slate.h264 -P make.cmake
set(horizon 452)
set(boat 890)
set(lamps 437) # how high they hang

# Pseudo-random, 0 to 1, by place alone.
set(hash "mod(abs(sin(X*12.9898+Y*78.233)*43758.5453)\\,1)")
set(lamp "hypot(X-${boat}\\,(Y-${lamps})*1.25)")
set(glow "(exp(-${lamp}/150)*0.40+exp(-${lamp}/34)*0.55)")
# Sky and sea: how far from the horizon, 0 there to 1 at the edge of the picture.
set(up "((${horizon}-Y)/${horizon})")
set(down "((Y-${horizon})/(720-${horizon}))")
set(is_sea "gte(Y\\,${horizon})")
set(star "gt(${hash}\\,0.99945)*lt(Y\\,${horizon}-70)*(40+170*pow(mod(${hash}*7919\\,1)\\,3))*(0.25+0.75*${up})")
# Waves lie closer together towards the horizon.
set(wave "(0.5+0.5*sin(260*log(1.08+${down})+2.1*sin(X/(26+170*${down}))+X/(60+300*${down})))")
set(far_lights "(exp(-hypot(X-1128\\,(Y-${horizon}+3)*1.3)/3.2)*0.8+exp(-hypot(X-246\\,(Y-${horizon}+2)*1.3)/2.6)*0.6)")

# channel: top of the sky, horizon, sea near, sea far, and how much of the lamps' warmth
function(still channel top at_horizon sea_far sea_near warmth)
	set(sky "(${at_horizon}+(${top}-${at_horizon})*pow(${up}\\,0.55))")
	set(sea "((${sea_far}+(${sea_near}-${sea_far})*pow(${down}\\,0.6))*(0.80+0.34*${wave}))")
	set(light "${warmth}*(if(${is_sea}\\,0.30*${glow}*(0.35+0.9*${wave})\\,${glow})+${far_lights})")
	set(${channel} "clip(if(${is_sea}\\,${sea}\\,${sky}+${star})+${light}+1.6*(${hash}-0.5)\\,0\\,255)" PARENT_SCOPE)
endfunction()
still(red 7 34 20 3 235)
still(green 12 50 34 9 158)
still(blue 30 84 62 24 84)

# The lamps' way over the water: a column of streaks that move, as long as the loop lasts.
set(way_width 420)
math(EXPR way_height "720-${horizon}")
set(depth "(Y/${way_height})")
set(spread "(11+74*${depth})")
set(bend "(9*sin(Y/(5+26*${depth})-PI*T)*(0.25+${depth}))")
set(column "exp(-pow((X-${way_width}/2+${bend})/${spread}\\,2))")
set(streak "pow(0.5+0.5*sin(52*log(1.12+${depth})*3.2-2*PI*T+X/(34+60*${depth}))\\,2.2)")
set(twinkle "(0.72+0.28*sin(17*log(1.2+${depth})+2*PI*T+X/21))")
set(way "${column}*(0.10+0.90*${streak})*${twinkle}*exp(-2.1*${depth})")

# The boat against its own light: hull, cabin, mast, and its lamps in a row.
math(EXPR bow "${boat}-48")
math(EXPR deck "${horizon}-6")
math(EXPR cabin_x "${boat}+20")
math(EXPR cabin_y "${horizon}-15")
math(EXPR left "${boat}-210")
set(hull "drawbox=x=${bow}:y=${deck}:w=96:h=5:color=0x05070c:t=fill,drawbox=x=${bow}+5:y=${deck}+5:w=84:h=3:color=0x05070c:t=fill")
set(cabin "drawbox=x=${cabin_x}:y=${cabin_y}:w=20:h=10:color=0x070a10:t=fill,drawbox=x=${boat}-36:y=${lamps}-3:w=2:h=14:color=0x070a10:t=fill,drawbox=x=${boat}+12:y=${lamps}-8:w=2:h=18:color=0x070a10:t=fill")
set(row "")
foreach(offset -30 -20 -10 0)
	math(EXPR x "${boat}+${offset}")
	string(APPEND row ",drawbox=x=${x}-1:y=${lamps}:w=4:h=4:color=0xfff3d8:t=fill,drawbox=x=${x}-2:y=${lamps}+1:w=6:h=2:color=0xffe2ae:t=fill")
endforeach()
set(ja "drawtext=fontfile='${FONT}':text='しばらくおまちください':fontsize=50:fontcolor=0xf3ead8:x=120:y=214")
set(en "drawtext=fontfile='${FONT}':text='One moment, please':fontsize=27:fontcolor=0xb9c3d6:x=122:y=290")

set(graph "color=c=black:s=1280x720:r=15:d=0.05,format=gbrp,geq=r='${red}':g='${green}':b='${blue}',${hull},${cabin}${row},${ja},${en},format=gbrp,loop=loop=33:size=1,setpts=N/15/TB[still];")
string(APPEND graph "color=c=black:s=${way_width}x${way_height}:r=15:d=2.2,format=gray,geq=lum='255*${way}',format=gbrp,lutrgb=r=val*0.95:g=val*0.68:b=val*0.38,pad=1280:720:${left}:${horizon}[way];")
string(APPEND graph "[still][way]blend=all_mode=screen,fps=30,format=yuv420p")

execute_process(COMMAND "${FFMPEG}" -v error -nostdin -y -filter_threads 1 -filter_complex_threads 1
		-filter_complex "${graph}" -frames:v 60 -fflags +bitexact -flags:v +bitexact -map_metadata -1
		-c:v libx264 -threads 1 -preset slow -profile:v high -level 3.1 -crf 21 -bf 0 -g 60 -keyint_min 60 -sc_threshold 0
		-x264-params "aud=1:open-gop=0:aq-mode=3:aq-strength=1.1"
		-bsf:v filter_units=remove_types=6 -f h264 "${OUT}" COMMAND_ERROR_IS_FATAL ANY)
