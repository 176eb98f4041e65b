# Rate against requests, a mark for each run and a line through the means.
set datafile separator comma
set lmargin at screen 0.10
set rmargin at screen 0.96
set tmargin at screen 0.86
set bmargin at screen 0.15
set logscale x 10
set xrange [*:*] noextend
set format x '%.0s%c'
set yrange [0:*]
set xlabel 'requests' offset 0,-0.5 textcolor rgb dark
set format y '%.0s%c'
set ylabel 'consumed (events/s)' offset -1.5,0 textcolor rgb blue
set offsets 0,0,graph 0.1,0
set key off
plot data using 1:3 skip 1 smooth unique with lines linecolor rgb blue linewidth 5, \
     data using 1:3 skip 1 with points pointtype 6 pointsize 2.2 * mark linewidth 3 linecolor rgb vermilion
