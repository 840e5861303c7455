# SPDX-License-Identifier: BSD-2-Clause
"""Containers: `ct` on Bulkhead, and the same programs on Debian's kernel, where they must do the same.

Each check is a script with the status and output it must have. One boot runs all of them.
"""
import os
import re
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PREPARE = ("[ ! -e /lib/kvm/4-overlay.ko ] || insmod /lib/kvm/4-overlay.ko 2>/dev/null\n"
           # what comes is waited for, what never comes ends the wait: await CONTAINER LAST-LINE-OF-ITS-LOG
           "await() { for i in $(seq 600); do [ \"$(ct logs --tail 1 $1)\" = $2 ] && return; sleep 0.1; done; }\n"
           # the child that unpacks slow.tar's last layer, once it is shut in; not before, as its parent has other descriptors
           "unpacking() { while :; do for r in /proc/[0-9]*/root; do case $(readlink $r) in "
           "*/layers/.new-abab*) r=${r%/root}; echo ${r#/proc/}; return;; esac; done; done; }\n")

# What `ct COMMAND --help` has to tell of.
CREATING = ("-i, --interactive -t, --tty --rm --name -m, --memory --pids-limit -e, --env -w, --workdir -u, --user -h, --hostname --read-only "
            "--entrypoint --cap-add --cap-drop -v, --volume --tmpfs")
COMMANDS = {
    "run": "-d, --detach " + CREATING, "create": CREATING, "start": "", "ps": "-a, --all -q, --quiet", "logs": "-f, --follow",
    "exec": "-i, --interactive -t, --tty", "attach": "", "stop": "-t, --time", "kill": "-s, --signal", "wait": "", "rm": "-f, --force",
    "inspect": "", "images": "", "load": "-i, --input", "rmi": "", "pull": "",
}

# /dev in a container: names, then device nodes, with what comes along with a terminal
DEVICES = ("/dev {0}/dev/fd /dev/full /dev/null /dev/ptmx /dev/pts {1}/dev/pts/ptmx /dev/random /dev/shm /dev/stderr /dev/stdin "
           "/dev/stdout /dev/tty /dev/urandom /dev/zero {2}/dev/full 1:7\n/dev/null 1:3\n{3}/dev/pts/ptmx 5:2\n/dev/random 1:8\n"
           "/dev/tty 5:0\n/dev/urandom 1:9\n/dev/zero 1:5\n")

