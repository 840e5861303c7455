kernel-y += kernel/lib/string.o kernel/lib/printf.o kernel/lib/rbtree.o kernel/lib/page_tree.o

unit-tests += test_printf
test_printf-srcs := tests/unit/test_printf.c kernel/lib/printf.c
test_printf-cflags := -Dsnprintf=kernel_snprintf -Dvsnprintf=kernel_vsnprintf -idirafter kernel/include
