# SPDX-License-Identifier: BSD-2-Clause
"""How each emulator is started. Both get a disk image and put their ports on descriptors of ours:

    debug   port 0xE9, out only
    serial  COM1: a descriptor to write to, or the path of a terminal
"""
import errno
import os
import random
import shutil
import socket


class Unusable(Exception):
    """The emulator cannot do what was asked for."""


def need(path, what):
    if not os.path.exists(path):
        raise Unusable(f"{path} is missing ({what}): run `make setup`")
    return path


def program(name):
    found = shutil.which(name)
    if not found:
        raise Unusable(f"{name} is not installed: run `make setup`")
    return found


def claim_cpu(family="bulkhead-tools-boot"):
    """A CPU of this host that no other run has claimed, if there is one; and the claim, to be kept open. It is a name
    among abstract sockets: the same for all users and build folders, and gone with whoever has it.
    Each network namespace has its own names: which CPU is tried first is left to chance, for the runs that see no claim.
    """
    cpus = list(os.sched_getaffinity(0))
    random.shuffle(cpus)
    for cpu in cpus:
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0{family}-cpu{cpu}")
            return cpu, claim
        except OSError as e:
            claim.close()
            if e.errno != errno.EADDRINUSE:
                break
    return cpu, None


class Qemu:
    """AMD SVM by QEMU's own emulation; anything the machine has by KVM."""

    name = "qemu"
    default_cpu = {"tcg": "EPYC,+svm,+npt", "kvm": "host"}
    noise = "TCG doesn't support requested feature"  # not worth showing
    time_zone = "UTC"

    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.debug_on_stdout = False

    def command(self, disk, debug_fd, serial_fd, serial_tty, linux=None):
        o = self.options
        accel = "tcg,thread=multi" if o.accel == "tcg" else "kvm"
        if o.icount:
            accel = "tcg,thread=single"
        args = [program("qemu-system-x86_64"), "-accel", accel, "-machine", "q35",
                "-cpu", o.cpu or self.default_cpu[o.accel], "-smp", str(o.cpus),
                "-m", str(o.memory), "-nodefaults", "-display", "none",
                "-chardev", f"file,id=debug,path=/dev/fd/{debug_fd}",
                "-device", "isa-debugcon,iobase=0xe9,chardev=debug"]
        if serial_tty:  # no mux: it would bring escape keys
            args += ["-chardev", f"serial,id=com1,path={serial_tty}"]
        else:
            args += ["-chardev", f"file,id=com1,path=/dev/fd/{serial_fd}"]
        args += ["-serial", "chardev:com1"]
        if o.icount:
            args += ["-icount", "shift=0,sleep=off", "-rtc", "clock=vm"]
        if o.exec is not None:
            args += ["-no-reboot"]
        if o.gdb:
            args += ["-gdb", f"tcp::{o.gdb}", "-S"]
        if linux:
            return args + ["-kernel", linux.kernel, "-initrd", linux.initrd, "-append",
                           linux.cmdline]
        firmware = os.path.join(o.build, "packages/usr/share/OVMF")
        variables = os.path.join(self.folder, "vars.fd")
        shutil.copyfile(need(f"{firmware}/OVMF_VARS_4M.fd", "firmware"), variables)
        code = need(f"{firmware}/OVMF_CODE_4M.fd", "firmware")
        return args + [
            "-drive", f"if=pflash,format=raw,readonly=on,file={code}",
            "-drive", f"if=pflash,format=raw,file={variables}",
            "-drive", f"if=none,id=esp,format=raw,cache=unsafe,file={disk}",
            "-device", "virtio-blk-pci,drive=esp,bootindex=1"]

    def claim_cpu(self):
        """QEMU runs on one CPU of the host while it emulates SVM: its VMRUN with a virtual interrupt pending sets a bit of
        CPUState.interrupt_request without the lock that its other threads hold, and an interrupt that a timer raises at
        that moment is never delivered (QEMU 7.2: the machine halts with the interrupt pending in the local APIC). On one
        CPU that instruction is atomic.
        """
        o = self.options
        return claim_cpu() if o.accel == "tcg" and "-svm" not in (o.cpu or "") else (None, None)

    def explain(self, status):
        if status != 0:
            return "it gave up"
        return "it powered off, was reset, or the CPU shut down (triple fault)"


