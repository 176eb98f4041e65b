# S against the number of workers for each service time, and the line that all would follow at best.
set datafile separator comma
set lmargin at screen 0.09
set rmargin at screen 0.96
set tmargin at screen 0.82
set bmargin at screen 0.15
set xrange [0.7:8.3]
set yrange [0:8.5]
set xtics 1
set ytics 1
set xlabel 'workers' offset 0,-0.5 textcolor rgb dark
set ylabel 'speed-up S' offset -1,0 textcolor rgb dark
of(ms) = sprintf('< awk -F, ''NR > 1 && $1 == %d'' "%s"', ms, data)
plot x with lines linecolor rgb 'black' linewidth 2.5 dashtype (10,6) title 'ideal', \
     of(5) using 2:4 with linespoints linecolor rgb blue linewidth 5 pointtype 7 pointsize 2.2 * mark title '5 ms', \
     of(1) using 2:4 with linespoints linecolor rgb vermilion linewidth 4 pointtype 9 pointsize 2.6 * mark title '1 ms', \
     of(0) using 2:4 with linespoints linecolor rgb green linewidth 4 pointtype 5 pointsize 2.2 * mark title 'filter alone'
