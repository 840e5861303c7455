# SPDX-License-Identifier: BSD-2-Clause
# Round $1: an image is to be loaded, by ct load and by ct run, and there is no space for it.
fail() { echo "round $1: $2"; cat /tmp/out; exit 1; }
timeout 60 ct rmi busybox >/tmp/out 2>&1 || fail $1 "the first thing said of an image: remove it"
rm -f /var/lib/bulkhead/db/seen/*
dd if=/dev/zero of=/fill bs=4k 2>/dev/null && fail $1 "/ cannot be filled"
for command in 'ct load -i /var/lib/bulkhead/images/busybox.tar' 'ct run busybox true' 'ct create busybox'; do
    $command >/tmp/out 2>&1 && fail $1 "not refused: $command"
    [ "$(wc -l </tmp/out)" = 1 ] && grep -q "No space left on device" /tmp/out || fail $1 "$command"
done
ct images -q >/tmp/out 2>/dev/null
[ ! -s /tmp/out ] || fail $1 "an image is left"
[ "$(ls -A /var/lib/bulkhead/layers/l /var/lib/bulkhead/layers/s /run/bulkhead/ct | grep -c '[0-9a-f]\{16\}')" = 0 ] ||
    fail $1 "something is left"
rm /fill /tmp/out
[ "$(ct run --rm busybox echo again)" = again ] || fail $1 "not loaded when there is space"
