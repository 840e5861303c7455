/* SPDX-License-Identifier: BSD-2-Clause */
/* The mount tables of /proc: proc_pid_mountinfo(5), /proc/PID/mounts, /proc/PID/mountstats. */
#include "mount.h"
#include "path_name.h"

#define LINE_MAX_BYTES (3 * PATH_MAX)

struct line {
    char *text; /* LINE_MAX_BYTES */
    size_t len;
};

static void add_char(struct line *l, char c)
{
    if (l->len < LINE_MAX_BYTES)
        l->text[l->len++] = c;
}

static void add(struct line *l, const char *s)
{
    while (*s != '\0')
        add_char(l, *s++);
}

/* Fields are separated by blanks, so blanks inside them are shown in octal. */
static void add_escaped(struct line *l, const char *s)
{
    for (; *s != '\0'; s++) {
        if (strchr(" \t\n\\#", *s) == NULL) {
            add_char(l, *s);
            continue;
        }
        add_char(l, '\\');
        add_char(l, (char)('0' + ((unsigned char)*s >> 6)));
        add_char(l, (char)('0' + ((unsigned char)*s >> 3 & 7)));
        add_char(l, (char)('0' + ((unsigned char)*s & 7)));
    }
}

static const struct {
    unsigned long flag;
    const char *name;
} flag_names[] = {
    {MS_NOSUID, ",nosuid"},   {MS_NODEV, ",nodev"},           {MS_NOEXEC, ",noexec"},
    {MS_NOATIME, ",noatime"}, {MS_NODIRATIME, ",nodiratime"}, {MS_RELATIME, ",relatime"},
};

static void add_mount_flags(struct line *l, unsigned long flags)
{
    for (size_t i = 0; i < ARRAY_SIZE(flag_names); i++) {
        if (flags & flag_names[i].flag)
            add(l, flag_names[i].name);
    }
}

static void add_super_options(struct line *l, struct super_block *sb, char *buf)
{
    if (sb->flags & MS_SYNCHRONOUS)
        add(l, ",sync");
    if (sb->ops->show_options == NULL)
        return;
    buf[0] = '\0';
    sb->ops->show_options(sb, buf, PATH_MAX);
    add(l, buf);
}

static const char *source_of(const struct mount *m)
{
    return m->source[0] != '\0' ? m->source : "none";
}

static void show_info(struct line *l, struct mount *m, const char *where, char *buf)
{
    struct super_block *sb = m->sb;
    char numbers[64];
    char *root = dentry_path_build(m->root, buf, PATH_MAX);

    snprintf(numbers, sizeof(numbers), "%d %d %u:%u ", m->id,
             m->parent != NULL ? m->parent->id : m->id, MAJOR(sb->dev), MINOR(sb->dev));
    add(l, numbers);
    add_escaped(l, root != NULL ? root : "/");
    if (d_is_unlinked(m->root))
        add(l, "//deleted");
    add_char(l, ' ');
    add_escaped(l, where);
    add(l, m->flags & MS_RDONLY ? " ro" : " rw");
    add_mount_flags(l, m->flags);
    add(l, " - ");
    add_escaped(l, sb->type->name);
    add_char(l, ' ');
    add_escaped(l, source_of(m));
    add(l, sb->flags & MS_RDONLY ? " ro" : " rw");
    add_super_options(l, sb, buf);
}

static void show_mounts(struct line *l, struct mount *m, const char *where, char *buf)
{
    add_escaped(l, source_of(m));
    add_char(l, ' ');
    add_escaped(l, where);
    add_char(l, ' ');
    add_escaped(l, m->sb->type->name);
    add(l, (m->flags | m->sb->flags) & MS_RDONLY ? " ro" : " rw");
    add_mount_flags(l, m->flags);
    add_super_options(l, m->sb, buf);
    add(l, " 0 0");
}

static void show_stats(struct line *l, struct mount *m, const char *where, char *buf)
{
    (void)buf;
    add(l, "device ");
    add_escaped(l, source_of(m));
    add(l, " mounted on ");
    add_escaped(l, where);
    add(l, " with fstype ");
    add_escaped(l, m->sb->type->name);
}

static void (*const show[])(struct line *, struct mount *, const char *, char *) = {
    [MOUNT_TEXT_INFO] = show_info,
    [MOUNT_TEXT_MOUNTS] = show_mounts,
    [MOUNT_TEXT_STATS] = show_stats,
};

int mnt_ns_show(struct mnt_ns *ns, const struct path *root, enum mount_text kind,
                bool (*emit)(void *ctx, const char *line, size_t len), void *ctx)
{
    struct line l = {.text = kmalloc(LINE_MAX_BYTES + 1)};
    char *where_buf = name_buf();
    char *buf = name_buf();
    struct mount *m;
    int err = -ENOMEM;

    if (l.text == NULL || where_buf == NULL || buf == NULL)
        goto out;
    mutex_lock(&mount_mutex);
    list_for_each(m, &ns->mounts, ns_link)
    {
        struct path p = {m, m->root};
        enum path_end end;
        char *where = path_build(&p, root, where_buf, PATH_MAX, &end);

        cond_resched(); /* the way up may lead through as many mounts as there are */
        if (where == NULL || end != PATH_IN_ROOT)
            continue; /* not below the reader's root */
        l.len = 0;
        show[kind](&l, m, where, buf);
        l.text[l.len++] = '\n';
        if (!emit(ctx, l.text, l.len))
            break;
    }
    mutex_unlock(&mount_mutex);
    err = 0;
out:
    if (buf != NULL)
        name_free(buf);
    if (where_buf != NULL)
        name_free(where_buf);
    kfree(l.text);
    return err;
}
