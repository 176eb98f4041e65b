# Workers against the arrival rate, a mark for each decision.
set lmargin at screen 0.07
set rmargin at screen 0.97
set tmargin at screen 0.83
set bmargin at screen 0.15
set xrange [0:arrival_top]
set format x numbers(arrival_top)
set xtics 0,arrival_step
set label 3 'arrival rate (events/s)' at screen 0.52,0.075 center textcolor rgb dark
set yrange [0:workers_top]
set ytics 0,workers_step
set label 4 'workers' at screen 0.02,0.49 center rotate textcolor rgb dark

small = sprintf(',%.1f', pixel * 22)
if (by_formula && formula_known) {
    set label 5 (formula_varies ? 'above the band' : 'above the line') \
        .': a backlog to clear as well' at screen 0.07,0.025 left font small textcolor rgb dark
}
if (unplaced_count > 0) {
    set label 6 sprintf('not shown: %d with the arrival rate unknown', unplaced_count) \
        at screen 0.97,0.025 right font small textcolor rgb dark
}

# What may be missing is a macro: for a loop that draws nothing the key would still keep a place.
# The dashes come twice when the capacity varied: for the lowest and for the highest.
dashes = "with lines linecolor rgb 'black' linewidth 2.5 dashtype (10,6)"
band = !formula_varies ? "" : \
    "$formula using 1:2:3 with filledcurves fillcolor rgb pale notitle," \
    ."$formula using 1:3 @dashes notitle,"
line = !formula_known ? "" : ", $formula using 1:2 @dashes title 'N = ⌈λT/C⌉ (B = 0)'"
held = held_count == 0 ? "" : \
    ", $held using 1:2 with points pointtype 9 pointsize 3 * mark linecolor rgb '#40d55e00'" \
    ." title 'a decision held'"

# Marks are open and let others through, so that many in one place look darker than one.
set style circle noclip
plot @band \
     $decided using 1:2:(arrival_top * 0.0055) with circles fillstyle empty linewidth 3 \
         linecolor rgb '#600072b2' title 'a decision' @held @line
