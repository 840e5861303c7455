/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file system "cgroup2": groups as directories, their controls as files.
 *
 * Every mount is a view of its own whose root is the mounter's cgroup namespace
 * root, so a container sees its own group as "/" and nothing above. Names are
 * looked up anew each time; what a file says is worked out when it is read.
 * The files are one table: name, who offers it, how it reads and is written.
 */
#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/ns.h>
#include <kernel/pid.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>

#include "cgroup_internal.h"

#define TEXT_MAX 65536 /* of cgroup.procs; everything else is far shorter */

/* Text under construction; silently full at the end. */
struct text {
    char *buf;
    size_t size, len;
};

struct control {
    const char *name;
    uint32_t controller; /* 0: always there; else when the parent's subtree_control has it */
    bool not_in_root;
    mode_t mode;
    void (*show)(struct cgroup *cg, struct text *t);
    int (*store)(struct cgroup *cg, char *value); /* value: trimmed, NUL-terminated */
};

static void text_add(struct text *t, const char *fmt, ...) __printf(2, 3);
static void text_add(struct text *t, const char *fmt, ...)
{
    size_t room = t->size - t->len;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(t->buf + t->len, room, fmt, ap);
    va_end(ap);
    t->len += min((size_t)n, room > 0 ? room - 1 : 0);
}

/* ---- values ---- */

static void show_limit(uint64_t limit, struct text *t)
{
    if (limit == CGROUP_UNLIMITED)
        text_add(t, "max\n");
    else
        text_add(t, "%llu\n", (unsigned long long)limit);
}

/* "max", or a number with an optional K, M, G suffix as memparse() of Linux takes. */
static int parse_limit(char *s, uint64_t *out)
{
    size_t n = strlen(s);
    unsigned shift = 0;
    int err;

    if (strcmp(s, "max") == 0) {
        *out = CGROUP_UNLIMITED;
        return 0;
    }
    if (n > 0) {
        static const char suffixes[] = "KMGTkmgt";
        const char *found = strchr(suffixes, s[n - 1]);

        if (found != NULL) {
            shift = 10 * (unsigned)((found - suffixes) % 4 + 1);
            s[n - 1] = '\0';
        }
    }
    err = parse_u64(s, 10, out);
    if (err < 0)
        return err;
    return mul_overflows(*out, 1ULL << shift, out) ? -ERANGE : 0;
}

static int parse_bool(const char *s, bool *out)
{
    if (strcmp(s, "0") != 0 && strcmp(s, "1") != 0)
        return -EINVAL;
    *out = s[0] == '1';
    return 0;
}

/* ---- cgroup.* ---- */

static void show_procs(struct cgroup *cg, struct text *t)
{
    const struct pid_ns *ns = current->pid->numbers[current->pid->level].ns;
    irqflags_t flags = spin_lock(&cgroup_lock);
    struct process *p;

    list_for_each(p, &cg->processes, cgroup_link) {
        int nr = pid_nr_in(p->pid, ns);

        if (!p->zombie)
            text_add(t, "%d\n", nr);
    }
    spin_unlock(&cgroup_lock, flags);
}

static int store_procs(struct cgroup *cg, char *value)
{
    struct process *p;
    uint64_t nr;
    int err = parse_u64(value, 10, &nr);

    if (err < 0)
        return err;
    if (cg->subtree_control != 0 && cg->parent != NULL)
        return -EBUSY; /* the "no internal processes" rule */
    if (nr == 0) {
        p = current_process();
        process_get(p);
    } else {
        p = nr <= PID_MAX ? process_find((int)nr) : NULL;
    }
    if (p == NULL)
        return -ESRCH;
    err = cgroup_move(cg, p);
    process_put(p);
    return err;
}

static const struct {
    const char *name;
    uint32_t bit;
} controllers[] = {{"cpu", CGROUP_CPU}, {"memory", CGROUP_MEMORY}, {"pids", CGROUP_PIDS}};

