# Workers over time, stacked by node, with a line at each mark; below them, who led, and the arrival
# rate.
set multiplot
set lmargin at screen 0.09
set rmargin at screen 0.97
set xrange [0:time_to]
set xtics time_step

colour(i) = word(blue.' '.orange.' '.green.' #56b4e9 #cc79a7 '.vermilion, i)
node(i) = value(sprintf('node_%d', i))
mark_time(i) = value(sprintf('mark_time_%d', i))
mark_text(i) = value(sprintf('mark_text_%d', i))
small = sprintf(',%.1f', pixel * 20)

set tmargin at screen 0.735
set bmargin at screen 0.375
set format x ''
set yrange [0:workers_top]
set ytics 0,workers_step
set label 3 'workers' at screen 0.02,0.555 center rotate textcolor rgb dark

# Neighbouring marks have their words in different lines, the first highest: no line crosses words.
do for [i = 1:marks] {
    row = 0.022 + 0.062 * (2 - (i - 1) % 3)
    set arrow i from mark_time(i), graph 0 to mark_time(i), graph 1 + row nohead front \
        linewidth 2 dashtype (8,6) linecolor rgb vermilion
    if (mark_time(i) < 0.82 * time_to) {
        set label 10 + i cut(mark_text(i), 28) at mark_time(i), graph 1.02 + row left \
            offset character 0.4,0 font small textcolor rgb vermilion
    } else {
        set label 10 + i cut(mark_text(i), 28) at mark_time(i), graph 1.02 + row right \
            offset character -0.4,0 font small textcolor rgb vermilion
    }
}
set key at screen 0.53,0.872
plot for [i = 1:nodes] $bands index i - 1 using 1:2:3 with filledcurves \
         fillcolor rgb colour(i) fillstyle solid 0.75 title node(i), \
     $desired using 1:2 with lines linecolor rgb 'black' linewidth 2 dashtype (12,7) \
         title 'workers desired'

do for [i = 1:10 + marks] { unset label i }
do for [i = 1:marks] {
    unset label 10 + i
    unset arrow i
    set arrow i from mark_time(i), graph 0 to mark_time(i), graph 1 nohead front \
        linewidth 2 dashtype (8,6) linecolor rgb vermilion
}
set key off
set tmargin at screen 0.345
set bmargin at screen 0.305
set yrange [0:1]
unset ytics
set label 1 'leader' at screen 0.08,0.325 right textcolor rgb dark
plot for [i = 1:nodes] $leaders using ($3 == i ? $1 : NaN):(0):1:2:(0):(1) with boxxyerror \
         fillcolor rgb colour(i) fillstyle solid 0.75

unset label 1
set tmargin at screen 0.275
set bmargin at screen 0.115
set format x '%.10g'
set yrange [0:arrival_top]
set ytics 0,arrival_step
set format y numbers(arrival_top)
set label 4 'events/s' at screen 0.02,0.195 center rotate textcolor rgb dark
set label 5 'time (s)' at screen 0.53,0.035 center textcolor rgb dark
plot $arrival using 1:2:(0) with filledcurves fillcolor rgb dark fillstyle transparent solid 0.15, \
     $arrival using 1:2 with lines linecolor rgb dark linewidth 2
unset multiplot
