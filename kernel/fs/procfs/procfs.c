/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file system "proc": proc(5).
 *
 * Every mount belongs to the PID namespace of whoever mounted it and shows its
 * processes under the numbers they have there. Nothing is kept: a name is looked
 * up in tables (system.c, sysctl.c, pid.c) each time it is used, and a file's text is
 * made when it is read from its start. What an entry is about is a struct pid, so
 * a directory of a process that is gone says -ESRCH or -ENOENT, never the next
 * process of that number.
 */
#include <kernel/cgroup.h>
#include <kernel/errno.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>

#include "procfs.h"

#define SEQ_MAX MIB(4)

/* ---- text ---- */

static bool seq_room(struct seq *s, size_t n)
{
    size_t size = max(s->size, (size_t)1024);
    char *bigger;

    if (s->failed)
        return false;
    if (s->len + n <= s->size)
        return true;
    while (size < s->len + n)
        size *= 2;
    bigger = size <= SEQ_MAX ? kalloc_for(current_cgroup(), size) : NULL;
    if (bigger == NULL) {
        s->failed = true;
        return false;
    }
    if (s->len > 0)
        memcpy(bigger, s->buf, s->len);
    kfree(s->buf);
    s->buf = bigger;
    s->size = size;
    return true;
}

void seq_write(struct seq *s, const void *data, size_t n)
{
    if (seq_room(s, n)) {
        memcpy(s->buf + s->len, data, n);
        s->len += n;
    }
}

void seq_printf(struct seq *s, const char *fmt, ...)
{
    va_list ap;
    int n;

    if (!seq_room(s, 1))
        return;
    va_start(ap, fmt);
    n = vsnprintf(s->buf + s->len, s->size - s->len, fmt, ap);
    va_end(ap);
    if ((size_t)n >= s->size - s->len) { /* once more, with more room */
        if (!seq_room(s, (size_t)n + 1))
            return;
        va_start(ap, fmt);
        (void)vsnprintf(s->buf + s->len, s->size - s->len, fmt, ap);
        va_end(ap);
    }
    s->len += (size_t)n;
}

/* ---- nodes ---- */

struct thread *proc_thread(const struct proc_node *n)
{
    irqflags_t flags = spin_lock(&pid_lock);
    struct thread *t = n->pid != NULL ? n->pid->thread : NULL;

    if (t != NULL)
        thread_get(t);
    spin_unlock(&pid_lock, flags);
    return t;
}

/* Fill in what an entry's functions get. -ESRCH: its thread has gone. */
static int context_get(const struct inode *inode, struct proc_context *c)
{
    const struct proc_node *n = proc_node(inode);

    c->ns = inode->sb->private;
    c->thread = NULL;
    c->nr = n->nr;
    if (n->pid == NULL)
        return 0;
    c->thread = proc_thread(n);
    return c->thread != NULL ? 0 : -ESRCH;
}

static void context_put(struct proc_context *c)
{
    if (c->thread != NULL)
        thread_put(c->thread);
}

static const struct inode_ops file_iops, dir_iops, link_iops;
static const struct file_ops text_fops, dir_fops;

static mode_t entry_type(const struct proc_entry *e)
{
    return e->kind == PROC_FILE ? S_IFREG : e->kind == PROC_LINK ? S_IFLNK : S_IFDIR;
}

/*
 * A process's files belong to its effective ids; to root if it may not be inspected. The
 * machine's belong to root, and never to who happened to look at them first.
 */
static void set_owner(struct inode *inode, struct pid *pid)
{
    irqflags_t flags = spin_lock(&pid_lock);
    struct thread *t = pid != NULL ? pid->thread : NULL;

    inode->uid = KUID_ROOT;
    inode->gid = KGID_ROOT;
    if (t != NULL && (t->process->dumpable == 1 || S_ISDIR(inode->mode))) {
        inode->uid = t->cred->euid;
        inode->gid = t->cred->egid;
    }
    spin_unlock(&pid_lock, flags);
}

