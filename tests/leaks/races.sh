# SPDX-License-Identifier: BSD-2-Clause
# Round $1: things done at the same moment. What must not be is said on standard output, and ends the script.
fail() { echo "round $1: $2"; sed 's/^/  /' /tmp/races.* 2>/dev/null; exit 1; }
count() { n=0; for f in /tmp/races.*; do grep -q "$1" $f && n=$((n + 1)); done; echo $n; }
together() { # N COMMAND: with $i from 1 to N at once; output and status to /tmp/races.$i
    rm -f /tmp/races.*
    i=0
    while [ $((i += 1)) -le $1 ]; do
        (eval "$2" >/tmp/races.$i 2>&1; echo "status $?" >>/tmp/races.$i) &
    done
    wait
}
again() { # COMMAND, once nobody else is starting or removing what it is about
    tries=100
    while out=$("$@" 2>&1); s=$?; case $out in *' is busy: '*) [ $((tries -= 1)) -gt 0 ] ;; *) false ;; esac; do
        sleep 0.1
    done
    echo "$out"
    return $s
}

# Eight containers and two VMs, none of them the first.
together 10 'if [ $i -le 8 ]; then ct run --rm --name race$i busybox echo said $i
             else vm run --rm -m 64 --append tiny=off /tiny; fi'
[ "$(count '^status 0$')" = 10 ] && [ "$(count '^said [1-8]$')" = 8 ] && [ "$(count '^tiny')" = 2 ] || fail $1 "not all ran"

# One name for four.
together 4 'ct run -d --name race busybox sleep 1000'
[ "$(count '^status 0$')" = 1 ] && [ "$(count 'the name "race" is already in use by container')" = 3 ] || fail $1 "one name"

# A start that is too late, two removals at once.
together 3 '[ $i = 1 ] && again ct start race || again ct rm -f race'
[ "$(ct ps -aq)" = "" ] || fail $1 "not removed"

# Starting and removing what is stopped: either comes first.
ct create --name race busybox sleep 1000 >/dev/null
together 3 '[ $i -lt 3 ] && again ct start race || again ct rm race'
case "$(count '^status 0$') $(ct ps -q | wc -l)" in
2\ 1) [ "$(count 'is running: stop it first')" = 1 ] && ct rm -f race >/dev/null || fail $1 "start before rm" ;;
1\ 0) [ "$(count 'no such container')" = 2 ] || fail $1 "rm before start" ;;
*) fail $1 "start and rm" ;;
esac

# Killed while it is made: the name is free again.
ct create --name race busybox true >/dev/null 2>&1 &
drift=$(($1 % 10)); while [ $((drift -= 1)) -gt 0 ]; do :; done
kill -9 $!
wait $! 2>/dev/null
ct rm race >/dev/null 2>&1
together 1 'ct create --name race busybox true && ct rm race'
[ "$(count '^status 0$')" = 1 ] || fail $1 "a name of nobody"

# The same archive loaded by three, while a container of it is made and the image removed.
together 5 'case $i in 4) ct run --rm busybox true ;; 5) ct rmi busybox ;;
            *) ct load -q -i /var/lib/bulkhead/images/busybox.tar ;; esac'
for i in 1 2 3; do grep -q '^status 0$' /tmp/races.$i || fail $1 "load"; done
grep -q -e '^status 0$' -e 'no such image' /tmp/races.4 || fail $1 "run of an image that goes"
ct load -q -i /var/lib/bulkhead/images/busybox.tar >/dev/null && ct run --rm busybox true || fail $1 "image"
rm /tmp/races.*