# name: (script, status, pattern of the whole standard output[, of standard error])
CHECKS = {
    "own-view": (
        "ct run --rm busybox sh -c 'echo $$; hostname; ls /; id'", 0,
        r"1\n[0-9a-f]{12}\nbin\ndev\netc\nhome\nproc\nroot\nsbin\nsys\ntmp\nusr\nvar\nuid=0\(root\) gid=0\(root\)( groups=.*)?\n"),
    "own-processes": (
        "ct run --rm busybox ps -o pid,args", 0, r"PID +COMMAND\n +1 ps -o pid,args\n"),
    "seen-from-outside": (
        "ct run -d --name outside busybox sleep 4321 >/dev/null; ps -o args | grep -c '^sleep 4321'; ct rm -f outside", 0,
        r"1\noutside\n"),
    "streams": ("ct run --rm busybox sh -c 'echo out; echo err >&2; exit 3'", 3, r"out\n", r"err\n"),
    "stdin": ("echo x | ct run -i --rm busybox cat", 0, r"x\n"),
    "no-stdin": ("echo x | ct run --rm busybox cat", 0, r""),
    "bulk": ("head -c 3000000 /dev/zero | ct run -i --rm busybox cat | wc -c", 0, r"3000000\n"),
    "not-found": ("ct run --rm busybox nosuch", 127, r"", r'ct: exec: "nosuch": executable file not found in \$PATH\n'),
    "not-executable": ("ct run --rm busybox /etc/passwd", 126, r"", r'ct: exec: "/etc/passwd": permission denied\n'),
    "signalled": ("ct run --rm busybox sh -c 'sh -c \"kill -9 \\$\\$\"; exit $?'", 137, r"", r"Killed\n"),
    "no-image": ("ct run nosuch", 125, r"", r"ct: no such image: nosuch:latest .*\n"),
    "bad-option": ("ct run --nosuch busybox", 125, r"", r"ct: unknown flag: --nosuch .*\n"),
    "pull": ("ct pull busybox", 1, r"", r"ct: cannot pull busybox: there is no network yet.*\n"),
    "name-in-use": (
        "ct create --name twice busybox >/dev/null; ct run --name twice busybox; s=$?; ct rm twice; exit $s", 125,
        r"twice\n", r'ct: the name "twice" is already in use by container [0-9a-f]{12}.*\n'),
    "environment": (
        "ct run --rm -e A=1 -e PATH=/bin -w /tmp/made -u nobody --hostname box busybox "
        "sh -c 'echo $A $PATH $HOME; pwd; hostname; id -un; cat /etc/hostname'", 0,
        r"1 /bin /home\n/tmp/made\nbox\nnobody\nbox\n"),
    "entrypoint": ("ct run --rm --entrypoint echo busybox a b", 0, r"a b\n"),
    "no-user": ("ct run --rm -u nosuch busybox true", 125, r"", r"ct: unable to find user nosuch: .*\n"),
    "read-only": (
        "ct run --rm --read-only --tmpfs /t busybox sh -c 'touch /x; touch /t/x && echo ok'", 0, r"ok\n",
        r"touch: /x: Read-only file system\n"),
    "tmpfs-options": (
        "many=$(for i in $(seq 400); do printf size=64k,; done)size=1m; few=$(for i in $(seq 40); do printf noexec,; done)size=1m; "
        "for o in $many $few; do ct run --rm --tmpfs /t:$o busybox sh -c 'df -k /t | tail -n 1'; done; "
        "ct run --rm --tmpfs /t:$(printf %05000d 1) busybox true; echo $?; ct create --name t --tmpfs /t:size=2m,exec --tmpfs /u busybox >/dev/null; "
        "ct inspect -f '{{.Mounts}} {{.HostConfig.Tmpfs}}' t; ct rm t", 0,
        r"(tmpfs +1024 +0 +1024 +0% /t\n){2}125\n\[{\"Type\":\"tmpfs\",\"Destination\":\"/t\"},{\"Type\":\"tmpfs\",\"Destination\":\"/u\"}\] "
        r"{\"/t\":\"size=2m,exec\",\"/u\":\"\"}\nt\n", r"ct: invalid tmpfs: the options for /t are too long\n"),
    "volume": (
        "mkdir -p /tmp/v; echo in >/tmp/v/f; ct run --rm -v /tmp/v:/data busybox "
        "sh -c 'cat /data/f; echo out >/data/g'; cat /tmp/v/g; "
        "ct run --rm -v /tmp/v:/data:ro busybox sh -c 'echo no >/data/h'; ls /tmp/v", 0, r"in\nout\nf\ng\n",
        r".*Read-only file system\n"),
    "volumes-on-what-is-there": (  # a link, a FIFO, a file of a read-only volume, nothing
        "mkdir -p /tmp/v4; cd /tmp/v4; echo in >f; echo out >real; ln -s real link; mkfifo fifo; "
        "timeout 60 ct run --rm -v /tmp/v4:/data:ro -v /tmp/v4/f:/data/link -v /tmp/v4/f:/data/fifo -v /tmp/v4/f:/new "
        "-v /tmp/v4/f:/data/real busybox cat /data/link /data/fifo /new; cat real; ct run --rm -v /tmp/v4:/data:ro -v /tmp/v4/f:/data/none busybox; "
        "rm -r /tmp/v4", 0, r"in\nin\nin\nout\n", r"ct: cannot create /data/none in the container: Read-only file system\n"),
    "volume-keeps-its-flags": (
        "mkdir -p /tmp/v5; mount -t tmpfs -o nosuid,noexec x /tmp/v5; f() { ct run --rm $1 busybox sed -n 's,^[^ ]* /m [^ ]* \\([^ ]*\\) .*,\\1,p' /proc/mounts; }; "
        "f '-v /tmp/v5:/m' | grep -c '^rw,nosuid,nodev,noexec'; mount -o remount,bind,ro,noexec /tmp/v5; f '-v /tmp/v5:/m' | grep -c '^ro,'; "
        "umount /tmp/v5", 0, r"1\n1\n"),
    "capabilities": (
        "ct run --rm busybox grep -E '^Cap(Eff|Bnd|Inh)' /proc/self/status; "
        "ct run --rm --cap-drop ALL --cap-add CHOWN busybox grep CapBnd /proc/self/status; "
        "ct run --rm --cap-add ALL --cap-drop CHOWN --cap-drop SYS_ADMIN busybox grep CapBnd /proc/self/status; "
        "ct run --rm -u 1000 busybox grep CapEff /proc/self/status", 0,
        r"CapInh:\t0{16}\nCapEff:\t00000000a80425fb\nCapBnd:\t00000000a80425fb\nCapBnd:\t0{15}1\nCapBnd:\t000001ffffdffffe\nCapEff:\t0{16}\n"),
    "no-new-privs": (
        "ct run --rm --security-opt no-new-privileges busybox grep NoNewPrivs /proc/self/status", 0, r"NoNewPrivs:\t1\n"),
    "signals-are-not-inherited": (
        "s() { grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status; }; trap '' HUP INT TERM PIPE CHLD USR1 40 64; s | grep -c 'Ign:.*[1-9a-f]'; "
        "ct run --rm busybox grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status; "
        "ct run -d --name n busybox sleep 1000 >/dev/null; ct exec n grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status; ct exec n sh -c 'exit 3'; echo $?; ct rm -f n", 0,
        r"1\n(SigBlk:\t0{16}\nSigIgn:\t0{16}\nSigCgt:\t0{16}\n){2}3\nn\n"),
    "descriptors": ("ct run --rm busybox sh -c 'ls /proc/self/fd | wc -l'", 0, r"4\n"),
    "devices": (
        "ct run --rm busybox sh -c 'ls /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/ptmx /dev/fd/0; "
        "ls /dev/kvm /dev/mem /dev/ttyS0 2>&1 | grep -c \"No such\"; head -c 3 /dev/zero | wc -c; echo x >/dev/full'", 1,
        r"(/dev/\S+\n){8}3\n3\n", r".*No space left on device\n"),
    # all of them, and as numbers; a kernel with POSIX message queues has a folder for these
    "exact-devices": (
        "s='find /dev ! -name mqueue | sort | tr \"\\n\" \" \"; find /dev -type c -o -type b | sort | xargs stat -c \"%n %t:%T\"'; "
        "for t in '' -t; do ct run --rm $t busybox sh -c \"$s\" | tr -d '\\r'; done", 0,
        DEVICES.format("", "", "", "") + DEVICES.format("/dev/console ", "/dev/pts/0 ", "/dev/console 88:0\n", "/dev/pts/0 88:0\n")),
    "no-new-devices": (
        "ct run --rm busybox sh -c 'for d in /tmp /dev /dev/shm; do mknod $d/k c 1 3 && cat $d/k; done; chmod 0 /dev/null'", 1,
        r"", r"(cat: can't open '/\S+/k': Permission denied\n){3}chmod: /dev/null: Read-only file system\n"),
    "no-mount": (
        "ct run --rm busybox sh -c 'mount -t tmpfs x /tmp; umount /proc; unshare -m true; chroot /tmp true; echo $?'", 0,
        r"127\n", r"(.*Operation not permitted\n|.*ermission denied.*\n){3}chroot: .*\n"),
    "proc-is-guarded": (
        "ct run --rm busybox sh -c 'echo x >/proc/sys/kernel/hostname; echo b >/proc/sysrq-trigger; cat /proc/kcore | wc -c'", 0,
        r"0\n", r"(sh: can't create \S+: .*\n){2}(cat: .*\n)?"),
    "layers-are-shared-writes-are-not": (
        "a=$(ct run -d busybox sh -c 'echo mine >/etc/passwd; rm /bin/vi; echo ready; sleep 1000'); await $a ready; "
        "ct run --rm busybox sh -c 'head -n 1 /etc/passwd; ls /bin/vi'; ct exec $a sh -c 'cat /etc/passwd; ls /bin/vi'; "
        "ct rm -f $a >/dev/null", 0, r"root:x:.*\n/bin/vi\nmine\n", r"ls: /bin/vi: No such file or directory\n"),
    "hard-links": ( # a file with several names in the upper layer loses the right one
        "ct run --rm busybox sh -c 'cd /tmp; echo x >a; ln a b; rm b; cat a; ln a b; rm a; cat b; ln b c; echo y >>b; "
        "mv c d; rm b; cat d; ln d e; mv d f; rm e; cat f; ln -s f s; ln s t; rm t; readlink s; rm s; ls'", 0,
        r"x\nx\nx\ny\nx\ny\nf\nf\n"),
    "detached": (
        "ct run -d --name d busybox sh -c 'echo one; echo two; sleep 1000' >/dev/null; await d two; ct ps; ct logs --tail 1 d; "
        "ct exec d sh -c 'echo $$ >/tmp/x; ps -o args | grep -c ^sleep'; ct exec d cat /tmp/nosuch; echo $?; "
        "ct stop -t 1 d; ct ps -a | grep -c 'Exited (137).* d$'; ct logs d; ct rm d; ct ps -aq", 0,
        r"CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES\n"
        r"[0-9a-f]{12} +busybox +\"sh -c .*\" +.* ago +Up .* +d\ntwo\n1\n1\nd\n1\none\ntwo\nd\n",
        r"cat: can't open '/tmp/nosuch'.*\n"),
    "exec-takes-and-gives": (  # more input than its pipe holds while it prints more than that, too
        "ct run -d --name e busybox sleep 1000 >/dev/null; head -c 200000 /bin/ct >/tmp/in; "
        "od -c </tmp/in | md5sum >/tmp/sum; "
        "timeout 60 ct exec -i e od -c </tmp/in | md5sum | cmp - /tmp/sum && echo same; "
        "yes | timeout 60 ct exec -i e head -n 2; yes | timeout 60 ct exec -i e true; ct rm -f e", 0, r"same\ny\ny\ne\n"),
    "descriptors-are-given-back": (
        "{ { ct run -d --name e busybox sleep 1000; ct exec -d e sleep 2000; } 7>&1 >/dev/null; echo on; } | timeout 60 cat; echo $?; ct rm -f e", 0,
        r"on\n0\ne\n"),
    "exec-detached": (
        "ct run -d --name e busybox sleep 1000 >/dev/null; ct exec -d e nosuch; echo $?; ct exec -d e /etc/passwd; echo $?; "
        "ct exec -d -w /nosuch e true; echo $?; ct exec -d e sh -c 'echo here >/tmp/f; exec sleep 2000'; echo $?; "
        "until [ \"$(ct exec e cat /tmp/f 2>/dev/null)\" = here ]; do sleep 0.1; done; ct exec e ps -o args | grep -c '^sleep 2'; ct rm -f e", 0,
        r"127\n126\n127\n0\n1\ne\n",
        r'ct: exec: "nosuch": .*\nct: exec: "/etc/passwd": permission denied\nct: chdir to cwd \("/nosuch"\) failed.*\n'),
    "exec-into-a-closed-pipe": (
        "ct run -d --name e busybox sleep 1000 >/dev/null; for t in '' -t; do timeout 60 ct exec $t e yes | head -n 1 | tr -d '\r'; done; "
        "timeout 60 ct exec e sh -c 'yes >&2' 2>&1 >/dev/null | head -n 1; ct rm -f e", 0, r"y\ny\ny\ne\n"),
    "restart": (
        "ct create --name r busybox sh -c 'echo run >>/log; cat /log; exit 4' >/dev/null; ct start -a r; echo $?; "
        "ct start -a r; ct wait r; ct logs r | wc -l; ct rm r", 0, r"run\n4\nrun\nrun\n4\n3\nr\n"),
    "stop-signal": (
        "ct run -d --name s busybox sh -c 'trap \"exit 9\" TERM; echo ready; while :; do sleep 0.1; done' >/dev/null; "
        "await s ready; ct stop s; ct inspect -f '{{.State.Status}} {{.State.ExitCode}}' s; ct rm s", 0, r"s\nexited 9\ns\n"),
    "kill-with-a-signal": (
        "ct run -d --name q busybox sh -c 'trap \"echo usr1\" USR1; trap \"exit 5\" HUP; echo ready; while :; do sleep 0.1; done' >/dev/null; "
        "await q ready; ct kill -s USR1 q; await q usr1; ct kill -s NOSUCH q; echo $?; ct kill --signal=SIGHUP q; ct wait q; ct kill -s 1 q; "
        "ct logs q; ct rm q; ct run -d --name q busybox sleep 1000 >/dev/null; ct kill -s 9 q; ct wait q; ct rm q", 0,
        r"q\n1\nq\n5\nready\nusr1\nq\nq\n137\nq\n", r"ct: invalid signal: NOSUCH\nct: container q is not running\n"),
    "exec-with-input": (
        "ct run -d --name e busybox sleep 1000 >/dev/null; echo through | ct exec -i e sh -c 'cat; echo err >&2; exit 3'; echo $?; "
        "echo no | ct exec e cat; head -c 1000000 /dev/zero | ct exec -i e wc -c; "
        "(echo one; until [ -e /tmp/go ]; do sleep 0.1; done; echo two) | ct exec -i e sh -c 'read a; echo $a; read b; echo $b; read c || echo end' | "
        "while read l; do echo got $l; touch /tmp/go; done; ct rm -f e", 0,
        r"through\n3\n1000000\ngot one\ngot two\ngot end\ne\n", r"err\n"),
    "help": (
        "ct --help && for c in " + " ".join(COMMANDS) + "; do ct $c --help || echo $c: $?; done", 0, r"(?s).*"),
    # SIGINT and SIGQUIT are ignored by what a script starts in the background
    "client-passes-signals-on": (
        "said() { until grep -qsx $1 /tmp/g; do sleep 0.1; done; }; ct run --name g busybox sh -c "
        "'trap \"echo one\" USR1; trap \"exit 5\" USR2; echo ready; while :; do sleep 0.1; done' >/tmp/g & c=$!; "
        "said ready; kill -USR1 $c; said one; kill -USR2 $c; wait $c; echo $?; cat /tmp/g; ct rm g", 0, r"5\nready\none\ng\n"),
    "client-that-ends-passes-nothing-on": (
        "ct run --name t busybox sh -c 'trap \"echo term\" TERM HUP; echo ready; while :; do sleep 0.1; done' >/tmp/t & c=$!; "
        "until [ -s /tmp/t ]; do sleep 0.1; done; kill -TERM $c; wait $c; echo $?; ct exec t sleep 0.3; "
        "ct inspect -f '{{.State.Status}}' t; ct logs t; ct rm -f t", 0, r"143\nrunning\nready\nt\n", r"(Terminated\n)?"),
    "killing-clients-changes-nothing": (
        "seen() { while ! [ -s $1 ]; do sleep 0.1; done; }; more() { while [ $(ct logs k | tail -n 1) -le $1 ]; do sleep 0.1; done; }; "
        "ct run --name k busybox sh -c 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done' >/tmp/k1 & seen /tmp/k1; kill -9 $!; "
        "ct attach k >/tmp/k2 & seen /tmp/k2; kill $!; ct logs -f k >/tmp/k3 & seen /tmp/k3; kill -9 $!; "
        "more $(ct logs k | tail -n 1); more $(ct logs k | tail -n 1); echo goes on; ct rm -f k", 0, r"goes on\nk\n"),
    "suspended-client": (  # it holds the output back, not the end; and it has missed nothing when it goes on
        "full() { a=x; until b=$(ct logs --tail 1 z); [ $(ct logs z | wc -c) -gt 999999 -a \"$a\" = \"$b\" ]; do a=$b; sleep 0.5; done; }; "
        "ct run --name z busybox seq 1 99999999 >/tmp/z & p=$!; while ! [ -s /tmp/z ]; do sleep 0.1; done; kill -STOP $p; full; "
        "timeout 60 ct kill z; ct ps -a | grep -c 'Exited (137).* z$'; ct logs z | wc -c | grep -cE '^10[0-9]{5}$'; ct rm z; "
        "kill -CONT $p; wait $p; echo $?; sed '$d' /tmp/z | awk '$1 != NR { print NR, $1; exit }'; rm /tmp/z", 0,
        r"z\n1\n1\nz\n137\n"),
    "wait-for-one-that-removes-itself": (
        "ct run -d --rm --name w busybox sh -c 'until [ -e /f ]; do sleep 0.1; done; exit 7' >/dev/null; "
        "for i in 1 2; do ct wait w >/tmp/w$i & until ls -l /proc/$!/fd 2>/dev/null | grep -q socket; do sleep 0.1; done; done; "
        "ct exec w touch /f; wait; cat /tmp/w1 /tmp/w2; ct ps -aq; ct wait w", 1, r"7\n7\n", r"ct: no such container: w\n"),
    "many-clients": (  # as many as can watch keep nobody from ending it
        "ct run -d --name y busybox sh -c 'trap \"exit 5\" TERM; echo on; while :; do sleep 0.1; done' >/dev/null; await y on; "
        "for i in $(seq 24); do ct logs -f y >/tmp/y$i & done; for i in $(seq 24); do while ! [ -s /tmp/y$i ]; do sleep 0.1; done; done; "
        "ct attach y; echo $?; ct logs y; echo $?; ct ps -q | wc -l; ct exec y echo inside; timeout 60 ct stop y; timeout 60 ct wait y; wait; "
        "cat /tmp/y? /tmp/y?? | sort | uniq -c; ct rm y; rm /tmp/y*", 0, r"1\n1\n1\ninside\ny\n5\n +24 on\ny\n",
        r"(ct: cannot attach to [0-9a-f]{12}: too many clients are attached already\n){2}"),
    "rm-missing": (
        "ct rm nosuch; echo $?; ct create --name y busybox >/dev/null; ct rm -f nosuch y; echo $?; ct stop nosuch; echo $?", 0,
        r"1\ny\n0\n1\n", r"(ct: no such container: nosuch\n){3}"),
    "rm-interrupted": (  # at any time: it is there, or all of it is gone
        "ct rm -f $(ct run -d busybox true) >/dev/null; n=$(ls /run/bulkhead/ct | wc -l); for i in 0 1 2 3 4 5 6 7 8 9; do "
        "ct run --name i busybox sh -c 'mkdir /d; cd /d; seq 1 2000 | xargs touch'; ct rm i >/dev/null & p=$!; sleep 0.0$i; kill $p 2>/dev/null; wait $p; "
        "ct rm -f i >/dev/null 2>&1; [ $(ls /run/bulkhead/ct | wc -l) = $n ] || echo left $i; done", 0, r"", r"(Terminated\n)*"),
    "rm-running": (
        "ct run -d --name x busybox sleep 1000 >/dev/null; ct rm x; ct rm -f x", 0, r"x\n", r"ct: container x is running.*\n"),
    "memory-limit": (
        "ct run --name m -m 16m busybox tail /dev/zero; echo $?; ct inspect -f '{{.State.OOMKilled}}' m; ct rm m", 0,
        r"137\ntrue\nm\n"),
    # by the names that the container knows, not the host's for the layer
    "own-names-in-maps": (
        "ct run --rm busybox awk '$6 ~ \"/\" {print $6}' /proc/self/maps | sort -u", 0, r"/bin/busybox\n"),
    "running-program": (
        "ct run --rm busybox sh -c 'for how in \">\" \">>\"; do (eval \": $how /bin/busybox\") 2>/dev/null; echo $?; done; "
        "busybox true; truncate -s 0 /bin/busybox 2>/dev/null; echo $?; busybox true'", 0, r"1\n1\n1\n"),
    "memory-limit-tmpfs": ("ct run --rm -m 16m busybox dd if=/dev/zero of=/x bs=1M count=64 2>/dev/null", 137, r""),
    "pids-limit": (
        "ct run --rm --pids-limit 5 busybox sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 1000 & done; wait'", 2, r"",
        r".*can't fork.*\n"),
    "ipc-of-its-own": (
        "ct run -d --name i -v /mnt/sysv_shm:/shm busybox sh -c '/shm hold 4096; sleep 1000' >/dev/null; await i held; "
        "ct exec i grep -c ' 4096 ' /proc/sysvipc/shm; ct run --rm busybox grep -c ' 4096 ' /proc/sysvipc/shm; "
        "grep -c ' 4096 ' /proc/sysvipc/shm; ct rm -f i; ls -A /dev/shm", 0, r"1\n0\n0\ni\n"),
    "ipc-memory-limit": (
        "ct run --rm -m 16m -v /mnt/sysv_shm:/shm busybox /shm hold 0x4000000", 137, r""),
    # kernel memory: ENOMEM here; Linux may kill the process instead
    "ipc-kernel-memory-limit": (
        "for i in sem msg; do ct run --rm -m 16m -v /mnt/sysv_$i:/hold busybox /hold hold 4000 >/tmp/held; "
        "[ $? = 137 ] || cat /tmp/held; done", 0, r"(ENOMEM\n)*"),
    "groups-below": (  # that a container has made go with it, whatever runs in them
        "ct run --rm --cap-add SYS_ADMIN busybox sh -c 'mkdir /tmp/c; mount -t cgroup2 c /tmp/c; cd /tmp/c; mkdir -p a/b/c/d e/f g .x/.y; "
        "for i in $(seq 600); do mkdir -p w/$i/x; done; for i in a/b/c e/f g; do sleep 1000 & echo $! >$i/cgroup.procs; done; cat e/f/cgroup.procs | wc -l; exit 3'; echo $?; "
        "ls -d /sys/fs/cgroup/ct/*/", 1, r"1\n3\n", r"ls: .*No such file or directory\n"),
    "many-groups": (
        "mkdir /sys/fs/cgroup/many; cd /sys/fs/cgroup/many; for i in $(seq 3000); do mkdir g$i; done; ls | grep -c ^g; "
        "ls | sort | uniq -d; find . -mindepth 1 -type d -exec rmdir {} \\; -prune; ls -d g* 2>&1; cd ..; rmdir many", 0,
        r"3000\nls: g\*: No such file or directory\n"),
    "begun-and-killed": (  # a first client that did not get to the end of what all containers share
        "rmdir /run/bulkhead/root; ct run --rm busybox echo again; grep -c ' /run/bulkhead/' /proc/mounts", 0, r"again\n2\n"),
    "nothing-left": (
        "ct run --rm busybox true; ls -A /run/bulkhead/ct/.names; ls -d /run/bulkhead/ct/*; ls -d /sys/fs/cgroup/ct/*/; "
        "grep -c overlay /proc/mounts", 1, r"0\n", r"(ls: .*No such file or directory\n){2}"),
}

