# A row a policy: on the left what it cost, on the right the wait that 95 % of the events did not
# exceed.
set multiplot
unset key
set tmargin at screen 0.86
set bmargin at screen 0.13
set yrange [policies + 0.6:0.4]
unset grid
set grid xtics linetype 1 linewidth 1 linecolor rgb '#dddddd'
name(i) = value(sprintf('name_%d', i))
ratio(i) = value(sprintf('ratio_%d', i))
wait(i) = value(sprintf('wait_%d', i))
small = sprintf(',%.1f', pixel * (policies > 20 ? 14 : 21))

set lmargin at screen 0.20
set rmargin at screen 0.58
# Labels, because a % in the text of a tic is the beginning of a format.
unset ytics
do for [i = 1:policies] { set label 10 + i cut(name(i), 20) at graph -0.02,first i right textcolor rgb dark }
set xrange [0:most_ratio * 1.22]
set label 3 'worker-seconds / seconds of work' at screen 0.39,0.035 center textcolor rgb dark
plot for [i = 1:policies] '+' using (0):(i):(0):(ratio(i)):(i - 0.32):(i + 0.32) every ::0::0 \
         with boxxyerror fillcolor rgb blue, \
     for [i = 1:policies] '+' using (ratio(i)):(i):(sprintf(' %.2f', ratio(i))) every ::0::0 \
         with labels left font small textcolor rgb dark

do for [i = 1:3] { unset label i }
do for [i = 1:policies] { unset label 10 + i }
set lmargin at screen 0.62
set rmargin at screen 0.96
unset ytics
set logscale x
set xrange [1:most_ms * 6]
set format x '%.0s%c'
set label 4 'p95 wait (ms)' at screen 0.79,0.035 center textcolor rgb dark
known(i) = wait(i) == wait(i)
end(i) = known(i) ? wait(i) : 1
number(i) = wait(i) < 9999.5 ? sprintf(' %.0f', wait(i)) : sprintf(' %.0fk', wait(i) / 1000)
text(i) = !known(i) ? ' no queue' : wait(i) <= 1 ? ' < 1' : number(i)
plot for [i = 1:policies] '+' using (1):(i):(1):(end(i)):(i - 0.32):(i + 0.32) every ::0::0 \
         with boxxyerror fillcolor rgb vermilion, \
     for [i = 1:policies] '+' using (end(i)):(i):(text(i)) every ::0::0 \
         with labels left font small textcolor rgb dark
unset multiplot
