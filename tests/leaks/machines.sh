# SPDX-License-Identifier: BSD-2-Clause
# Round $1: one VM with the tiny guest (../guests/tiny_kernel.asm) from start to end. What fails ends the script.
set -e
run="vm run -m 64 --append"
case $(($1 % 8)) in
0)  $run tiny=off --rm /tiny >/dev/null ;;
1)  $run tiny=spin -d --name leak /tiny >/dev/null
    vm kill leak >/dev/null
    vm wait leak >/dev/null
    vm rm leak >/dev/null ;;
2)  $run tiny=touch -d --name leak /tiny >/dev/null
    vm rm -f leak >/dev/null ;;
3)  $run tiny=halt -d --name leak /tiny >/dev/null
    vm stop -t 0 leak >/dev/null
    vm rm leak >/dev/null ;;
4)  # restarts itself without end
    $run tiny=reset -d --name leak /tiny >/dev/null
    until vm logs leak | grep -c tiny | grep -q '[3-9]'; do :; done
    vm rm -f leak >/dev/null ;;
5)  $run tiny=fault --name leak --no-reboot /tiny >/dev/null 2>&1 && false
    vm rm leak >/dev/null ;;
6)  # its monitor is killed while it touches memory
    $run tiny=touch -d --name leak /tiny >/dev/null
    kill -9 $(cat /sys/fs/cgroup/vm/*/run/cgroup.procs)
    vm wait leak >/dev/null
    vm rm leak >/dev/null ;;
7)  # it never comes to run
    vm run -m 64 --kernel /etc/passwd /tiny 2>/dev/null && false
    vm run -m 1 --kernel /tiny/kernel /tiny 2>/dev/null && false
    # its supervisor is killed
    $run tiny=spin -d --name leak /tiny >/dev/null
    kill -9 $(cat /sys/fs/cgroup/vm/*/sup/cgroup.procs)
    until vm ls -a | grep -q Crashed; do :; done
    vm rm leak >/dev/null ;;
esac