static struct inode *node_inode(struct super_block *sb, const struct proc_entry *e, struct pid *pid, int nr)
{
    struct proc_node *n = kalloc_for(current_cgroup(), sizeof(*n));
    struct inode *inode = n != NULL ? inode_alloc(sb, entry_type(e) | e->mode) : NULL;

    if (inode == NULL) {
        kfree(n);
        return NULL;
    }
    n->entry = e;
    n->nr = nr;
    n->pid = pid;
    if (pid != NULL)
        pid_get(pid);
    inode->private = n;
    inode->ino = super_next_ino(sb);
    inode->nlink = e->kind == PROC_DIR || e->kind == PROC_DYNAMIC_DIR ? 2 : 1;
    switch (e->kind) {
    case PROC_FILE:
        inode->ops = &file_iops;
        inode->fops = e->fops != NULL ? e->fops : &text_fops;
        break;
    case PROC_LINK:
        inode->ops = &link_iops;
        inode->fops = &text_fops;
        break;
    default:
        inode->ops = &dir_iops;
        inode->fops = &dir_fops;
    }
    set_owner(inode, pid);
    return inode;
}

static void node_evict(struct inode *inode)
{
    struct proc_node *n = proc_node(inode);

    if (n == NULL)
        return;
    if (n->pid != NULL)
        pid_put(n->pid);
    kfree(n);
}

/* ---- files of text ---- */

static int check_inspect(const struct inode *inode)
{
    struct proc_context c;
    int err;

    if (!proc_node(inode)->entry->inspect)
        return 0;
    err = context_get(inode, &c);
    if (err == 0 && !may_inspect(c.thread))
        err = -EACCES;
    context_put(&c);
    return err;
}

static int node_open(struct inode *inode, struct file *f)
{
    int err = check_inspect(inode);

    if (err < 0)
        return err;
    f->ops = inode->fops;
    if (f->ops == &text_fops) {
        struct seq *s = kalloc_for(current_cgroup(), sizeof(*s));

        if (s == NULL)
            return -ENOMEM;
        mutex_init(&s->lock);
        f->private = s;
    }
    return 0;
}

/*
 * [seq.lock] The process may have become another program's since the file was opened, or may while its
 * text is made: exec takes the rights away before it changes the memory, and gives them back after, so
 * they are asked for on both sides. (Linux holds on to the memory that was there at open and asks no
 * more; but the ids, descriptors and personality are of the process, whose program is the new one.)
 */
static int make_text(struct file *f)
{
    struct seq *s = f->private;
    struct proc_context c;
    int err;

    s->len = 0;
    s->failed = false;
    err = check_inspect(f->inode);
    if (err == 0)
        err = context_get(f->inode, &c);
    if (err < 0)
        return err;
    err = proc_node(f->inode)->entry->show(s, &c);
    context_put(&c);
    if (err == 0)
        err = s->failed ? -ENOMEM : check_inspect(f->inode);
    if (err < 0)
        s->len = 0;
    return err;
}

/* [seq.lock] */
static ssize_t text_read_locked(struct file *f, struct io_buf *to, off_t *pos)
{
    struct seq *s = f->private;
    ssize_t done;
    int err;

    if (*pos == 0 || s->buf == NULL) {
        err = make_text(f);
        if (err < 0)
            return err;
    }
    if ((size_t)*pos >= s->len)
        return 0;
    done = io_copy_to(to, s->buf + *pos, s->len - (size_t)*pos);
    if (done > 0)
        *pos += done;
    return done;
}

static ssize_t text_read(struct file *f, struct io_buf *to, off_t *pos)
{
    struct seq *s = f->private;
    ssize_t done;

    if (proc_node(f->inode)->entry->show == NULL)
        return -EIO;
    if (*pos < 0)
        return -EINVAL;
    mutex_lock(&s->lock);
    done = text_read_locked(f, to, pos);
    mutex_unlock(&s->lock);
    return done;
}