static void show_controllers(uint32_t set, struct text *t)
{
    const char *separator = "";

    for (unsigned i = 0; i < ARRAY_SIZE(controllers); i++) {
        if (set & controllers[i].bit) {
            text_add(t, "%s%s", separator, controllers[i].name);
            separator = " ";
        }
    }
    text_add(t, "\n");
}

static uint32_t available(const struct cgroup *cg)
{
    return cg->parent != NULL ? cg->parent->subtree_control : CGROUP_ALL;
}

static void show_available(struct cgroup *cg, struct text *t)
{
    show_controllers(available(cg), t);
}

static void show_subtree(struct cgroup *cg, struct text *t)
{
    show_controllers(cg->subtree_control, t);
}

static int parse_controller(const char *name, uint32_t *bit)
{
    for (unsigned i = 0; i < ARRAY_SIZE(controllers); i++) {
        if (strcmp(controllers[i].name, name) == 0) {
            *bit = controllers[i].bit;
            return 0;
        }
    }
    return -EINVAL;
}

/* May `removed` be taken from cg: no child hands it on? */
static bool in_use_below(struct cgroup *cg, uint32_t removed)
{
    irqflags_t flags = spin_lock(&cgroup_lock);
    struct cgroup *child;
    bool used = false;

    list_for_each(child, &cg->children, sibling)
        used |= (child->subtree_control & removed) != 0;
    spin_unlock(&cgroup_lock, flags);
    return used;
}

static int store_subtree(struct cgroup *cg, char *value)
{
    uint32_t add = 0, drop = 0, bit;

    for (char *word = value, *next; word != NULL && *word != '\0'; word = next) {
        int err;

        next = strchr(word, ' ');
        if (next != NULL)
            *next++ = '\0';
        if (*word == '\0')
            continue;
        if (*word != '+' && *word != '-')
            return -EINVAL;
        err = parse_controller(word + 1, &bit);
        if (err < 0)
            return err;
        add = *word == '+' ? add | bit : add & ~bit;
        drop = *word == '-' ? drop | bit : drop & ~bit;
    }
    if (add & ~available(cg))
        return -ENOENT;
    if (in_use_below(cg, drop))
        return -EBUSY;
    if ((add & ~cg->subtree_control) && cg->parent != NULL && !list_is_empty(&cg->processes))
        return -EBUSY;
    cg->subtree_control = (cg->subtree_control | add) & ~drop;
    return 0;
}

static void show_events(struct cgroup *cg, struct text *t)
{
    text_add(t, "populated %d\nfrozen %d\n", cgroup_is_populated(cg), cg->frozen);
}

static void show_type(struct cgroup *cg, struct text *t)
{
    (void)cg;
    text_add(t, "domain\n");
}

static void show_freeze(struct cgroup *cg, struct text *t)
{
    text_add(t, "%d\n", cg->frozen);
}

static int store_freeze(struct cgroup *cg, char *value)
{
    bool frozen;
    int err = parse_bool(value, &frozen);

    if (err == 0)
        cgroup_set_frozen(cg, frozen);
    return err;
}

static int store_kill(struct cgroup *cg, char *value)
{
    if (strcmp(value, "1") != 0)
        return -ERANGE;
    cgroup_kill_all(cg);
    return 0;
}

/* ---- cpu.* ---- */

static void show_cpu_stat(struct cgroup *cg, struct text *t)
{
    uint64_t all = READ_ONCE(cg->cpu_ns), user = READ_ONCE(cg->cpu_user_ns);

    text_add(t, "usage_usec %llu\nuser_usec %llu\nsystem_usec %llu\n",
             (unsigned long long)(all / NSEC_PER_USEC), (unsigned long long)(user / NSEC_PER_USEC),
             (unsigned long long)((all - min(user, all)) / NSEC_PER_USEC));
}

static void show_weight(struct cgroup *cg, struct text *t)
{
    text_add(t, "%u\n", cg->weight);
}

