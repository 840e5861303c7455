/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way out of the line discipline: OPOST processing of what programs write,
 * and the echo of what is typed. Both end in the out ring, and both keep the
 * cursor's column, which erasing a tab needs.
 */
#include "ldisc.h"

/* One character through OPOST into the ring; false: it (and what it becomes) does not fit. */
static bool put_processed(struct ldisc *ld, uint8_t c)
{
    uint32_t oflag = ld->t.c_oflag;
    uint32_t room = ring_room(ld->out);
    uint32_t spaces;

    if (room == 0)
        return false;
    switch (c) {
    case '\n':
        if (oflag & ONLRET)
            ld->column = 0;
        if (oflag & ONLCR) {
            if (room < 2)
                return false;
            ld->column = 0;
            ring_put(ld->out, '\r');
        }
        ld->canon_column = ld->column;
        break;
    case '\r':
        if ((oflag & ONOCR) && ld->column == 0)
            return true;
        if (oflag & OCRNL) {
            c = '\n';
            if (!(oflag & ONLRET))
                break;
        }
        ld->canon_column = ld->column = 0;
        break;
    case '\t':
        spaces = 8 - (ld->column & 7);
        if ((oflag & TABDLY) == XTABS) {
            if (room < spaces)
                return false;
            ld->column += spaces;
            while (spaces-- > 0)
                ring_put(ld->out, ' ');
            return true;
        }
        ld->column += spaces;
        break;
    case '\b':
        if (ld->column > 0)
            ld->column--;
        break;
    default:
        if (ldisc_is_control(c))
            break;
        if ((oflag & OLCUC) && ldisc_is_lower(c))
            c -= 'a' - 'A';
        if (!ldisc_is_continuation(ld, c))
            ld->column++;
        break;
    }
    ring_put(ld->out, c);
    return true;
}

size_t ldisc_write(struct ldisc *ld, const uint8_t *p, size_t n)
{
    size_t i;

    if (!(ld->t.c_oflag & OPOST))
        return ring_write(ld->out, p, n);
    for (i = 0; i < n; i++) {
        if (!put_processed(ld, p[i]))
            break;
    }
    return i;
}

void ldisc_echo_literal(struct ldisc *ld, uint8_t c)
{
    if ((ld->t.c_oflag & OPOST) && c != 0377) {
        (void)put_processed(ld, c); /* no room: the echo is lost */
        return;
    }
    if (ring_room(ld->out) == 0)
        return;
    if (c == 0377) /* Linux's echo escape: never processed, always counted */
        ld->column++;
    ring_put(ld->out, c);
}

void ldisc_echo(struct ldisc *ld, uint8_t c)
{
    if (!(ld->t.c_lflag & ECHOCTL) || !ldisc_is_control(c) || c == '\t') {
        ldisc_echo_literal(ld, c);
        return;
    }
    if (ring_room(ld->out) < 2)
        return;
    ring_put(ld->out, '^');
    ring_put(ld->out, c ^ 0100);
    ld->column += 2;
}

/*
 * Step back over a tab: to where the characters before it end. `columns` are
 * theirs, since the previous tab or else since the line's beginning.
 */
void ldisc_echo_erase_tab(struct ldisc *ld, uint32_t columns, bool after_tab)
{
    uint32_t back;

    if (!after_tab)
        columns += ld->canon_column;
    back = 8 - (columns & 7);
    while (back-- > 0 && ring_room(ld->out) > 0) {
        ring_put(ld->out, '\b');
        if (ld->column > 0)
            ld->column--;
    }
}
