kernel-y += kernel/fs/procfs/procfs.o kernel/fs/procfs/pid.o kernel/fs/procfs/status.o kernel/fs/procfs/system.o kernel/fs/procfs/sysctl.o kernel/fs/procfs/sysfs.o kernel/fs/procfs/sysvipc.o
