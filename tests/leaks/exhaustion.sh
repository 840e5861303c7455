# SPDX-License-Identifier: BSD-2-Clause
# Round $1: a small machine without space or memory left. Everything is refused with one clear line, the
# shell and the supervisors go on, and all of it comes back. What must not be is said, and ends the script.
out=/tmp/exhaustion
fail() { echo "round $round: $1"; sed 's/^/  /' $out; exit 1; }
refused() { # TEXT COMMAND...: fails with just this line
    text=$1
    shift
    "$@" >$out 2>&1 && fail "not refused: $*"
    [ "$(wc -l <$out)" = 1 ] && grep -q "$text" $out || fail "not one clear line: $*"
}
fill() { dd if=/dev/zero of=$1/fill bs=4k 2>/dev/null && fail "$1 cannot be filled"; }
no_space="No space left on device"
round=$1

case $(($1 % 6)) in
0)  fill /
    refused "$no_space" cp /bin/busybox /copy
    rm -f /copy
    refused "$no_space" ct load -i /var/lib/bulkhead/images/busybox.tar
    rm /fill ;;
1)  fill /run
    refused "$no_space" ct run --rm busybox true
    refused "$no_space" ct run -d --name full busybox true
    refused "$no_space" vm run --rm -m 64 --append tiny=off /tiny
    refused "no such container" ct rm full
    rm /run/fill ;;
2)  # containers that fill everything that all write to: each is heard to its end, listed and removed
    for i in 1 2 3; do ct run -d --name full$i busybox sh -c 'dd if=/dev/zero of=/x bs=1M; exit 7' >/dev/null; done
    for i in 1 2 3; do [ "$(ct wait full$i)" = 7 ] || fail "full$i did not end with 7"; done
    [ "$(ct ps -a | grep -c 'Exited (7)')" = 3 ] || fail "not listed"
    ct rm full1 full2 full3 >$out 2>&1 || fail "not removed" ;;
3)  # all of a limit: ends in the container
    ct run --rm -m 8m busybox dd if=/dev/zero of=/dev/null bs=16M count=1 >$out 2>&1
    [ $? = 137 ] || fail "not killed"
    ct run --rm -m 8m --tmpfs /t busybox dd if=/dev/zero of=/t/x bs=1M >$out 2>&1 && fail "not ended" ;;
4)  # together more than there is: some are killed, until the rest has room
    for i in 1 2 3 4 5; do
        ct run -d --name hog$i busybox dd if=/dev/zero of=/dev/null bs=300M count=1000000 >/dev/null 2>&1
    done
    until running=$(ct ps -q 2>/dev/null) && [ "$(echo "$running" | wc -l)" -le 1 ]; do :; done
    [ "$(ct ps -aq | wc -l)" -ge 2 ] || fail "did not even start"
    ct rm -f $(ct ps -aq) >$out 2>&1 || fail "not removed"
    ct run --rm busybox true || fail "nothing runs any more" ;;
5)  refused "not enough memory: the VM is to have 2000 MiB" vm run -m 2000 --append tiny=off /tiny
    vm run -d --name most -m 400 --append tiny=touch /tiny >$out 2>&1 || fail "a VM with most of it"
    vm rm -f most >$out 2>&1 || fail "not removed"
    vm ls -aq >$out
    [ ! -s $out ] || fail "VMs are left" ;;
esac
rm -f $out
