kernel-y += kernel/lib/string.o kernel/lib/printf.o kernel/lib/rbtree.o kernel/lib/page_tree.o