# Each line was needed or measured with Bochs 2.7:
# - rfb with timeout=0 needs no display and no terminal, and keeps stdout for port 0xE9;
# - OVMF reads MSRs that Bochs lacks, so they must read as zero (ignore_bad_msrs);
# - without a video extension nothing is drawn, which is quickest; there is no GOP in any case;
# - error: ignore, because every nested page fault would be a line in the log.
BOCHSRC = """\
config_interface: textconfig
display_library: rfb, options="timeout=0,hideIPS"
cpu: model={cpu}, count={cpus}, ips={ips}, reset_on_triple_fault=0, ignore_bad_msrs=1
clock: sync={sync}
memory: guest={memory}, host={memory}
romimage: file={bios}, address=0x0, options=none
vgaromimage: file={vga}
vga: extension=none
pci: enabled=1, chipset=i440fx
plugin_ctrl: unmapped=1, iodebug=1, serial=1, extfpuirq=1, biosdev=0, speaker=0, parallel=0, gameport=0
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=disk, path="{disk}", mode=flat, cylinders=0, heads=16, spt=63
boot: disk
com1: enabled=1, mode={serial_mode}, dev={serial}
port_e9_hack: enabled=1
magic_break: enabled=0
log: {log}
panic: action=fatal
error: action={errors}
info: action=ignore
debug: action=ignore
"""


class Bochs:
    """Intel VT-x and EPT. Haswell by default: its TSC runs as fast as its CPUID claims."""

    name = "bochs"
    default_cpu = "corei7_haswell_4770"
    noise = ""  # all of it: what matters is in its log
    # Bochs sets its clock to local time, and converts with a summer-time flag that is left to chance:
    # both seasons must be UTC.
    time_zone = "AAA0BBB0,J60,J300"

    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.debug_on_stdout = True
        self.log = os.path.join(folder, "bochs.log")
        if options.gdb:
            raise Unusable("--gdb needs --emulator qemu: Debian's Bochs has no gdb stub")
        if options.icount:
            raise Unusable("--icount needs --emulator qemu (Bochs always counts instructions)")

    def command(self, disk, debug_fd, serial_fd, serial_tty, linux=None):
        o = self.options
        if linux:
            raise Unusable("--linux needs --emulator qemu")
        # Interactive: emulated time must not run ahead of the person at the keyboard. Otherwise it
        # never waits: while all CPUs are halted it jumps to the next timer.
        config = BOCHSRC.format(
            cpu=o.cpu or self.default_cpu, cpus=o.cpus, ips=o.ips, memory=o.memory, disk=disk,
            sync="slowdown" if o.exec is None else "none",
            bios=need(f"{o.build}/packages/usr/share/ovmf/OVMF.fd", "firmware"),
            vga=need(f"{o.build}/packages/usr/share/vgabios/vgabios.bin", "VGA ROM"),
            serial_mode="term" if serial_tty else "file",
            serial=serial_tty or f"/dev/fd/{serial_fd}", log=self.log,
            errors="report" if o.verbose else "ignore")
        with open(os.path.join(self.folder, "bochsrc"), "w") as f:
            f.write(config)
        # Debian's Bochs has its debugger built in and starts stopped: "c" continues. If the machine
        # ever breaks into it, show the registers and leave.
        with open(os.path.join(self.folder, "rc"), "w") as f:
            f.write("c\nr\nsreg\ncreg\nq\n")
        return [program("bochs"), "-q", "-f", "bochsrc", "-rc", "rc"]

    def claim_cpu(self):
        return None, None

    def explain(self, status):
        try:
            with open(self.log, errors="replace") as f:
                log = f.read()
        except OSError:
            return "it could not start"
        if "exception with no resolution" in log:
            return "the CPU shut down (triple fault)\n" + "".join(log.splitlines(True)[-40:])
        panics = [line for line in log.splitlines() if ">>PANIC<<" in line]
        if panics and "Shutdown port" not in log and "soft power off" not in log:
            return "Bochs gave up:\n" + "\n".join(panics[-5:])
        return "it powered off or was reset"


EMULATORS = {"qemu": Qemu, "bochs": Bochs}
