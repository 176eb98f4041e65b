# What every picture has in common. Sizes are for a picture that is shown at half its width; colours
# are those of Okabe and Ito, which everybody can tell apart, and each goes with a line or a mark of
# its own.
set encoding utf8

if (format eq 'svg') {
    set terminal svg noenhanced size 1600,1000 font 'sans-serif,25' background '#ffffff'
} else {
    set terminal pngcairo noenhanced size 1600,1000 font 'DejaVu Sans,19' background '#ffffff'
}
# One terminal counts in pixels, the other in points; the first draws marks larger.
pixel = format eq 'svg' ? 1.0 : 0.76
mark  = format eq 'svg' ? 0.3 : 1.0

blue      = '#0072b2'
vermilion = '#d55e00'
orange    = '#e69f00'
green     = '#009e73'
dark      = '#333333'
pale      = '#e2e2e2'

cut(text, most) = strlen(text) > most ? text[1:most - 1].'…' : text
fit(text, size) = sprintf(',%.1f', pixel * size * (strlen(text) > 80 ? 80.0 / strlen(text) : 1.0))
# Long numbers would not fit beside their axis: 250000 becomes 250.0k.
numbers(top) = top < 1e5 ? '%.10g' : '%.1s%c'
title = cut(title, 120)

set label 1 title at screen 0.5,0.963 center font fit(title, 33) textcolor rgb 'black'
set label 2 subtitle at screen 0.5,0.913 center font fit(subtitle, 27) textcolor rgb dark

set border linewidth 1 linecolor rgb dark
set grid linetype 1 linewidth 1 linecolor rgb '#dddddd'
set tics nomirror scale 0.6 textcolor rgb dark
set style fill solid noborder
set key at screen 0.5,0.865 center center horizontal maxrows 1 Left reverse samplen 2 \
    width (format eq 'svg' ? -4 : -2) textcolor rgb dark