static ssize_t text_write(struct file *f, struct io_buf *from, off_t *pos)
{
    const struct proc_entry *e = proc_node(f->inode)->entry;
    struct proc_context c;
    char value[256];
    size_t len = from->remaining;
    ssize_t got;
    int err;

    if (e->store == NULL)
        return -EIO;
    if (len >= sizeof(value))
        return -EINVAL;
    got = io_copy_from(value, from, len);
    if (got < 0)
        return got;
    while (got > 0 && (value[got - 1] == '\n' || value[got - 1] == ' '))
        got--;
    value[got] = '\0';
    err = context_get(f->inode, &c);
    if (err == 0)
        err = e->store(&c, value);
    context_put(&c);
    if (err < 0)
        return err;
    *pos += (off_t)len;
    return (ssize_t)len;
}

static void text_release(struct file *f)
{
    struct seq *s = f->private;

    if (s != NULL) {
        kfree(s->buf);
        kfree(s);
    }
}

static const struct file_ops text_fops = {
    .read = text_read,
    .write = text_write,
    .llseek = generic_llseek,
    .release = text_release,
};

static int node_setattr(struct dentry *dentry, const struct iattr *attr)
{
    (void)dentry;
    return attr->valid & ~(uint32_t)(ATTR_SIZE | ATTR_ATIME | ATTR_MTIME | ATTR_CTIME) ? -EPERM : 0;
}

static const struct inode_ops file_iops = {
    .open = node_open,
    .setattr = node_setattr,
    .evict = node_evict,
};

/* ---- links ---- */

static int link_readlink(struct inode *inode, struct dentry *dentry, char *buf)
{
    const struct proc_entry *e = proc_node(inode)->entry;
    struct proc_context c;
    int err = check_inspect(inode);

    (void)dentry;
    if (err == 0)
        err = context_get(inode, &c);
    if (err < 0)
        return err == -ESRCH ? -ENOENT : err;
    if (e->readlink != NULL) {
        err = e->readlink(&c, buf);
    } else { /* a magic link's text is the name of where it leads */
        struct path p, root;
        char *text = kalloc_for(current_cgroup(), PATH_MAX), *name;

        err = text != NULL ? e->follow(&c, &p) : -ENOMEM;
        if (err == 0) {
            fs_root(&root);
            name = path_name(&p, &root, text, PATH_MAX);
            err = name != NULL ? (int)strlcpy(buf, name, PATH_MAX) : -ENAMETOOLONG;
            path_put(&root);
            path_put(&p);
        }
        kfree(text);
    }
    context_put(&c);
    return err;
}

static int link_follow(struct inode *inode, struct dentry *dentry, struct path *jump)
{
    struct proc_context c;
    int err = check_inspect(inode);

    (void)dentry;
    if (err == 0)
        err = context_get(inode, &c);
    if (err < 0)
        return err == -ESRCH ? -ENOENT : err;
    err = proc_node(inode)->entry->follow(&c, jump);
    context_put(&c);
    return err;
}

static const struct inode_ops link_iops = { /* by text: "self", "mounts" */
    .readlink = link_readlink,
    .setattr = node_setattr,
    .evict = node_evict,
};

static const struct inode_ops magic_iops = {
    .readlink = link_readlink,
    .follow = link_follow,
    .setattr = node_setattr,
    .evict = node_evict,
};

/* ---- directories ---- */

static bool parse_number(const char *name, int *nr)
{
    uint64_t v;

    if (name[0] == '0' && name[1] != '\0')
        return false;
    if (parse_u64(name, 10, &v) < 0 || v > INT32_MAX)
        return false;
    *nr = (int)v;
    return true;
}

static struct inode *inode_for(struct super_block *sb, const struct proc_entry *e, struct pid *pid, int nr)
{
    struct inode *inode = node_inode(sb, e, pid, nr);

    if (inode != NULL && e->kind == PROC_LINK && e->follow != NULL)
        inode->ops = &magic_iops;
    return inode;
}