static int store_weight(struct cgroup *cg, char *value)
{
    uint64_t w;
    int err = parse_u64(value, 10, &w);

    if (err < 0)
        return err;
    if (w < 1 || w > 10000)
        return -ERANGE;
    sched_set_group_weight(cg, (uint32_t)w);
    return 0;
}

/* ---- memory.* ---- */

static void show_memory_current(struct cgroup *cg, struct text *t)
{
    text_add(t, "%llu\n", (unsigned long long)READ_ONCE(cg->memory.usage));
}

static void show_memory_peak(struct cgroup *cg, struct text *t)
{
    text_add(t, "%llu\n", (unsigned long long)READ_ONCE(cg->memory.peak));
}

static void show_memory_max(struct cgroup *cg, struct text *t)
{
    uint64_t limit = READ_ONCE(cg->memory.limit);

    show_limit(limit, t);
}

/* A limit below what is in use kills inside the group until it is met, as on Linux. */
static int store_memory_max(struct cgroup *cg, char *value)
{
    uint64_t limit;
    int err = parse_limit(value, &limit);

    if (err < 0)
        return err;
    if (limit != CGROUP_UNLIMITED)
        limit &= PAGE_MASK;
    WRITE_ONCE(cg->memory.limit, limit);
    if (READ_ONCE(cg->memory.usage) > limit && cgroup_is_populated(cg))
        (void)cgroup_oom(cg);
    return 0;
}

static void show_memory_events(struct cgroup *cg, struct text *t)
{
    text_add(t, "low 0\nhigh 0\nmax %llu\noom %llu\noom_kill %llu\n", (unsigned long long)READ_ONCE(cg->memory.failed),
             (unsigned long long)READ_ONCE(cg->ooms), (unsigned long long)READ_ONCE(cg->oom_kills));
}

static void show_memory_stat(struct cgroup *cg, struct text *t)
{
    static const struct {
        const char *name;
        enum mem_stat which;
    } lines[] = { /* in Linux's order */
        {"anon", MEM_ANON}, {"file", MEM_CACHE}, {"kernel_stack", MEM_STACKS}, {"pagetables", MEM_TABLES},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(lines); i++)
        text_add(t, "%s %llu\n", lines[i].name,
                 (unsigned long long)(READ_ONCE(cg->memory_stat[lines[i].which]) << PAGE_SHIFT));
}

static void show_oom_group(struct cgroup *cg, struct text *t)
{
    text_add(t, "%d\n", cg->oom_group);
}

static int store_oom_group(struct cgroup *cg, char *value)
{
    bool group;
    int err = parse_bool(value, &group);

    if (err == 0)
        cg->oom_group = group;
    return err;
}

/* ---- pids.* ---- */

static void show_pids_current(struct cgroup *cg, struct text *t)
{
    text_add(t, "%llu\n", (unsigned long long)READ_ONCE(cg->pids.usage));
}

static void show_pids_peak(struct cgroup *cg, struct text *t)
{
    text_add(t, "%llu\n", (unsigned long long)READ_ONCE(cg->pids.peak));
}

static void show_pids_max(struct cgroup *cg, struct text *t)
{
    show_limit(READ_ONCE(cg->pids.limit), t);
}

static int store_pids_max(struct cgroup *cg, char *value)
{
    uint64_t limit;
    int err = strcmp(value, "max") == 0 ? parse_limit(value, &limit) : parse_u64(value, 10, &limit);

    if (err == 0)
        WRITE_ONCE(cg->pids.limit, limit);
    return err;
}

static void show_pids_events(struct cgroup *cg, struct text *t)
{
    text_add(t, "max %llu\n", (unsigned long long)READ_ONCE(cg->pids.failed));
}

