# SPDX-License-Identifier: BSD-2-Clause
"""Dynamically linked programs of a distribution, in a container: bash, perl, Python, the core utilities.

Nobody here wrote them. They bring the dynamic linker, threads, shared libraries, memory-mapped files.
"""
import subprocess
import sys

import pytest

from machine import ROOT, quote

BASH = r"""
a=(one two three); declare -A m=([k]=v); echo "${#a[@]} ${a[-1]} ${m[k]} ${BASH_VERSION:+bash}"
cat <(echo process) <(echo substitution)
coproc cat; echo through >&"${COPROC[1]}"; read -r x <&"${COPROC[0]}"; echo "$x"; exec {COPROC[1]}>&-; wait
(exit 1) & a=$!; (exit 2) & b=$!; wait $b; s=$?; wait $a; echo $((s + $?))
trap 'echo trapped' USR1; kill -USR1 $$
sort -r <<<$'a\nc\nb' | head -n 1
mkfifo /tmp/f; seq 1 100000 >/tmp/f & md5sum </tmp/f
tar cf - -C /bin bash | gzip -1 | gzip -d | tar tf -
"""
BASH_OUT = ("3 three v bash\nprocess\nsubstitution\nthrough\n3\ntrapped\nc\n"
            "dea9193b768319cbb4ff1a137ac03113  -\nbash\n")

PERL = r"""
pipe(my $r, my $w); if (!fork) { close $r; print $w "from the child\n"; exit 3 } close $w;
print <$r>; wait; print $? >> 8, "\n"; print join(",", sort { $b <=> $a } map { $_ * 2 } 1..3), "\n";
my $s = "x" x 1000; open(my $f, "+>", "/tmp/p"); print $f $s; seek $f, 0, 0; print length(<$f>), "\n";
"""
PERL_OUT = "from the child\n3\n6,4,2\n1000\n"

