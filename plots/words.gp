# Censored results a second over time, a line at each change of the words, and below them the
# broadcasts.
set multiplot
unset key
set lmargin at screen 0.09
set rmargin at screen 0.97
set xrange [0:time_to]
set xtics time_step

set tmargin at screen 0.81
set bmargin at screen 0.25
set format x ''
set yrange [0:censored_top]
set ytics 0,censored_step
set format y numbers(censored_top)
set label 3 'censored results a second' at screen 0.025,0.53 center rotate textcolor rgb vermilion

small = sprintf(',%.1f', pixel * 21)
change_time(i) = value(sprintf('change_time_%d', i))
change_text(i) = value(sprintf('change_text_%d', i))
change_seen(i) = value(sprintf('change_seen_%d', i))
do for [i = 1:changes] {
    set arrow i from change_time(i), graph 0 to change_time(i), graph 1 nohead front \
        linewidth 2.5 dashtype (10,6) linecolor rgb blue
    if (change_time(i) < 0.9 * time_to) {
        set label 10 + 2 * i cut(change_text(i), 24) at change_time(i), graph 1.075 center \
            textcolor rgb blue
        set label 11 + 2 * i change_seen(i) at change_time(i), graph 1.028 center \
            font small textcolor rgb dark
    } else {
        set label 10 + 2 * i cut(change_text(i), 24) at time_to, graph 1.075 right \
            textcolor rgb blue
        set label 11 + 2 * i change_seen(i) at time_to, graph 1.028 right \
            font small textcolor rgb dark
    }
}
plot $censored using 1:2:(0) with filledcurves fillcolor rgb orange \
         fillstyle transparent solid 0.3, \
     $censored using 1:2 with lines linecolor rgb vermilion linewidth 3

do for [i = 1:11 + 2 * changes] { unset label i }
do for [i = 1:changes] {
    unset arrow i
    set arrow i from change_time(i), graph 0 to change_time(i), graph 1 nohead \
        linewidth 2.5 dashtype (10,6) linecolor rgb blue
}
set tmargin at screen 0.215
set bmargin at screen 0.125
set format x '%.10g'
set yrange [0:1]
unset ytics
set label 1 'broadcasts' at screen 0.08,0.17 right textcolor rgb green font small
set label 2 'time (s)' at screen 0.53,0.035 center textcolor rgb dark
plot for [i = 1:broadcasts_count > 0] $broadcasts using 1:(0.5) with points pointtype 7 \
         pointsize 3 * mark linecolor rgb green, \
     '+' using (NaN):(NaN) every ::0::0 with points
unset multiplot