REFUSED = r"ct: the image's /{} is not a directory one can mount on: .*\n"
WORLD = "ls -A /tmp/outside 2>/dev/null; [ -e /tmp/sub ] && echo escaped; "

# The same with the images of tests/images/mkhostile.py.
HOSTILE = {
    "hostile-load": ("mkdir /tmp/outside; ct load -qi /mnt/hostile.tar", 0, r""),
    "hostile-dev": ("ct run --rm devlink true; s=$?; " + WORLD + "exit $s", 125, r"", REFUSED.format("dev")),
    "hostile-proc": ("ct run --rm proclink true", 125, r"", REFUSED.format("proc")),
    "hostile-sys": ("ct run --rm syslink true", 125, r"", REFUSED.format("sys")),
    "hostile-etc": ("ct run --rm etclink sh -c 'ls /etc'; " + WORLD, 1, r"hostname\nhosts\nresolv.conf\n"),
    "hostile-volume": (
        "mkdir -p /tmp/v2; echo x >/tmp/v2/f; ct run --rm -v /tmp/v2:/up/sub -v /tmp/v2/f:/up/one uplink "
        "sh -c 'ls -A /tmp /tmp/sub'; " + WORLD + "ls /tmp/one", 1, r"/tmp:\none\nsub\n\n/tmp/sub:\nf\n",
        r"ls: /tmp/one: No such file.*\n"),
    "hostile-masks": (
        "cat /proc/sys/kernel/core_pattern >/tmp/cp 2>/dev/null; "
        "ct run --rm masks sh -c 'echo x >/dev/null; [ -c /dev/null ] && ls /dev/pts'; "
        "cat /proc/sys/kernel/core_pattern 2>/dev/null | cmp - /tmp/cp", 0, r"ptmx\n"),
    "hostile-masks-uncovered": (  # without its /dev/null nothing of /proc would be hidden
        "mkdir -p /tmp/v3; echo x >/tmp/v3/f; r() { ct run --rm $* intodev cat /proc/interrupts | wc -c; }; "
        "r --tmpfs /a; r --tmpfs /a -v /tmp/v3:/b; r -v /tmp/v3:/a; rm -r /tmp/v3", 0, r"(0\n){3}",
        r"ct: a mount covers the container's /dev: cannot find /dev/null: No such file or directory\n"
        r"ct: cannot mount a volume on /b: another mount covers /dev: No such file or directory\n"
        r"ct: cannot remove /dev/\.volume-0: No such file or directory\n"),
    "hostile-accounts": (
        "ct run --rm -u root accounts true; echo $?; ct run --rm -u 5 accounts sh -c 'echo ran'", 0, r"125\nran\n",
        r"ct: unable to find user root: .*\n"),
    "hostile-numbers": (  # users and groups whose names are numbers: root, says the image
        "who() { ct run --rm -u $1 numbers sh -c 'id -u; id -g'; }; who 1000; who 1000:1000; who 1001:1000; who 1002; who named; "
        "for u in 4294967296 2147483648 1000:4294967296 99999999999999999999; do who $u; echo $?; done; "
        "ct run -d --name n numbers sleep 1000 >/dev/null; ct exec -u 1000:1000 n sh -c 'id -u; id -g'; "
        "ct exec -u 4294967296 n id; echo $?; ct rm -f n", 0,
        r"1000\n0\n1000\n1000\n1001\n1000\n1002\n0\n1001\n7\n(125\n){4}1000\n1000\n125\nn\n",
        r"(ct: invalid ID \d+: uids and gids must be in range 0-2147483647\n){5}"),
    "hostile-cwd": (
        "for n in 3 4 5 6 7 8 9 10 11; do ct run --rm cwd$n pwd; done; ct run --rm cwdup pwd", 0, r"/\n",
        r"(ct: chdir to cwd .* failed: .*\n){9}"),
    "hostile-exec-cwd": (
        "ct run -d --name c busybox sleep 1000 >/dev/null; for n in 3 4 5 6 7 8 9 10; do ct exec -w /proc/self/fd/$n c pwd; done; "
        "ct rm -f c", 0, r"c\n", r"(ct: chdir to cwd .* failed: .*\n){8}"),
    "hostile-self": (
        "ct run --rm selfexe", 125, r"", r"ct: this program is started by ct and vm, not by hand\n"),
    "hostile-overwrite": (
        "ct run --rm --entrypoint sh selfexe -c 'for i in 1 2 3; do (exec 9</proc/self/exe; cat /bin/busybox >&9) 2>&1; done | wc -l'; "
        "md5sum </run/bulkhead/bin/bulkhead-sup >/tmp/m1; md5sum </bin/bulkhead-sup | cmp - /tmp/m1", 0, r"3\n"),
    "unusual-names": (
        "ct run --rm names sh -c 'cat /h*/*; cat /l*/m*'", 0, r"xy"),
    "image-fields": (
        "ct inspect -f '{{.Config.Env}} {{.Config.Entrypoint}} {{.Config.Cmd}} {{.Config.WorkingDir}} {{.Config.User}} {{.Config.StopSignal}}' fields; "
        "ct run -d --name f fields >/dev/null; await f ready; ct inspect -f '{{.Path}} {{.Args}} {{.Config.WorkingDir}} {{.Config.User}}' f; "
        "ct exec f sh -c 'echo $GREETING $(pwd) $(id -u):$(id -g)'; ct stop f; ct logs f; ct inspect -f '{{.State.ExitCode}}' f; ct rm f", 0,
        r"\[\"GREETING=good day\",\"PATH=/bin\"\] \[\"start\",\"entry\"\] \[\"two words\"\] /work/deep worker:staff SIGUSR2\n"
        r"start \[\"entry\",\"two words\"\] /work/deep worker:staff\ngood day /work/deep 1234:56\nf\n"
        r"/bin/start 2 entry two words\ngood day /work/deep 1234:56 /home/of/worker\nready\nstopped\n7\nf\n"),
    "image-fields-overridden": (
        "ct run -d --name f --stop-signal TERM fields other words >/dev/null; await f ready; ct stop f; ct logs f; ct rm f; "
        "ct run --rm --entrypoint sh -u 0 -w /tmp -e GREETING=hi fields -c 'echo $GREETING $(pwd) $(id -u) $0'", 0,
        r"f\n/bin/start 3 entry other\ngood day /work/deep 1234:56 /home/of/worker\nready\nterminated\nf\nhi /tmp 0 sh\n"),
    "image-environment": (
        "ct run --rm environment env | sort; ct run -dt --name e environment sleep 1000 >/dev/null; ct exec -t e env | grep TERM; "
        "ct inspect -f '{{.Config.Env}}' e; ct rm -f e; ct run --rm -e TERM=vt100 -e HOSTNAME environment env | sort", 0,
        r"EMPTY=\nHOME=/\nHOSTNAME=mine\nPATH=/bin\nTERM=dumb\nTERM=dumb\r?\n\[\"TERM=dumb\",\"HOSTNAME=mine\",\"PATH=/bin\",\"EMPTY=\"\]\ne\n"
        r"EMPTY=\nHOME=/\nPATH=/bin\nTERM=vt100\n"),
    "unusual-layers": (
        "for i in whiteout opaque over after; do ct run --rm $i sh -c 'ls /d; ls /gone'; done; ct run --rm unmade cat /d", 0,
        r"high\nhigh\n/gone\nhigh\n/gone\nhigh\n/gone\n3", r"ls: /gone: No such file or directory\n"),
    "hostile-nothing-left": ("ls -A /run/bulkhead/ct/.names /tmp/outside; ls /run/bulkhead/ct | wc -l", 0, r"/run/bulkhead/ct/.names:\n\n/tmp/outside:\n0\n"),
}