static const struct control controls[] = {
    {"cgroup.controllers", 0, false, 0444, show_available, NULL},
    {"cgroup.events", 0, true, 0444, show_events, NULL},
    {"cgroup.freeze", 0, true, 0644, show_freeze, store_freeze},
    {"cgroup.kill", 0, true, 0200, NULL, store_kill},
    {"cgroup.procs", 0, false, 0644, show_procs, store_procs},
    {"cgroup.subtree_control", 0, false, 0644, show_subtree, store_subtree},
    {"cgroup.type", 0, true, 0444, show_type, NULL},
    {"cpu.stat", 0, false, 0444, show_cpu_stat, NULL},
    {"cpu.weight", CGROUP_CPU, true, 0644, show_weight, store_weight},
    {"memory.current", CGROUP_MEMORY, true, 0444, show_memory_current, NULL},
    {"memory.events", CGROUP_MEMORY, true, 0444, show_memory_events, NULL},
    {"memory.max", CGROUP_MEMORY, true, 0644, show_memory_max, store_memory_max},
    {"memory.oom.group", CGROUP_MEMORY, true, 0644, show_oom_group, store_oom_group},
    {"memory.peak", CGROUP_MEMORY, true, 0444, show_memory_peak, NULL},
    {"memory.stat", CGROUP_MEMORY, true, 0444, show_memory_stat, NULL},
    {"pids.current", CGROUP_PIDS, true, 0444, show_pids_current, NULL},
    {"pids.events", CGROUP_PIDS, true, 0444, show_pids_events, NULL},
    {"pids.max", CGROUP_PIDS, true, 0644, show_pids_max, store_pids_max},
    {"pids.peak", CGROUP_PIDS, true, 0444, show_pids_peak, NULL},
};

static bool control_exists(const struct control *c, const struct cgroup *cg)
{
    if (cg->parent == NULL)
        return !c->not_in_root;
    return c->controller == 0 || (available(cg) & c->controller);
}

/* ---- files ---- */

struct node { /* inode->private */
    struct cgroup *cgroup;         /* counted */
    const struct control *control; /* NULL: the directory */
};

static struct node *node_of(struct inode *inode)
{
    return inode->private;
}

static ssize_t control_read(struct file *f, struct io_buf *to, off_t *pos)
{
    struct node *n = node_of(f->inode);
    struct text t = {.size = strcmp(n->control->name, "cgroup.procs") == 0 ? TEXT_MAX : PAGE_SIZE / 2};
    ssize_t done = 0;

    if (n->control->show == NULL)
        return -EINVAL;
    t.buf = kalloc_for(current_cgroup(), t.size);
    if (t.buf == NULL)
        return -ENOMEM;
    n->control->show(n->cgroup, &t);
    if (*pos >= 0 && (size_t)*pos < t.len)
        done = io_copy_to(to, t.buf + *pos, t.len - (size_t)*pos);
    kfree(t.buf);
    if (done > 0)
        *pos += done;
    return done;
}

/* As with Linux's "nsdelegate": who sees this group as the root of all, or none of it, may not lift its limits. */
static bool is_limited_by(const struct cgroup *cg)
{
    for (const struct cgroup *g = current->nsproxy->cgroup->root; g->parent != NULL; g = g->parent) {
        if (g == cg)
            return true;
    }
    return false;
}

static ssize_t control_write(struct file *f, struct io_buf *from, off_t *pos)
{
    struct node *n = node_of(f->inode);
    char value[256];
    size_t len = from->remaining;
    ssize_t got;
    int err;

    if (n->control->store == NULL)
        return -EINVAL;
    if (n->control->controller != 0 && is_limited_by(n->cgroup))
        return -EPERM;
    if (len >= sizeof(value))
        return -EINVAL;
    got = io_copy_from(value, from, len);
    if (got < 0)
        return got;
    while (got > 0 && (value[got - 1] == '\n' || value[got - 1] == ' '))
        got--;
    value[got] = '\0';
    mutex_lock(&cgroup_mutex);
    err = n->cgroup->dying ? -ENODEV : n->control->store(n->cgroup, value);
    mutex_unlock(&cgroup_mutex);
    if (err < 0)
        return err;
    *pos += (off_t)len;
    return (ssize_t)len;
}

static const struct file_ops control_fops = {
    .read = control_read,
    .write = control_write,
    .llseek = generic_llseek,
};