/* A numbered directory of the root or of task/: its own thread becomes the context below. */
static int lookup_task(struct super_block *sb, struct dentry *dentry, const struct proc_entry *e, int nr)
{
    struct pid *pid = pid_find(sb->private, nr);
    struct inode *inode;

    if (pid == NULL)
        return 0;
    inode = inode_for(sb, e, pid, -1);
    pid_put(pid);
    if (inode == NULL)
        return -ENOMEM;
    d_set_inode(dentry, inode);
    return 0;
}

static int lookup_dynamic(struct inode *dir, struct dentry *dentry, const struct proc_dynamic *d)
{
    struct proc_context c;
    struct inode *inode;
    int nr, err;

    if (!parse_number(dentry->name, &nr))
        return 0;
    err = context_get(dir, &c);
    if (err < 0)
        return -ENOENT;
    if (!d->exists(&c, nr)) {
        context_put(&c);
        return 0;
    }
    context_put(&c);
    if (d->is_task)
        return lookup_task(dir->sb, dentry, d->entry, nr);
    inode = inode_for(dir->sb, d->entry, proc_node(dir)->pid, nr);
    if (inode == NULL)
        return -ENOMEM;
    d_set_inode(dentry, inode);
    return 0;
}

static bool is_root(const struct inode *dir)
{
    return proc_node(dir)->entry->children == proc_root_entries;
}

static int dir_lookup(struct inode *dir, struct dentry *dentry)
{
    const struct proc_entry *self = proc_node(dir)->entry;
    struct inode *inode;
    int nr;

    if (self->kind == PROC_DYNAMIC_DIR)
        return lookup_dynamic(dir, dentry, self->dynamic);
    for (const struct proc_entry *e = self->children; e->name != NULL; e++) {
        if (strcmp(e->name, dentry->name) != 0)
            continue;
        inode = inode_for(dir->sb, e, proc_node(dir)->pid, -1);
        if (inode == NULL)
            return -ENOMEM;
        d_set_inode(dentry, inode);
        return 0;
    }
    if (is_root(dir) && parse_number(dentry->name, &nr))
        return lookup_task(dir->sb, dentry, &proc_pid_entry, nr);
    return 0;
}

static bool emit_number(struct dir_context *ctx, int nr, off_t next_pos, unsigned type)
{
    char name[12];
    int n = snprintf(name, sizeof(name), "%d", nr);

    return ctx->emit(ctx->ctx, name, (size_t)n, next_pos, (ino_t)nr + 1000, type);
}

/* The lowest process number >= nr in this namespace that names a process, or -1. */
static int next_process(struct pid_ns *ns, int nr)
{
    for (;;) {
        struct pid *pid = pid_find_next(ns, nr);
        bool is_process;
        irqflags_t flags;

        if (pid == NULL)
            return -1;
        nr = pid_nr_in(pid, ns);
        flags = spin_lock(&pid_lock);
        is_process = pid->process != NULL && pid->thread != NULL;
        spin_unlock(&pid_lock, flags);
        pid_put(pid);
        if (is_process)
            return nr;
        nr++;
    }
}

#define FIRST_NUMBER 256 /* directory positions from here on are numbers */

static int readdir_numbers(struct file *f, struct dir_context *ctx, const struct proc_dynamic *d)
{
    struct proc_context c;
    int err = context_get(f->inode, &c);
    unsigned type = 4;

    if (err < 0)
        return -ENOENT;
    if (d != NULL)
        type = d->entry->kind == PROC_LINK ? 10 : d->entry->kind == PROC_FILE ? 8 : 4;
    if (ctx->pos < FIRST_NUMBER)
        ctx->pos = FIRST_NUMBER;
    for (;;) {
        int from = (int)(ctx->pos - FIRST_NUMBER);
        int nr = d != NULL ? d->next(&c, from) : next_process(c.ns, from);

        if (nr < 0 || !emit_number(ctx, nr, FIRST_NUMBER + nr + 1, type))
            break;
        ctx->pos = FIRST_NUMBER + nr + 1;
        cond_resched();
    }
    context_put(&c);
    return 0;
}