# Loading the archives of tests/images/mkodd.py, from /mnt/odd; each check leaves no image behind.
ODD = {
    "pinned": (
        "cd /mnt/odd; ct load -qi one.tar; ct load -i pinned.tar; ct images -q odd | wc -l; ct run --rm odd:one cat /which; "
        "ct run --rm $(ct inspect -f '{{.RepoDigests}}' odd:one | tr -d '[]\"') cat /which; "
        "p=$(ct images odd | awk '$2 == \"<none>\" { print $3 }'); "
        "two=$(ct inspect -f '{{.RepoDigests}}' $p | tr -d '[]\"'); ct run --rm odd:one@${two#*@} cat /which; "
        "ct inspect -f '{{.RepoTags}}' $p; ct rmi odd:one $two | grep -c Deleted; ct run odd@${two#*@}", 125,
        r"Loaded image: odd@sha256:[0-9a-f]{64}\n2\none\none\ntwo\n\[\]\n2\n", r"ct: no such image: odd@sha256:.*\n"),
    "pinned-to-what-came-along": (
        "b=$(ct inspect -f '{{.RepoDigests}}' busybox | tr -d '[]\"'); ct rmi busybox >/dev/null; rm /var/lib/bulkhead/db/seen/*; "
        "ct run --rm docker.io/library/$b echo right; ct run --rm ${b%%:*}:$(printf %064d 0) echo wrong", 125, r"right\n",
        r"ct: no such image: busybox@sha256:0{64} .*\n"),
    "unpacking-has-no-way-out": (
        "ct load -i /mnt/odd/slow.tar & p=$(unpacking); for f in /proc/$p/fd/*; do readlink $f; done | "
        "sed 's,/[.]new-.*,/.new-ID,; s/:.*//' | sort -u; kill $p; wait $!", 1,
        r"/mnt/odd/slow.tar\n(/var/lib/bulkhead/layers/.new-ID\n)?pipe\n", r"ct: /mnt/odd/slow.tar: the unpacking broke off\n"),
    "hashing-has-no-way-out": ( # of a layer that is there already
        "mkdir /var/lib/bulkhead/layers/$(printf 'ab%.0s' $(seq 32)); ct load -i /mnt/odd/slow.tar & "
        "p=$(unpacking); for f in /proc/$p/fd/*; do readlink $f; done | sed 's/:.*//' | sort -u; ls -A /proc/$p/root/ | wc -l; grep CapPrm /proc/$p/status; "
        "kill $p; wait $!", 1, r"/mnt/odd/slow.tar\npipe\n0\nCapPrm:\t0{16}\n", r"ct: /mnt/odd/slow.tar: the unpacking broke off\n"),
    "load-is-interrupted": (
        "ct load -i /mnt/odd/slow.tar & unpacking >/dev/null; kill $!; wait $!; echo $?; ls -A /var/lib/bulkhead/layers | grep -c ^.new", 1,
        r"143\n0\n", r"(Terminated\n)?"),
    "load-waits-for-a-pipe-alone": (
        "mkfifo /tmp/f; ct load </tmp/f & l=$!; exec 9>/tmp/f; until ls -l /proc/$l/fd 2>/dev/null | grep -q spool; do :; done; "
        "ct load -i /mnt/odd/one.tar; ct rmi odd:one | grep -c Deleted; kill $l; wait $l; echo $?; ls -A /var/lib/bulkhead | grep -c spool", 1,
        r"Loaded image: odd:one\n1\n143\n0\n", r"(Terminated\n)?"),
    "sparse-files": (
        "ct load -qi /mnt/odd/sparse.tar; ct run --rm odd:one sh -c 'ls -l /hole /tail /holes; head -c 4 /tail; "
        "for n in 0 255 256 257 511 512 513 767; do head -c $((n * 4096 + 1)) /holes | tail -c 1; done | tr \"\\0\" .; wc -c </tail'; "
        "ct rmi odd:one | grep -c Deleted", 0,
        r"-.* 1073741824 .* /hole\n-.* 3145728 .* /holes\n-.* 5242880 .* /tail\ndata\.\.a\.\.b\.\.5242880\n1\n"),
    "size-of-an-image-is-no-cost": (  # of its containers, which never see each other's writes
        "free_kib() { echo 3 >/proc/sys/vm/drop_caches; awk '/^MemFree/ {print $2}' /proc/meminfo; }; "
        "one() { ct run -d --name s $1 sleep 1000 >/dev/null; }; "
        "cost() { one $1; ct rm -f s >/dev/null; a=$(free_kib); one $1; b=$(free_kib); ct rm -f s >/dev/null; echo $((a - b)); }; "
        "ct load -qi /mnt/odd/large.tar; small=$(cost busybox); large=$(cost large:one); "
        "[ $((large - small)) -lt 8192 ] && echo same || echo $small KiB, with 16 MiB more in its image $large; "
        "for i in 1 2; do ct run --rm large:one sh -c 'wc -c </big; echo more >>/big; wc -c </big'; done; ct rmi large:one | grep -c Deleted", 0,
        r"same\n(16777216\n16777221\n){2}1\n"),
    "named-by-the-file": (
        "cd /mnt/odd; cp tagged.tar /tmp/Tagged.tar; cat tagged.tar | ct load; ct load -i /tmp/Tagged.tar; ct images | grep -c '^<none>'; "
        "ct load -i tagged.tar; ct run --rm tagged:v1 sh -c 'echo ran'; ct rmi tagged:v1 | grep -c Deleted", 0,
        r"(Loaded image ID: sha256:[0-9a-f]{64}\n){2}1\nLoaded image: tagged:v1\nran\n1\n"),
    "load-after-a-killed-one": (
        "cd /mnt/odd; ct load -qi one.tar; ct inspect -f '{{.RootFS.Layers}}' odd:one | tr ',' '\\n' | sed 's/.*sha256:\\(.\\{16\\}\\).*/\\1/' >/tmp/l; "
        "ct rmi odd:one | grep -c Deleted; for l in $(cat /tmp/l); do mkdir -p /var/lib/bulkhead/layers/.new-$l/bin/busybox/x; done; "
        "ct load -i one.tar; ct run --rm odd:one cat /which; ct rmi odd:one | grep -c Deleted; wc -l </tmp/l", 0,
        r"1\nLoaded image: odd:one\none\n1\n2\n"),
    # the beginning of a digest is all that a layer is mounted by; made up here, as nobody has two that begin alike
    "layers-that-begin-alike": (
        "cd /var/lib/bulkhead/layers; ct load -qi /mnt/odd/one.tar; l=$(ls -t l | head -n 1); f=$(basename $(readlink l/$l)); "
        "o=$l$(printf %048d 0); ct rmi odd:one | grep -c Deleted; mkdir $o; ln -s ../$o l/$l; ct load -i /mnt/odd/one.tar; echo $?; ls -d $o $f; "
        "ln -s ../$o l/$l; ct load -qi /mnt/odd/one.tar; readlink l/$l | grep -c $f; ct rmi odd:one | grep -c Deleted", 0,
        r"1\n1\n1\n1\n", r"ct: /mnt/odd/one.tar: the layer ([0-9a-f]{16})[0-9a-f]{48} begins like another one that is there: \1[0]{48}\n"
        r"(ls: .*No such file.*\n){2}"),
    "a-failed-load-moves-no-tag": (
        "cd /mnt/odd; ct load -qi one.tar; ls /var/lib/bulkhead/layers /var/lib/bulkhead/db/* >/tmp/was; ct load -i long-name.tar; echo $?; "
        "ct run --rm odd:one cat /which; ls /var/lib/bulkhead/layers /var/lib/bulkhead/db/* | cmp - /tmp/was; ct rmi odd:one | grep -c Deleted", 0,
        r"1\none\n1\n", r"ct: long-name.tar: cannot record the name odd/x+:one: File name too long\n"),
    "odd-nothing-left": (
        "ct images odd; ls /run/bulkhead/ct 2>/dev/null | wc -l; ls -A /var/lib/bulkhead/layers | grep -c ^.new", 1, r"REPOSITORY .*\n0\n0\n"),
}

