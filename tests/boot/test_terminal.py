# SPDX-License-Identifier: BSD-2-Clause
"""Full-screen and line-editing programs on the console, as a person uses them."""
import time

import pytest

UP = "\x1b[A"


@pytest.fixture(scope="module")
def console(booter):
    yield booter.console()
    booter.close_consoles()


def test_history_and_line_editing(console):
    def typed(keys, output):  # the shell redraws its prompt while one edits
        console.send(keys + "\r")
        console.expect(f"\r\n{output}\r\n")
        console.prompt()

    typed("echo first", "first")
    typed("echo second", "second")
    typed(UP + UP, "first")
    typed("echo abc\x7f\x7fxyz", "axyz")
    typed("echo word gone\x17here", "word here")
    typed("ech\t again", "again")


def test_vi_edits_a_file(console):
    console.command("rm -f /tmp/f")
    console.send("vi /tmp/f\r")
    console.expect("- /tmp/f")  # its last line
    console.send("ifirst line\rsecond\x1b")
    console.expect(r"- /tmp/f \[Modified\]")  # vi takes what follows an ESC at once for a key's sequence
    console.send("yyp:wq\r")
    console.prompt()
    assert console.command("cat /tmp/f") == "first line\nsecond\nsecond\n"


def test_top_runs_and_ends(console):
    console.send("top\r")
    console.expect("PID +PPID")
    console.expect("init")
    console.send("q")
    console.prompt()


def test_stop_continue_background(console):
    console.start("cat")
    console.send("one\r")
    console.expect("one\r\none\r\n")
    console.send("\x1a")
    console.prompt()
    assert "Stopped" in console.command("jobs")
    console.send("fg\r")
    console.expect('cat"\r\n')
    console.send("two\r")
    console.expect("two\r\ntwo\r\n")
    console.send("\x04")
    console.prompt()
    assert "Stopped" in console.command("cat & sleep 1; jobs")  # a background read stops it
    console.command("kill -9 %1; wait %1")


def test_interrupt_reaches_the_whole_pipeline(console):
    console.send("yes | sh -c 'echo + >&2; exec cat' > /dev/null\r")
    console.expect("\n\\+\r+\n")
    console.send("\x03")
    console.prompt()
    assert console.command("echo $?; jobs") == "130\n"


def test_flow_control(console):
    console.send("seq 1 100000\r")
    console.expect("500\r\n")
    console.send("\x13")
    time.sleep(0.5)
    console.send("\x03")
    console.prompt()


def test_pasting_loses_nothing(console):
    lines = [f"line {i} " + "x" * 60 for i in range(1000)]  # more than all buffers on the way hold
    console.send("stty -echo; echo +; cat > /tmp/paste; stty echo; echo don''e\r")
    console.expect("\n\\+\r+\n")
    console.send("".join(line + "\r" for line in lines) + "\x04")
    console.expect("done")
    console.prompt()
    count = sum(len(line) + 1 for line in lines)
    assert console.command("wc -c < /tmp/paste").strip() == str(count)
    assert console.command("tail -n 1 /tmp/paste") == lines[-1] + "\n"
