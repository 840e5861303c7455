kernel-y += kernel/mm/init.o kernel/mm/buddy.o kernel/mm/slab.o kernel/mm/charge.o kernel/mm/kmap.o
kernel-y += kernel/mm/pagetable.o kernel/mm/tlb.o kernel/mm/vma.o kernel/mm/unmap.o kernel/mm/fault.o
kernel-y += kernel/mm/mm.o kernel/mm/mmap.o kernel/mm/uaccess.o

# The whole of it on the build host, on a machine with TLBs of its own (tests/unit/mm_host).
mm-host-srcs := $(addprefix tests/unit/mm_host/, machine.c files.c) kernel/lib/rbtree.c \
        $(patsubst %.o,%.c,$(filter-out kernel/mm/init.o,$(filter kernel/mm/%,$(kernel-y))))
mm-host-cflags := -Itests/unit -Itests/unit/mm_host -I. -idirafter kernel/include -Wno-builtin-declaration-mismatch \
        -Wl,--wrap=page_put
unit-tests += test_pages test_address_space
test_pages-srcs := tests/unit/test_pages.c $(mm-host-srcs)
test_pages-cflags := $(mm-host-cflags)
test_address_space-srcs := tests/unit/test_address_space.c $(mm-host-srcs)
test_address_space-cflags := $(mm-host-cflags)
