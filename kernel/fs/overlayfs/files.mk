kernel-y += kernel/fs/overlayfs/super.o kernel/fs/overlayfs/inode.o kernel/fs/overlayfs/copy_up.o
kernel-y += kernel/fs/overlayfs/dir.o kernel/fs/overlayfs/readdir.o kernel/fs/overlayfs/file.o

unit-tests += test_overlay
test_overlay-srcs = tests/unit/test_overlay.c kernel/lib/rbtree.c $(filter-out tests/unit/test_vfs.c,$(test_vfs-srcs)) \
        $(patsubst %.o,%.c,$(filter kernel/fs/overlayfs/%,$(kernel-y)))
test_overlay-cflags = $(test_vfs-cflags)
