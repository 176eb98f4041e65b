# Two bars for each type of queue.
set datafile separator comma
set lmargin at screen 0.10
set rmargin at screen 0.97
set tmargin at screen 0.82
set bmargin at screen 0.10
set yrange [0:*]
set offsets 0,0,graph 0.08,0
set xrange [-0.6:2.6]
set boxwidth 0.34
set format y '%.0s%c'
set ylabel 'events/s' offset -1.5,0 textcolor rgb dark
set grid noxtics
plot data using 0:(NaN):xtic(1) skip 1 with points notitle, \
     data using ($0 - 0.18):2 skip 1 with boxes fillcolor rgb '#80e69f00' title 'published', \
     data using ($0 + 0.18):5 skip 1 with boxes fillcolor rgb blue title 'worked off by one worker', \
     data using ($0 - 0.18):2:3:4 skip 1 with yerrorbars pointtype 7 pointsize 0.5 * mark linewidth 2 linecolor rgb 'black' notitle, \
     data using ($0 + 0.18):5:6:7 skip 1 with yerrorbars pointtype 7 pointsize 0.5 * mark linewidth 2 linecolor rgb 'black' notitle, \
     data using ($0 - 0.18):4:(sprintf('%.1fk', $2 / 1000)) skip 1 with labels offset 0,0.9 textcolor rgb 'black' notitle, \
     data using ($0 + 0.18):7:(sprintf('%.1fk', $5 / 1000)) skip 1 with labels offset 0,0.9 textcolor rgb 'black' notitle
