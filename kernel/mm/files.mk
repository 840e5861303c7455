kernel-y += kernel/mm/init.o kernel/mm/buddy.o kernel/mm/slab.o kernel/mm/charge.o kernel/mm/kmap.o
kernel-y += kernel/mm/pagetable.o kernel/mm/tlb.o kernel/mm/vma.o kernel/mm/unmap.o kernel/mm/fault.o
kernel-y += kernel/mm/mm.o kernel/mm/mmap.o kernel/mm/uaccess.o
