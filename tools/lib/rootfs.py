# SPDX-License-Identifier: BSD-2-Clause
"""The directories that Bulkhead's root has from the start, with their modes."""

DIRECTORIES = {
    "/bin": 0o755,
    "/dev": 0o755,
    "/etc": 0o755,
    "/etc/bulkhead": 0o755,
    "/home": 0o755,
    "/mnt": 0o755,
    "/proc": 0o755,
    "/root": 0o700,
    "/run": 0o755,
    "/sbin": 0o755,
    "/sys": 0o755,
    "/sys/fs": 0o755,
    "/sys/fs/cgroup": 0o755,
    "/tmp": 0o1777,
    "/usr": 0o755,
    "/usr/bin": 0o755,
    "/usr/lib": 0o755,
    "/usr/lib/locale": 0o755,
    "/usr/sbin": 0o755,
    "/var": 0o755,
    "/var/lib": 0o755,
    "/var/lib/bulkhead": 0o755,
    "/var/lib/bulkhead/guests": 0o755,
    "/var/lib/bulkhead/images": 0o755,
    "/var/log": 0o755,
    "/var/tmp": 0o1777,
}

# Where init mounts file systems: what an archive puts there cannot be seen.
MOUNTED = ("/dev", "/proc", "/run", "/sys", "/tmp")
