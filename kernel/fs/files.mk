# SPDX-License-Identifier: BSD-2-Clause
# The VFS core and the in-memory file systems that the kernel starts from.
vfs-objects := kernel/fs/attr.o kernel/fs/cpio.o kernel/fs/cwd.o kernel/fs/dentry.o kernel/fs/device.o \
        kernel/fs/devtmpfs.o kernel/fs/fcntl.o kernel/fs/fdtable.o kernel/fs/file.o kernel/fs/init.o \
        kernel/fs/initrd.o kernel/fs/inode.o kernel/fs/io_buf.o kernel/fs/lock.o kernel/fs/lock_range.o \
        kernel/fs/memfd.o kernel/fs/mount.o kernel/fs/mount_options.o kernel/fs/mount_show.o \
        kernel/fs/mount_syscalls.o kernel/fs/namei.o kernel/fs/names.o kernel/fs/open.o \
        kernel/fs/pagecache.o kernel/fs/path_name.o kernel/fs/permission.o kernel/fs/readdir.o \
        kernel/fs/rename.o kernel/fs/rw.o kernel/fs/copy.o kernel/fs/stat.o kernel/fs/statfs.o \
        kernel/fs/super.o kernel/fs/tmpfs.o kernel/fs/truncate.o kernel/fs/xattr.o
kernel-y += $(vfs-objects)
# What programs wait with and talk through
kernel-y += kernel/fs/pipe.o kernel/fs/poll.o kernel/fs/epoll.o kernel/fs/eventfd.o kernel/fs/timerfd.o \
        kernel/fs/user_account.o kernel/fs/signalfd.o

unit-tests += test_cpio test_mount_options test_lock_range
test_cpio-srcs := tests/unit/test_cpio.c kernel/fs/cpio.c
test_cpio-cflags := -idirafter kernel/include
test_mount_options-srcs := tests/unit/test_mount_options.c kernel/fs/mount_options.c
test_mount_options-cflags := -idirafter kernel/include
test_lock_range-srcs := tests/unit/test_lock_range.c kernel/fs/lock_range.c
test_lock_range-cflags := -idirafter kernel/include

# The whole of it on the build host, with stand-ins for the rest of the kernel.
unit-tests += test_vfs
test_vfs-srcs := tests/unit/test_vfs.c tests/unit/vfs_host/host.c kernel/lib/page_tree.c \
        $(patsubst %.o,%.c,$(filter-out kernel/fs/initrd.o,$(vfs-objects)))
test_vfs-cflags := -Itests/unit -Itests/unit/vfs_host -idirafter kernel/include -Wno-builtin-declaration-mismatch

unit-tests += test_page_tree
test_page_tree-srcs := tests/unit/test_page_tree.c kernel/lib/page_tree.c
test_page_tree-cflags := -Itests/unit/vfs_host -idirafter kernel/include
