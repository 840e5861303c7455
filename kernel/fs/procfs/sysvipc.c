/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/sysvipc: the System V IPC objects of the reader's namespace; proc(5), ipcs(1). */
#include <kernel/abi/ipc.h>
#include <kernel/ipc.h>
#include <kernel/ns.h>

#include "procfs.h"

static int show_shm(struct seq *s, const struct proc_context *c)
{
    struct abi_shmid_ds d;
    uint64_t resident;
    unsigned at = 0;
    int id;

    (void)c;
    seq_printf(s,
               "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  "
               "cuid  cgid"
               "      atime      dtime      ctime                   rss                  swap\n");
    while ((id = shm_next(current->nsproxy->ipc, &at, &d, &resident)) >= 0 && !s->failed) {
        seq_printf(
            s, "%10d %10d  %4o %21lu %5d %5d  %5lu %5u %5u %5u %5u %10ld %10ld %10ld %21lu %21lu\n",
            d.perm.key, id, d.perm.mode, d.size, d.cpid, d.lpid, d.nattch, d.perm.uid, d.perm.gid,
            d.perm.cuid, d.perm.cgid, d.atime, d.dtime, d.ctime, resident * PAGE_SIZE, 0UL);
        cond_resched();
    }
    return 0;
}

static int show_sem(struct seq *s, const struct proc_context *c)
{
    struct abi_semid_ds d;
    unsigned at = 0;
    int id;

    (void)c;
    seq_printf(
        s,
        "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n");
    while ((id = sem_next(current->nsproxy->ipc, &at, &d)) >= 0 && !s->failed) {
        seq_printf(s, "%10d %10d  %4o %10lu %5u %5u %5u %5u %10ld %10ld\n", d.perm.key, id,
                   d.perm.mode, d.nsems, d.perm.uid, d.perm.gid, d.perm.cuid, d.perm.cgid, d.otime,
                   d.ctime);
        cond_resched();
    }
    return 0;
}

static int show_msg(struct seq *s, const struct proc_context *c)
{
    struct abi_msqid_ds d;
    unsigned at = 0;
    int id;

    (void)c;
    seq_printf(
        s, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid"
           "      stime      rtime      ctime\n");
    while ((id = msg_next(current->nsproxy->ipc, &at, &d)) >= 0 && !s->failed) {
        seq_printf(s, "%10d %10d  %4o  %10lu %10lu %5d %5d %5u %5u %5u %5u %10ld %10ld %10ld\n",
                   d.perm.key, id, d.perm.mode, d.cbytes, d.qnum, d.lspid, d.lrpid, d.perm.uid,
                   d.perm.gid, d.perm.cuid, d.perm.cgid, d.stime, d.rtime, d.ctime);
        cond_resched();
    }
    return 0;
}

const struct proc_entry proc_sysvipc_entries[] = {
    {.name = "msg", .mode = 0444, .kind = PROC_FILE, .show = show_msg},
    {.name = "sem", .mode = 0444, .kind = PROC_FILE, .show = show_sem},
    {.name = "shm", .mode = 0444, .kind = PROC_FILE, .show = show_shm},
    {.name = NULL},
};