# Debian's kernel has these from programs that we do not load (devices) and from its own mount option (cgroups).
ON_BULKHEAD = {
    # One that may mount makes nodes where they would open, and sees the group that limits it.
    "no-devices-by-mounts": (
        "ct run --rm --cap-add SYS_ADMIN busybox sh -c 'mount -t tmpfs t /home; "
        "for d in 1:3 1:11 4:64 5:1 10:232; do mknod /home/x c ${d%:*} ${d#*:}; (: </home/x) && echo $d opens; rm /home/x; done; "
        "mount -t devtmpfs d /home; for d in kvm console; do (: </home/$d); done; true'", 0,
        r"1:3 opens\n", r"(sh: can't open /home/\S+: Operation not permitted\n){6}"),
    "no-limit-lifted-by-mounts": (
        "ct run --rm -m 64m --pids-limit 10 --cap-add SYS_ADMIN busybox sh -c 'mount -t cgroup2 c /home; cd /home; "
        "echo max >memory.max; echo max >pids.max; cat memory.max pids.max; "
        "mkdir sub; echo $$ >sub/cgroup.procs; echo +pids >cgroup.subtree_control; echo 5 >sub/pids.max; cat sub/pids.max'", 0,
        r"67108864\n10\n5\n", r"(sh: write error: Operation not permitted\n){2}"),
}

