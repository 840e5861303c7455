# SPDX-License-Identifier: BSD-2-Clause
# Round $1: one container from start to end. What fails ends the script.
set -e
case $(($1 % 10)) in
0)  ct run --rm busybox true ;;
1)  ct run -d --name leak busybox sleep 1000 >/dev/null
    ct exec leak sh -c 'echo a >/file; mkdir /folder; rm -r /etc'
    ct kill leak >/dev/null
    ct wait leak >/dev/null
    ct rm leak >/dev/null ;;
2)  ct run -d --name leak -m 16m --pids-limit 8 busybox sh -c 'cat /dev/zero | tail' >/dev/null
    ct rm -f leak >/dev/null ;;
3)  # its memory runs out
    ct run --rm -m 4m busybox sh -c 'x=abcdefgh; while :; do x=$x$x; done' >/dev/null 2>&1 && false
    [ $? != 125 ] ;;
4)  # more processes than it may have
    ct run --rm --pids-limit 5 busybox sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 1000 & done; exit 3' \
        >/dev/null 2>&1 && false
    [ $? != 125 ] ;;
5)  mkdir /tmp/volume
    ct run -d --name leak --read-only --tmpfs /t -v /tmp/volume:/v busybox \
        sh -c 'echo 1 >/t/file; echo 2 >/v/file; echo ready; exec sleep 1000' >/dev/null
    until ct logs leak | grep -q ready; do :; done
    ct exec leak touch /no 2>/dev/null && false
    ct stop -t 0 leak >/dev/null
    ct start leak >/dev/null
    ct rm -f leak >/dev/null
    rm -r /tmp/volume ;;
6)  # a client is killed; the container is not
    ct run --name leak busybox sh -c 'echo ready; sleep 1000' >/dev/null &
    until ct logs leak 2>/dev/null | grep -q ready; do :; done
    kill -9 $!
    wait $! 2>/dev/null || true
    [ "$(ct inspect --format '{{.State.Status}}' leak)" = running ]
    ct rm -f leak >/dev/null ;;
7)  # an exec is killed
    ct run -d --name leak busybox sleep 1000 >/dev/null
    ct exec leak sh -c 'echo ready; sleep 1000' >/tmp/exec.out &
    until grep -qs ready /tmp/exec.out; do :; done
    kill -9 $!
    wait $! 2>/dev/null || true
    ct rm -f leak >/dev/null
    rm /tmp/exec.out ;;
8)  # it never comes to run
    ct run --rm busybox nosuch 2>/dev/null && false
    ct run --rm -w /etc/passwd busybox true 2>/dev/null && false
    ct run --rm -u nosuch busybox true 2>/dev/null && false
    ct run --rm -v /nowhere/at/all:/dev/null busybox true 2>/dev/null && false
    ct create --name leak busybox true >/dev/null
    ct rm leak >/dev/null ;;
9)  # its supervisor is killed
    ct run -d --name leak busybox sh -c 'mount -t tmpfs x /tmp 2>/dev/null; sleep 1000' >/dev/null
    kill -9 $(cat /sys/fs/cgroup/ct/*/sup/cgroup.procs)
    until [ "$(ct inspect --format '{{.State.Status}}' leak)" = exited ]; do :; done
    ct rm leak >/dev/null ;;
esac