static void node_evict(struct inode *inode)
{
    struct node *n = node_of(inode);

    if (n != NULL) {
        cgroup_put(n->cgroup);
        kfree(n);
    }
}

static int control_setattr(struct dentry *dentry, const struct iattr *attr)
{
    struct iattr allowed = *attr;

    allowed.valid &= ~(uint32_t)ATTR_SIZE; /* O_TRUNC, as the shell's ">" does, means nothing here */
    inode_setattr(dentry->inode, &allowed);
    return 0;
}

static const struct inode_ops control_iops = {
    .setattr = control_setattr,
    .evict = node_evict,
};

static const struct inode_ops group_iops;
static const struct file_ops group_fops;

/* Takes over the reference to cg, also on failure. It is root's: not of who looks at it first. */
static struct inode *node_inode(struct super_block *sb, struct cgroup *cg, const struct control *c)
{
    struct node *n = kalloc_for(current_cgroup(), sizeof(*n));
    struct inode *inode = n != NULL ? inode_alloc(sb, c != NULL ? S_IFREG | c->mode : S_IFDIR | 0755) : NULL;

    if (inode == NULL) {
        kfree(n);
        cgroup_put(cg);
        return NULL;
    }
    n->cgroup = cg;
    n->control = c;
    inode->private = n;
    inode->ops = c != NULL ? &control_iops : &group_iops;
    inode->fops = c != NULL ? &control_fops : &group_fops;
    inode->ino = c != NULL ? cg->ino * 64 + (ino_t)(c - controls) + 1 : cg->ino * 64;
    inode->nlink = c != NULL ? 1 : 2;
    inode->uid = KUID_ROOT;
    inode->gid = KGID_ROOT;
    return inode;
}

static int group_lookup(struct inode *dir, struct dentry *dentry)
{
    struct cgroup *cg = node_of(dir)->cgroup, *child;
    const struct control *control = NULL;
    struct inode *inode;

    for (unsigned i = 0; i < ARRAY_SIZE(controls); i++) {
        if (strcmp(controls[i].name, dentry->name) == 0 && control_exists(&controls[i], cg))
            control = &controls[i];
    }
    if (control != NULL) {
        cgroup_get(cg);
        inode = node_inode(dir->sb, cg, control);
    } else {
        child = cgroup_find_child(cg, dentry->name, dentry->name_len);
        if (child == NULL)
            return 0;
        inode = node_inode(dir->sb, child, NULL);
    }
    if (inode == NULL)
        return -ENOMEM;
    d_set_inode(dentry, inode);
    return 0;
}

static int group_mkdir(struct inode *dir, struct dentry *dentry, mode_t mode)
{
    struct cgroup *cg;
    struct inode *inode;
    int err;

    (void)mode;
    if (strchr(dentry->name, '\n') != NULL)
        return -EINVAL;
    mutex_lock(&cgroup_mutex);
    err = cgroup_create(node_of(dir)->cgroup, dentry->name, &cg);
    if (err == 0) {
        cgroup_get(cg);
        inode = node_inode(dir->sb, cg, NULL);
        if (inode == NULL) {
            (void)cgroup_remove(cg); /* nobody can have joined it yet */
            err = -ENOMEM;
        } else {
            d_set_inode(dentry, inode);
        }
    }
    mutex_unlock(&cgroup_mutex);
    return err;
}

static int group_rmdir(struct inode *dir, struct dentry *dentry)
{
    struct node *n = node_of(dentry->inode);
    int err;

    (void)dir;
    if (n->control != NULL)
        return -EPERM;
    mutex_lock(&cgroup_mutex);
    err = cgroup_remove(n->cgroup);
    mutex_unlock(&cgroup_mutex);
    return err;
}

/* Counted: the first child with this inode number or a later one (they stand in that order). prev: the one
 * before it, unless it is gone meanwhile. */
static struct cgroup *next_child(struct cgroup *cg, struct cgroup *prev, uint64_t ino)
{
    irqflags_t flags = spin_lock(&cgroup_lock);
    struct list_node *at = prev != NULL && !prev->dying ? prev->sibling.next : cg->children.next;
    struct cgroup *child = NULL;