ALL = {**CHECKS, **HOSTILE, **ODD}


def holders(build):
    """Programs that leave System V IPC objects behind: NAME hold AMOUNT."""
    return {f"/mnt/sysv_{kind}": os.path.join(build, "abi", f"sysv_{kind}") for kind in ("shm", "sem", "msg")}


@pytest.fixture(scope="module")
def checked(booter, build, tmp_path_factory):
    results = {}
    folder = tmp_path_factory.mktemp("images")
    archive, odd = folder / "hostile.tar", folder / "odd"
    subprocess.run([sys.executable, ROOT + "/tests/images/mkhostile.py", "--build", build, str(archive)], check=True)
    subprocess.run([sys.executable, ROOT + "/tests/images/mkodd.py", "--build", build, str(odd)], check=True)
    files = {"/mnt/hostile.tar": archive, **{f"/mnt/odd/{name}": odd / name for name in os.listdir(odd)}, **holders(build)}

    def on(system):
        if system not in results:
            checks = {**ALL, **(ON_BULKHEAD if system == "bulkhead" else {})}
            scripts = {name: PREPARE + check[0] for name, check in checks.items()}
            results[system] = booter.run_many(scripts, timeout=600, linux=system == "linux", memory="1G",
                                              add=files)
        return results[system]
    return on


