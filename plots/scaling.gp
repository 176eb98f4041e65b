# Workers and arrival rate over time, and below them, on the same time axis, the backlog.
set multiplot

# Where there are many decisions each gets little space.
thick = decisions > 300 ? 3 : 5
thin  = decisions > 300 ? 1 : 2

set lmargin at screen 0.09
set rmargin at screen 0.90
set xrange [time_from:time_to]
set xtics time_step

set tmargin at screen 0.83
set bmargin at screen 0.41
set format x ''
set yrange [0:workers_top]
set ytics 0,workers_step textcolor rgb blue
set label 3 'workers' at screen 0.02,0.62 center rotate textcolor rgb blue
set y2range [0:arrival_top]
set format y2 numbers(arrival_top)
set y2tics 0,arrival_step textcolor rgb vermilion
set label 4 'arrival rate (events/s)' at screen 0.98,0.62 center rotate textcolor rgb vermilion

# What may be missing is a macro: for a loop that draws nothing the key would still keep a place.
unknown = arrival_unknown_count == 0 ? "" : \
    "$arrival_unknown using 1:(0):1:2:(0):(workers_top) with boxxyerror fillcolor rgb pale" \
    ." title 'rate unknown',"

# The line of what is desired lies on that of what there is, so that it is seen where they agree, too.
plot @unknown \
     $arrival using 1:2:(0) axes x1y2 with filledcurves fillcolor rgb orange \
         fillstyle transparent solid 0.22 notitle, \
     $arrival using 1:2 axes x1y2 with lines linecolor rgb vermilion linewidth thin \
         title 'arrival rate', \
     $workers using 1:2 with lines linecolor rgb blue linewidth thick title 'running, starting', \
     $desired using 1:2 with lines linecolor rgb 'black' linewidth 0.25 * thick dashtype (25,15) \
         title 'workers desired'

do for [i = 1:4] { unset label i }
unset y2tics
set tmargin at screen 0.37
set bmargin at screen 0.11
set format x '%.10g'
set label 5 'backlog (events)' at screen 0.02,0.24 center rotate textcolor rgb green
set label 6 time_label at screen 0.495,0.03 center textcolor rgb dark
set yrange [0:backlog_top]
set format y numbers(backlog_top)
set ytics 0,backlog_step textcolor rgb green
set key off

plot for [i = 1:backlog_unknown_count > 0] $backlog_unknown using 1:(0):1:2:(0):(backlog_top) \
         with boxxyerror fillcolor rgb pale, \
     $backlog using 1:2:(0) with filledcurves fillcolor rgb green \
         fillstyle transparent solid 0.22, \
     $backlog using 1:2 with linespoints linecolor rgb green linewidth 1.5 * thin \
         pointtype 7 pointsize 0.15 * mark * thin

unset multiplot