# Each function's name is printed when it has returned.
PYTHON = r'''
import asyncio, ctypes, fcntl, json, mmap, os, select, signal, socket, sqlite3, subprocess, sys, tempfile, threading, time
import multiprocessing, queue, resource, shutil, stat

def threads():
    q, n = queue.Queue(), 8
    ts = [threading.Thread(target=lambda: [q.put(i) for i in range(500)]) for _ in range(n)]
    [t.start() for t in ts]; [t.join() for t in ts]
    assert q.qsize() == 500 * n

def processes():
    with multiprocessing.Pool(3) as pool:
        assert sum(pool.map(abs, range(-100, 0))) == 5050
    v = multiprocessing.Value("i", 0)
    def add():
        for _ in range(200):
            with v.get_lock():
                v.value += 1
    ps = [multiprocessing.Process(target=add) for _ in range(3)]
    [p.start() for p in ps]; [p.join() for p in ps]
    assert v.value == 600

def children():
    done = subprocess.run(["cat"], input=b"x" * 200000, stdout=subprocess.PIPE)
    assert done.stdout == b"x" * 200000
    try:
        subprocess.run(["/nowhere"])
        assert False
    except FileNotFoundError:
        pass
    p = subprocess.Popen(["sleep", "100"]); p.terminate()
    assert p.wait() == -signal.SIGTERM

def database():
    for mode in ("delete", "wal"):
        path = f"/tmp/{mode}.db"
        a = sqlite3.connect(path); a.execute(f"pragma journal_mode={mode}"); a.execute("create table t(i, s)")
        with a:
            a.executemany("insert into t values (?, ?)", [(i, str(i) * 20) for i in range(2000)])
        b = sqlite3.connect(path)
        assert b.execute("select sum(i) from t").fetchone() == (1999000,)
        a.execute("begin immediate")
        try:
            sqlite3.connect(path, timeout=0).execute("begin immediate")
            assert False
        except sqlite3.OperationalError as e:
            assert "locked" in str(e)

def event_loop():
    async def main():
        async def echo(r, w):
            w.write(await r.read()); w.close()
        server = await asyncio.start_unix_server(echo, "/tmp/echo")
        async def client(n):
            r, w = await asyncio.open_unix_connection("/tmp/echo")
            w.write(b"%d" % n * 1000); w.write_eof()
            assert await r.read() == b"%d" % n * 1000
        await asyncio.gather(*(client(n) for n in range(20)))
        p = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
        assert await p.communicate(b"hello") == (b"hello", None)
    asyncio.run(main())

def mapped_files():
    with tempfile.TemporaryFile() as f:
        f.truncate(100000)
        m = mmap.mmap(f.fileno(), 100000); m[99990:] = b"0123456789"; m.flush()
        assert os.pread(f.fileno(), 10, 99990) == b"0123456789"
        os.pwrite(f.fileno(), b"written", 5000)
        assert m[5000:5007] == b"written"
        m.resize(200000); assert os.fstat(f.fileno()).st_size == 200000 and m[99990:100000] == b"0123456789"
    m = mmap.mmap(-1, 4096)
    if os.fork() == 0:
        m[0] = 42; os._exit(0)
    os.wait(); assert m[0] == 42

def signals():
    got = []
    signal.signal(signal.SIGALRM, lambda s, f: got.append(s))
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    signal.pause(); assert got == [signal.SIGALRM]
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1]); os.kill(os.getpid(), signal.SIGUSR1)
    assert signal.sigwaitinfo([signal.SIGUSR1]).si_pid == os.getpid()

def sockets():
    a, b = socket.socketpair()
    r, w = os.pipe()
    socket.send_fds(a, [b"x"], [r]); os.write(w, b"passed")
    _, fds, _, _ = socket.recv_fds(b, 10, 1)
    assert os.read(fds[0], 10) == b"passed"
    e = select.epoll(); e.register(b, select.EPOLLIN | select.EPOLLET); a.send(b"y")
    assert e.poll(10) == [(b.fileno(), select.EPOLLIN)]
    try:
        socket.socket(socket.AF_INET)
        assert False
    except OSError as error:
        assert error.errno == 97

def files():
    d = tempfile.mkdtemp(); os.makedirs(d + "/a/b"); open(d + "/a/b/c", "w").write("x" * 10000)
    shutil.copytree(d + "/a", d + "/z"); os.symlink("z/b/c", d + "/l"); os.link(d + "/l", d + "/h", follow_symlinks=False)
    assert os.readlink(d + "/h") == "z/b/c" and os.stat(d + "/l").st_size == 10000
    assert sorted(e.name for e in os.scandir(d)) == ["a", "h", "l", "z"]
    with open(d + "/lock", "w") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        with open(d + "/lock", "w") as g:
            try:
                fcntl.flock(g, fcntl.LOCK_EX | fcntl.LOCK_NB)
                assert False
            except BlockingIOError:
                pass
    os.rename(d + "/a", d + "/y"); shutil.rmtree(d); assert not os.path.exists(d)

def foreign_calls():
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.getpid() == os.getpid() and libc.close(-1) == -1 and ctypes.get_errno() == 9
    assert ctypes.CDLL("libm.so.6").abs and ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 7)() == 7

def recursion():
    def deep(n):
        return n and deep(n - 1)
    sys.setrecursionlimit(20000); threading.stack_size(64 << 20)
    t = threading.Thread(target=deep, args=(15000,)); t.start(); t.join()

def limits():
    resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
    try:
        [open("/dev/null") for _ in range(30)]
        assert False
    except OSError as error:
        assert error.errno == 24

for f in (threads, processes, children, database, event_loop, mapped_files, signals, sockets, files, foreign_calls,
          recursion, limits):
    f()
    print(f.__name__, flush=True)
'''
PYTHON_OUT = ("threads\nprocesses\nchildren\ndatabase\nevent_loop\nmapped_files\nsignals\nsockets\nfiles\nforeign_calls\n"
              "recursion\nlimits\n")

# name: (arguments of ct run, standard output)
CHECKS = {
    "bash": ("host bash -c " + quote(BASH), BASH_OUT),
    "perl": ("host perl -e " + quote(PERL), PERL_OUT),
    "python": ("-v /tmp/py:/py:ro host python3 /py/check.py", PYTHON_OUT),
    "as-user": ("-u 1000 --read-only --tmpfs /tmp host bash -c 'echo $UID; touch /x || touch /tmp/x && ls /tmp'", "1000\nx\n"),
}


@pytest.fixture(scope="module")
def results(booter, tmp_path_factory):
    folder = tmp_path_factory.mktemp("host")
    subprocess.run([sys.executable, ROOT + "/tests/images/mkhost.py", str(folder / "host.tar")], check=True)
    (folder / "check.py").write_text(PYTHON)
    scripts = {"load": "ct load -qi /mnt/host.tar && rm /mnt/host.tar; mkdir /tmp/py; cp /mnt/check.py /tmp/py"}
    scripts.update((name, "ct run --rm " + arguments) for name, (arguments, _) in CHECKS.items())
    return booter.run_many(scripts, timeout=600, add={"/mnt/host.tar": folder / "host.tar",
                                                      "/mnt/check.py": folder / "check.py"})


@pytest.mark.parametrize("name", CHECKS)
def test_dynamic(results, name):
    assert results["load"].status == 0, str(results["load"])
    assert (results[name].status, results[name].stdout) == (0, CHECKS[name][1]), str(results[name])