@pytest.mark.parametrize("system, name", [(system, name) for system in ("bulkhead", "linux") for name in ALL]
                         + [("bulkhead", name) for name in ON_BULKHEAD])
def test_ct(checked, system, name):
    result = checked(system)[name]
    _, status, stdout, *stderr = (ALL | ON_BULKHEAD)[name]
    assert result.status == status, str(result)
    assert re.fullmatch(stdout, result.stdout), str(result)
    assert re.fullmatch(stderr[0] if stderr else "", result.stderr), str(result)


@pytest.mark.parametrize("system", ["bulkhead", "linux"])
def test_help(checked, system):
    text = checked(system)["help"].stdout
    overview, *pages = re.split(r"^(?=Usage:  ct [a-z])", text, flags=re.M)
    assert re.findall(r"^  (\w+) +\S", overview, re.M) == list(COMMANDS)
    assert [re.match(r"Usage:  ct (\w+)", page)[1] for page in pages] == list(COMMANDS)
    for page, (command, options) in zip(pages, COMMANDS.items()):
        for option in options.replace(", ", ",").split():
            assert re.search(rf"^ +{option.replace(',', ', ')}\b.* \S", page, re.M), (command, option)


# Loading each good archive and refusing each bad one; prints what is not as it should be.
ARCHIVES = r"""
cd /mnt/archives
world() { find /var/lib/bulkhead/db /var/lib/bulkhead/layers | sort; }
for f in good-*; do
    ct load -i $f >/tmp/out 2>&1 || echo "refused $f: $(cat /tmp/out)"
    ct rmi t:one >/dev/null || echo "rmi after $f"
    ct load -q <$f || echo "refused $f from a pipe"
    ct rmi t:one >/dev/null
done
world >/tmp/before
while IFS="$(printf '\t')" read -r f pattern; do
    ct load -i $f >/tmp/out 2>&1 && { echo "took $f"; ct rmi t:one >/dev/null 2>&1; }
    [ "$(wc -l </tmp/out)" = 1 ] && grep -qE -- "$pattern" /tmp/out || echo "$f: $(cat /tmp/out)"
    world >/tmp/after
    cmp -s /tmp/before /tmp/after || { echo "$f left something behind"; diff /tmp/before /tmp/after; }
done <expect
echo tried $(wc -l <expect)
"""


