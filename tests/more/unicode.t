#!/bin/bash
# quiet, no broker
# The tables that are written from Unicode's data are what the script writes.
. "$(dirname "$0")/../system/lib.sh"

exits 0 "filter/unicode_ranges.h is what tools/unicode-tables writes" -- "$WINNOW_TOP/tools/unicode-tables" --check

done_testing
