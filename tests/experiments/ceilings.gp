# A bar for each case, the bare loop's and the farm's in different colours.
set datafile separator comma
set lmargin at screen 0.10
set rmargin at screen 0.97
set tmargin at screen 0.82
set bmargin at screen 0.10
set yrange [0:*]
set offsets 0,0,graph 0.08,0
set xrange [-0.6:6.6]
set boxwidth 0.66
set format y '%.0s%c'
set ylabel 'events/s' offset -1.5,0 textcolor rgb dark
set grid noxtics
is(who) = strcol(1) eq who ? $3 : NaN
plot data using 0:(is('broker')):xtic(2) skip 1 with boxes fillcolor rgb '#80e69f00' title 'bare loop: the ceiling', \
     data using 0:(is('farm')) skip 1 with boxes fillcolor rgb blue title 'Winnow', \
     data using 0:3:4:5 skip 1 with yerrorbars pointtype 7 pointsize 0.5 * mark linewidth 2 linecolor rgb 'black' notitle, \
     data using ($0):($5):(sprintf('%.1fk', $3 / 1000)) skip 1 with labels offset 0,0.9 textcolor rgb 'black' notitle