@pytest.mark.parametrize("system", ["bulkhead", "linux"])
def test_archives(machine, tmp_path, system):
    folder = tmp_path / "archives"
    subprocess.run([sys.executable, ROOT + "/tests/images/mkbad.py", str(folder)], check=True)
    count = len((folder / "expect").read_text().splitlines())
    result = machine.run(PREPARE + ARCHIVES, timeout=600, linux=system == "linux", memory="1G",
                         add={f"/mnt/archives/{name}": folder / name for name in os.listdir(folder)})
    assert (result.status, result.stdout) == (0, f"tried {count}\n"), str(result)


# Containers that leave segments, sets and queues behind, their undo lists unused, one killed while it waits.
IPC_LEFT = r"""
one() {
    ct run --rm -v /mnt:/mnt busybox sh -c \
        '/mnt/sysv_shm hold 1000000; /mnt/sysv_sem hold 20; /mnt/sysv_msg hold 100' | grep -c held
}
free() {
    while pidof bulkhead-sup >/dev/null; do sleep 0.1; done # a client waits for its own a second, no longer
    echo 3 >/proc/sys/vm/drop_caches; awk '/^MemFree/ { print $2 }' /proc/meminfo
}
for i in 1 2 3 4 5; do one; done
before=$(free)
for i in 1 2 3 4 5; do one; done
after=$(free)
[ $before = $after ] && echo equal || echo "$before KiB were free, then $after"
"""


def test_ipc_objects_go_with_their_container(machine, build):
    result = machine.run(IPC_LEFT, add=holders(build))
    assert (result.status, result.stdout) == (0, "3\n" * 10 + "equal\n"), str(result)


# One process, and what should not get more than it: eight; threads that start others and end. Containers of the same weight.
BUSY = r"""
ct run -d --name one busybox sh -c 'while :; do :; done' >/dev/null
beside() {
    ct run -d --name other "$@" >/dev/null
    files=$(for c in one other; do echo /sys/fs/cgroup/*/$(ct inspect -f '{{.Id}}' $c)/cpu.stat; done)
    used() { sed -n 's/^usage_usec //p' $files; }
    set -- $(used) $(sleep 4) $(used)
    echo $(($3 - $1)) $(($4 - $2))
    ct kill other >/dev/null; ct rm -f other >/dev/null
}
beside busybox sh -c 'for i in 1 2 3 4 5 6 7 8; do while :; do :; done & done; wait'
beside -v /bin/relay:/relay:ro busybox /relay
"""


def test_containers_share_the_cpu_whatever_runs_in_them(machine, build):
    result = machine.run(BUSY, add={"/bin/relay": os.path.join(build, "attacks/relay")})
    many, relay = ([int(n) for n in line.split()] for line in result.stdout.splitlines())
    assert 0.8 < many[0] / many[1] < 1.25, str(result)
    assert 1 / 3 < relay[0] / relay[1] < 3, str(result)
