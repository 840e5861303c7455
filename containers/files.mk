kernel-y += containers/namespace.o containers/nsfs.o containers/cgroup.o containers/cgroupfs.o containers/capability.o containers/device.o