static int dir_readdir(struct file *f, struct dir_context *ctx)
{
    const struct proc_entry *self = proc_node(f->inode)->entry;
    off_t i = 2;

    for (; ctx->pos < 2; ctx->pos++) {
        if (!ctx->emit(ctx->ctx, "..", (size_t)ctx->pos + 1, ctx->pos + 1, f->inode->ino, 4))
            return 0;
    }
    if (self->kind == PROC_DYNAMIC_DIR)
        return readdir_numbers(f, ctx, self->dynamic);
    for (const struct proc_entry *e = self->children; e->name != NULL; e++, i++) {
        if (i < ctx->pos)
            continue;
        if (!ctx->emit(ctx->ctx, e->name, strlen(e->name), i + 1, f->inode->ino + (ino_t)i, entry_type(e) >> 12))
            return 0;
        ctx->pos = i + 1;
    }
    return is_root(f->inode) ? readdir_numbers(f, ctx, NULL) : 0;
}

static const struct inode_ops dir_iops = {
    .lookup = dir_lookup,
    .open = node_open,
    .setattr = node_setattr,
    .evict = node_evict,
};

static const struct file_ops dir_fops = {
    .readdir = dir_readdir,
    .llseek = generic_llseek,
};

/* ---- mounting ---- */

/* A name is right while the thread it is about lives; descriptors come and go. */
static bool proc_revalidate(struct dentry *dentry)
{
    struct proc_node *n = dentry->inode != NULL ? proc_node(dentry->inode) : NULL;
    struct thread *t;

    if (n == NULL)
        return false;
    if (n->pid == NULL)
        return true;
    if (n->nr >= 0)
        return false;
    t = proc_thread(n);
    if (t != NULL) {
        set_owner(dentry->inode, n->pid);
        thread_put(t);
    }
    return t != NULL;
}

static int proc_statfs(struct super_block *sb, struct statfs_info *out)
{
    *out = (struct statfs_info){.type = sb->type->magic, .bsize = PAGE_SIZE, .namelen = NAME_MAX};
    return 0;
}

static void proc_put_super(struct super_block *sb)
{
    pid_ns_put(sb->private);
}

static const struct super_ops proc_super_ops = {
    .statfs = proc_statfs,
    .put_super = proc_put_super,
    .d_revalidate = proc_revalidate,
};

int proc_make_super(const struct fs_type *type, unsigned long flags, const struct proc_entry *root,
                    struct super_block **out)
{
    struct super_block *sb = super_alloc(type, flags);
    struct inode *inode;

    if (sb == NULL)
        return -ENOMEM;
    sb->private = current->pid->numbers[current->pid->level].ns;
    pid_ns_get(sb->private);
    sb->ops = &proc_super_ops;
    sb->d_revalidate_always = true;
    inode = inode_for(sb, root, NULL, -1);
    if (inode != NULL)
        sb->root = dentry_make_root(inode);
    if (sb->root == NULL) {
        super_put(sb);
        return -ENOMEM;
    }
    *out = sb;
    return 0;
}

static const struct proc_entry root_entry = {
    .name = "/", .mode = 0555, .kind = PROC_DIR, .children = proc_root_entries};

static int proc_get_super(const struct fs_type *type, const char *source, unsigned long flags, const char *data,
                          struct super_block **out)
{
    (void)source;
    (void)data; /* hidepid= and gid= change nothing: a namespace hides more */
    return proc_make_super(type, flags, &root_entry, out);
}

static struct fs_type proc_type = {
    .name = "proc",
    .magic = 0x9fa0,
    .get_super = proc_get_super,
    .user_visible = true,
};

void procfs_init(void);
void procfs_init(void)
{
    fs_register(&proc_type);
}
