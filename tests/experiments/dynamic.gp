# Workers and arrival rate over time: Winnow above, the other design below when it ran.
set datafile separator comma
set multiplot
both = theirs ne ''
of(design) = sprintf('< awk -F, ''NR > 1 && $1 == "%s"'' "%s"', design, data)
stats of('winnow') using 2 nooutput
until = STATS_max # the other design is recorded for longer
set lmargin at screen 0.09
set rmargin at screen 0.90
set xrange [0:until]
set yrange [0:12.5]
set y2range [0:2500]
set ytics 0,2 textcolor rgb blue
set y2tics 0,500 textcolor rgb vermilion
set label 3 'workers' at screen 0.02,0.48 center rotate textcolor rgb blue
set label 4 'arrival rate (events/s)' at screen 0.98,0.48 center rotate textcolor rgb vermilion
bottom = both ? 0.51 : 0.12
set tmargin at screen 0.83
set bmargin at screen bottom
if (both) { set format x '' } else { set xlabel 'time (s)' }
set label 5 ours at graph 0.015,0.91 left textcolor rgb 'black'
plot of('winnow') using 2:3 axes x1y2 with fillsteps fillcolor rgb orange fillstyle transparent solid 0.22 notitle, \
     of('winnow') using 2:3 axes x1y2 with steps linecolor rgb vermilion linewidth 2 title 'arrival rate, as measured', \
     of('winnow') using 2:5 with steps linecolor rgb blue linewidth 5 title 'running, starting'
if (both) {
    do for [i = 1:4] { unset label i }
    set key off
    set tmargin at screen 0.47
    set bmargin at screen 0.12
    set format x '%.10g'
    set label 5 theirs
    set label 6 'time (s)' at screen 0.495,0.03 center textcolor rgb dark
    plot of('baseline') using 2:3 axes x1y2 with fillsteps fillcolor rgb orange fillstyle transparent solid 0.22, \
         of('baseline') using 2:3 axes x1y2 with steps linecolor rgb vermilion linewidth 2, \
         of('baseline') using 2:5 with steps linecolor rgb blue linewidth 5
}
unset multiplot