    for (; at != &cg->children; at = at->next) {
        child = list_entry(at, struct cgroup, sibling);
        if (child->ino >= ino)
            break;
        child = NULL;
    }
    if (child != NULL)
        cgroup_get(child);
    spin_unlock(&cgroup_lock, flags);
    return child;
}

/* Positions: 0 ".", 1 "..", then the controls, then the children by their inode numbers. */
static int group_readdir(struct file *f, struct dir_context *ctx)
{
    struct cgroup *cg = node_of(f->inode)->cgroup, *prev = NULL, *child;
    const off_t first_child = 2 + (off_t)ARRAY_SIZE(controls);

    for (; ctx->pos < first_child; ctx->pos++) {
        const struct control *c = ctx->pos >= 2 ? &controls[ctx->pos - 2] : NULL;
        const char *name = c != NULL ? c->name : ctx->pos == 0 ? "." : "..";

        if (c != NULL && !control_exists(c, cg))
            continue;
        if (!ctx->emit(ctx->ctx, name, strlen(name), ctx->pos + 1, cg->ino * 64 + (ino_t)ctx->pos,
                       c != NULL ? 8 : 4))
            return 0;
    }
    /* One at a time: emit writes to user memory and may sleep. */
    while ((child = next_child(cg, prev, (uint64_t)(ctx->pos - first_child))) != NULL) {
        off_t next = first_child + (off_t)child->ino + 1;

        if (prev != NULL)
            cgroup_put(prev);
        prev = child;
        if (!ctx->emit(ctx->ctx, child->name, strlen(child->name), next, child->ino * 64, 4))
            break;
        ctx->pos = next;
    }
    if (prev != NULL)
        cgroup_put(prev);
    return 0;
}

static const struct inode_ops group_iops = {
    .lookup = group_lookup,
    .mkdir = group_mkdir,
    .rmdir = group_rmdir,
    .setattr = control_setattr,
    .evict = node_evict,
};

static const struct file_ops group_fops = {
    .readdir = group_readdir,
    .llseek = generic_llseek,
};

/* ---- mounting ---- */

/* A cached name is right if it still means the same group or an existing control. */
static bool group_revalidate(struct dentry *dentry)
{
    struct node *n;

    if (dentry->inode == NULL)
        return false;
    n = node_of(dentry->inode);
    return n->control != NULL ? control_exists(n->control, n->cgroup) : !n->cgroup->dying;
}

static int cgroup2_statfs(struct super_block *sb, struct statfs_info *out)
{
    *out = (struct statfs_info){.type = sb->type->magic, .bsize = PAGE_SIZE, .namelen = NAME_MAX};
    return 0;
}

static const struct super_ops cgroup2_super_ops = {
    .statfs = cgroup2_statfs,
    .d_revalidate = group_revalidate,
};

static int cgroup2_get_super(const struct fs_type *type, const char *source, unsigned long flags, const char *data,
                             struct super_block **out)
{
    struct cgroup *root = current->nsproxy->cgroup->root;
    struct super_block *sb = super_alloc(type, flags);
    struct inode *inode;

    (void)source;
    (void)data; /* "nsdelegate" and the like change nothing here */
    if (sb == NULL)
        return -ENOMEM;
    sb->ops = &cgroup2_super_ops;
    sb->d_revalidate_always = true;
    cgroup_get(root);
    inode = node_inode(sb, root, NULL);
    if (inode != NULL)
        sb->root = dentry_make_root(inode);
    if (sb->root == NULL) {
        super_put(sb);
        return -ENOMEM;
    }
    *out = sb;
    return 0;
}

static struct fs_type cgroup2_type = {
    .name = "cgroup2",
    .magic = 0x63677270,
    .get_super = cgroup2_get_super,
    .user_visible = true,
};

void cgroupfs_init(void);
void cgroupfs_init(void)
{
    cgroup_root.ino = ns_alloc_ino();
    fs_register(&cgroup2_type);
}
