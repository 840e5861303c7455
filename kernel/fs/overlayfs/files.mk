kernel-y += kernel/fs/overlayfs/super.o kernel/fs/overlayfs/inode.o kernel/fs/overlayfs/copy_up.o
kernel-y += kernel/fs/overlayfs/dir.o kernel/fs/overlayfs/readdir.o kernel/fs/overlayfs/file.o
