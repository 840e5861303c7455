/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way in through the line discipline: signal and flow-control characters,
 * line editing, and reading. See ldisc.h for the picture.
 *
 * A byte that arrives is looked up in two small tables that are made when the
 * settings change: `early` for characters that act in any mode (^C ^Z ^S...),
 * `edit` for those of canonical mode (erase, kill, newline...). Most bytes are
 * in neither and go straight into the ring.
 */
#include "ldisc.h"

#include <kernel/signal.h>
#include <kernel/string.h>

#define MASK(i) ((i) & (LDISC_INPUT_SIZE - 1))

enum early { EARLY_NONE, EARLY_START, EARLY_STOP, EARLY_INTR, EARLY_QUIT, EARLY_SUSP };
enum edit {
    EDIT_NONE,
    EDIT_ERASE,
    EDIT_KILL,
    EDIT_WERASE,
    EDIT_LNEXT,
    EDIT_REPRINT,
    EDIT_NEWLINE,
    EDIT_EOF,
    EDIT_EOL
};

/* ---- the ring of input ---- */

static uint8_t at(const struct ldisc *ld, uint32_t i)
{
    return ld->input[MASK(i)];
}

static void put(struct ldisc *ld, uint8_t c)
{
    ld->input[MASK(ld->head++)] = c;
}

static bool is_line_end(const struct ldisc *ld, uint32_t i)
{
    return (ld->line_end[MASK(i) / 64] >> (MASK(i) % 64) & 1) != 0;
}

static void mark_line_end(struct ldisc *ld, uint32_t i)
{
    ld->line_end[MASK(i) / 64] |= 1ULL << (MASK(i) % 64);
}

static void clear_line_end(struct ldisc *ld, uint32_t i)
{
    ld->line_end[MASK(i) / 64] &= ~(1ULL << (MASK(i) % 64));
}

static bool is_eof_mark(const struct ldisc *ld, uint32_t i)
{
    return is_line_end(ld, i) && at(ld, i) == CC_DISABLED;
}

static void clear_input(struct ldisc *ld)
{
    ld->head = ld->canon = ld->tail = 0;
    ld->literal_next = ld->erasing = false;
    memset(ld->line_end, 0, sizeof(ld->line_end));
}

/* ---- settings ---- */

static void add_char(uint8_t *table, uint8_t c, uint8_t function)
{
    if (c != CC_DISABLED && table[c] == 0) /* the first one listed wins */
        table[c] = function;
}

static void make_tables(struct ldisc *ld)
{
    const struct ktermios *t = &ld->t;

    memset(ld->early, EARLY_NONE, sizeof(ld->early));
    memset(ld->edit, EDIT_NONE, sizeof(ld->edit));
    if (t->c_iflag & IXON) {
        add_char(ld->early, t->c_cc[VSTART], EARLY_START);
        add_char(ld->early, t->c_cc[VSTOP], EARLY_STOP);
    }
    if (t->c_lflag & ISIG) {
        add_char(ld->early, t->c_cc[VINTR], EARLY_INTR);
        add_char(ld->early, t->c_cc[VQUIT], EARLY_QUIT);
        add_char(ld->early, t->c_cc[VSUSP], EARLY_SUSP);
    }
    if (t->c_lflag & ICANON) {
        bool extended = (t->c_lflag & IEXTEN) != 0;

        add_char(ld->edit, t->c_cc[VERASE], EDIT_ERASE);
        add_char(ld->edit, t->c_cc[VKILL], EDIT_KILL);
        if (extended) {
            add_char(ld->edit, t->c_cc[VWERASE], EDIT_WERASE);
            add_char(ld->edit, t->c_cc[VLNEXT], EDIT_LNEXT);
            if (t->c_lflag & ECHO)
                add_char(ld->edit, t->c_cc[VREPRINT], EDIT_REPRINT);
        }
        add_char(ld->edit, '\n', EDIT_NEWLINE);
        add_char(ld->edit, t->c_cc[VEOF], EDIT_EOF);
        add_char(ld->edit, t->c_cc[VEOL], EDIT_EOL);
        if (extended)
            add_char(ld->edit, t->c_cc[VEOL2], EDIT_EOL);
    }
    ld->transparent = !(t->c_iflag & (ISTRIP | IUCLC | IGNCR | ICRNL | INLCR | IXON | PARMRK)) &&
                      !(t->c_lflag & (ICANON | ISIG | ECHO));
}

/* Canonical mode begins: what is there counts as one line. It ends: all of it is readable. */
static void change_mode(struct ldisc *ld)
{
    memset(ld->line_end, 0, sizeof(ld->line_end));
    if (ldisc_is_canonical(ld) && ld->head != ld->tail) {
        mark_line_end(ld, ld->head - 1);
        ld->canon = ld->head;
    } else {
        ld->canon = ld->tail;
    }
    ld->erasing = ld->literal_next = false;
}

bool ldisc_set_termios(struct ldisc *ld, const struct ktermios *t)
{
    uint32_t changed = ld->t.c_lflag ^ t->c_lflag;
    bool ixon_was_on = (ld->t.c_iflag & IXON) != 0;

    ld->t = *t;
    if (changed & ICANON)
        change_mode(ld);
    make_tables(ld);

    /* Nothing could start it again from the keyboard any more. */
    if (ixon_was_on && !(t->c_iflag & IXON) && ld->stopped && !ld->stopped_by_call) {
        ld->stopped = false;
        return true;
    }
    return false;
}

void ldisc_init(struct ldisc *ld, struct ring *out, const struct ktermios *t)
{
    memset(ld, 0, sizeof(*ld));
    ld->out = out;
    ld->t = *t;
    make_tables(ld);
}

void ldisc_flush_input(struct ldisc *ld)
{
    clear_input(ld);
}

/* ---- line editing ---- */

static bool echoes(const struct ldisc *ld)
{
    return (ld->t.c_lflag & ECHO) != 0;
}

static void finish_erasing(struct ldisc *ld)
{
    if (ld->erasing) {
        ldisc_echo_literal(ld, '/');
        ld->erasing = false;
    }
}

/* The echo of a character typed; the first of a line fixes where the line begins. */
static void echo_typed(struct ldisc *ld, uint8_t c)
{
    if (ld->canon == ld->head)
        ld->canon_column = ld->column;
    ldisc_echo(ld, c);
}

/* PARMRK: 0377 is doubled, so that it is not taken for a mark. In a line's excess that takes a second
 * place. */
static void put_double(struct ldisc *ld, uint8_t c)
{
    if (c != 0377 || !(ld->t.c_iflag & PARMRK))
        return;
    if (ld->head - ld->tail == LDISC_INPUT_SIZE - 1)
        ld->head--;
    put(ld, c);
}

static void queue(struct ldisc *ld, uint8_t c)
{
    put_double(ld, c);
    put(ld, c);
}

static void finish_line(struct ldisc *ld, uint8_t c, struct ldisc_events *ev)
{
    mark_line_end(ld, ld->head);
    put(ld, c);
    ld->canon = ld->head;
    ev->readable = true;
}

static void rub_out(struct ldisc *ld)
{
    ldisc_echo_literal(ld, '\b');
    ldisc_echo_literal(ld, ' ');
    ldisc_echo_literal(ld, '\b');
}

/* The tab at ld->head has been erased: how wide are the characters of the line before it? */
static void rub_out_tab(struct ldisc *ld)
{
    uint32_t columns = 0;
    uint32_t i = ld->head;
    bool after_tab = false;

    while (i != ld->canon) {
        uint8_t c = at(ld, --i);

        if (c == '\t') {
            after_tab = true;
            break;
        }
        if (ldisc_is_control(c))
            columns += (ld->t.c_lflag & ECHOCTL) ? 2 : 0;
        else if (!ldisc_is_continuation(ld, c))
            columns++;
    }
    ldisc_echo_erase_tab(ld, columns, after_tab);
}

/* Show that the `len` bytes from ld->head on, one character, are gone. */
static void echo_erased(struct ldisc *ld, enum edit how, uint32_t len)
{
    uint8_t c = at(ld, ld->head);

    if (ld->t.c_lflag & ECHOPRT) {
        if (!ld->erasing) {
            ldisc_echo_literal(ld, '\\');
            ld->erasing = true;
        }
        ldisc_echo(ld, c);
        for (uint32_t i = 1; i < len; i++) {
            ldisc_echo_literal(ld, at(ld, ld->head + i));
            if (ld->column > 0) /* as Linux counts */
                ld->column--;
        }
    } else if (how == EDIT_ERASE && !(ld->t.c_lflag & ECHOE)) {
        ldisc_echo(ld, ld->t.c_cc[VERASE]);
    } else if (c == '\t') {
        rub_out_tab(ld);
    } else if (!ldisc_is_control(c)) {
        rub_out(ld);
    } else if (ld->t.c_lflag & ECHOCTL) {
        rub_out(ld); /* ^X has two columns */
        rub_out(ld);
    }
}

/* Length in bytes of the last character of the line, 0 when only a piece of one is left. */
static uint32_t last_char_len(const struct ldisc *ld)
{
    uint32_t i = ld->head;

    do {
        i--;
    } while (ldisc_is_continuation(ld, at(ld, i)) && i != ld->canon);
    return ldisc_is_continuation(ld, at(ld, i)) ? 0 : ld->head - i;
}

static bool is_word_char(uint8_t c)
{
    return (c >= '0' && c <= '9') || ldisc_is_upper(c) || ldisc_is_lower(c) || c == '_';
}

/* VKILL without the means to rub the line out: forget it and show the character. */
static void kill_without_rubbing(struct ldisc *ld)
{
    ld->head = ld->canon;
    if (!echoes(ld))
        return;
    finish_erasing(ld);
    ldisc_echo(ld, ld->t.c_cc[VKILL]);
    if (ld->t.c_lflag & ECHOK)
        ldisc_echo_literal(ld, '\n');
}

static void erase(struct ldisc *ld, enum edit how)
{
    const uint32_t all = ECHO | ECHOE | ECHOK | ECHOKE;
    bool seen_word = false;

    if (ld->head == ld->canon)
        return;
    if (how == EDIT_KILL && (ld->t.c_lflag & all) != all) {
        kill_without_rubbing(ld);
        return;
    }
    while (ld->head != ld->canon) {
        uint32_t len = last_char_len(ld);

        if (len == 0)
            break;
        if (how == EDIT_WERASE) {
            if (is_word_char(at(ld, ld->head - len)))
                seen_word = true;
            else if (seen_word)
                break;
        }
        ld->head -= len;
        if (echoes(ld))
            echo_erased(ld, how, len);
        if (how == EDIT_ERASE)
            break;
    }
    if (ld->head == ld->canon && echoes(ld))
        finish_erasing(ld);
}

static void reprint(struct ldisc *ld)
{
    finish_erasing(ld);
    ldisc_echo(ld, ld->t.c_cc[VREPRINT]);
    ldisc_echo_literal(ld, '\n');
    for (uint32_t i = ld->canon; i != ld->head; i++)
        ldisc_echo(ld, at(ld, i));
}

static void edit(struct ldisc *ld, enum edit what, uint8_t c, struct ldisc_events *ev)
{
    switch (what) {
    case EDIT_ERASE:
    case EDIT_KILL:
    case EDIT_WERASE:
        erase(ld, what);
        break;
    case EDIT_LNEXT:
        ld->literal_next = true;
        if (echoes(ld)) {
            finish_erasing(ld);
            if (ld->t.c_lflag & ECHOCTL) {
                ldisc_echo_literal(ld, '^');
                ldisc_echo_literal(ld, '\b');
            }
        }
        break;
    case EDIT_REPRINT:
        reprint(ld);
        break;
    case EDIT_NEWLINE:
        if (ld->t.c_lflag & (ECHO | ECHONL))
            ldisc_echo_literal(ld, '\n');
        finish_line(ld, c, ev);
        break;
    case EDIT_EOF:
        finish_line(ld, CC_DISABLED, ev);
        break;
    case EDIT_EOL:
        if (echoes(ld))
            echo_typed(ld, c);
        put_double(ld, c);
        finish_line(ld, c, ev);
        break;
    case EDIT_NONE:
        break;
    }
}

/* ---- receiving ---- */

static void start_output(struct ldisc *ld, struct ldisc_events *ev)
{
    if (ld->stopped && !ld->stopped_by_call) {
        ld->stopped = false;
        ev->started = true;
    }
}

static void signal_char(struct ldisc *ld, int sig, uint8_t c, struct ldisc_events *ev)
{
    ev->signals |= SIGMASK(sig);
    if (!(ld->t.c_lflag & NOFLSH)) {
        clear_input(ld);
        if (ld->flush_output_on_signal)
            ring_clear(ld->out);
        ev->flushed = true;
    }
    if (ld->t.c_iflag & IXON)
        start_output(ld, ev);
    if (echoes(ld))
        ldisc_echo(ld, c);
}

/* A character that no function claims; newlines are echoed as such only where they mean one. */
static void ordinary_char(struct ldisc *ld, uint8_t c, bool newline)
{
    if (echoes(ld)) {
        finish_erasing(ld);
        if (newline)
            ldisc_echo_literal(ld, c);
        else
            echo_typed(ld, c);
    }
    queue(ld, c);
}

static void any_char_starts(struct ldisc *ld, struct ldisc_events *ev)
{
    if ((ld->t.c_iflag & (IXON | IXANY)) == (IXON | IXANY))
        start_output(ld, ev);
}

/* True: the character is dealt with. */
static bool early_char(struct ldisc *ld, uint8_t c, struct ldisc_events *ev)
{
    switch ((enum early)ld->early[c]) {
    case EARLY_START:
        start_output(ld, ev);
        return true;
    case EARLY_STOP:
        if (!ld->stopped)
            ev->stopped = true;
        ld->stopped = true;
        return true;
    case EARLY_INTR:
        signal_char(ld, SIGINT, c, ev);
        return true;
    case EARLY_QUIT:
        signal_char(ld, SIGQUIT, c, ev);
        return true;
    case EARLY_SUSP:
        signal_char(ld, SIGTSTP, c, ev);
        return true;
    case EARLY_NONE:
        break;
    }
    return false;
}

static void receive_char(struct ldisc *ld, uint8_t c, struct ldisc_events *ev)
{
    uint32_t iflag = ld->t.c_iflag;
    bool newline = false;

    if (iflag & ISTRIP)
        c &= 0x7f;
    if ((iflag & IUCLC) && (ld->t.c_lflag & IEXTEN) && ldisc_is_upper(c))
        c += 'a' - 'A';
    if (ld->literal_next) {
        ld->literal_next = false;
        any_char_starts(ld, ev);
        ordinary_char(ld, c, false);
        return;
    }
    if (early_char(ld, c, ev))
        return;
    any_char_starts(ld, ev);

    if (c == '\r' && (iflag & (IGNCR | ICRNL)) != 0) {
        if (iflag & IGNCR)
            return;
        c = '\n';
        newline = true;
    } else if (c == '\n' && (iflag & INLCR)) {
        c = '\r';
    }
    if (ld->edit[c] != EDIT_NONE)
        edit(ld, ld->edit[c], c, ev);
    else
        ordinary_char(ld, c, newline);
}

/* One slot stays free, so that a line end always fits. */
static size_t free_slots(const struct ldisc *ld)
{
    uint32_t room = LDISC_INPUT_SIZE - (ld->head - ld->tail);

    if (ld->t.c_iflag & PARMRK)
        room = (room + 2) / 3;
    return room > 0 ? room - 1 : 0;
}

/* A line too long to ever be read: without this its end could not get in. */
static bool line_overflows(const struct ldisc *ld)
{
    return ldisc_is_canonical(ld) && ld->canon == ld->tail;
}

size_t ldisc_room(const struct ldisc *ld)
{
    size_t room = free_slots(ld);

    return room == 0 && line_overflows(ld) ? 1 : room;
}

static size_t receive_transparent(struct ldisc *ld, const uint8_t *p, size_t n)
{
    size_t room = free_slots(ld);
    size_t first;

    if (n > room)
        n = room;
    first = LDISC_INPUT_SIZE - MASK(ld->head);
    if (first > n)
        first = n;
    memcpy(ld->input + MASK(ld->head), p, first);
    memcpy(ld->input, p + first, n - first);
    ld->head += n;
    return n;
}

size_t ldisc_receive(struct ldisc *ld, const uint8_t *p, size_t n, struct ldisc_events *ev)
{
    size_t taken;

    if (ld->transparent) {
        taken = receive_transparent(ld, p, n);
    } else {
        for (taken = 0; taken < n; taken++) {
            if (free_slots(ld) == 0) {
                if (!line_overflows(ld))
                    break;
                /* The excess of a line overwrites itself; the line end still finds a place. */
                if (ld->head - ld->tail == LDISC_INPUT_SIZE)
                    ld->head--;
            }
            receive_char(ld, p[taken], ev);
        }
    }
    if (!ldisc_is_canonical(ld) && ld->head != ld->tail)
        ev->readable = true;
    return taken;
}

void ldisc_break(struct ldisc *ld, struct ldisc_events *ev)
{
    if (ld->t.c_iflag & IGNBRK)
        return;
    if (ld->t.c_iflag & BRKINT) {
        ev->signals |= SIGMASK(SIGINT);
        clear_input(ld);
        ev->flushed = true;
        return;
    }
    if (free_slots(ld) < 1)
        return;
    if (ld->t.c_iflag & PARMRK) {
        put(ld, 0377);
        put(ld, 0);
    }
    put(ld, 0);
    if (!ldisc_is_canonical(ld))
        ev->readable = true;
}

/* ---- reading ---- */

bool ldisc_readable(const struct ldisc *ld, size_t min)
{
    if (ldisc_is_canonical(ld))
        return ld->canon != ld->tail;
    return ld->head - ld->tail >= (min != 0 ? min : 1);
}

size_t ldisc_input_len(const struct ldisc *ld)
{
    uint32_t end = ldisc_is_canonical(ld) ? ld->canon : ld->head;
    size_t n = end - ld->tail;

    if (!ldisc_is_canonical(ld))
        return n;
    for (uint32_t i = ld->tail; i != end; i++) {
        if (is_eof_mark(ld, i))
            n--;
    }
    return n;
}

size_t ldisc_read_line(struct ldisc *ld, uint8_t *p, size_t n, bool *end)
{
    size_t done = 0;

    *end = false;
    while (done < n && ld->tail != ld->canon) {
        bool ends = is_line_end(ld, ld->tail);
        bool mark = is_eof_mark(ld, ld->tail);

        if (ends)
            clear_line_end(ld, ld->tail);
        if (!mark)
            p[done++] = at(ld, ld->tail);
        ld->tail++;
        if (ends) {
            *end = true;
            break;
        }
    }
    return done;
}

void ldisc_skip_eof(struct ldisc *ld)
{
    if (ld->tail != ld->canon && is_eof_mark(ld, ld->tail)) {
        clear_line_end(ld, ld->tail);
        ld->tail++;
    }
}

size_t ldisc_read_raw(struct ldisc *ld, uint8_t *p, size_t n)
{
    size_t have = ld->head - ld->tail;
    size_t first = LDISC_INPUT_SIZE - MASK(ld->tail);

    if (n > have)
        n = have;
    if (first > n)
        first = n;
    memcpy(p, ld->input + MASK(ld->tail), first);
    memcpy(p + first, ld->input, n - first);
    ld->tail += n;
    ld->canon = ld->tail; /* non-canonical: there are no lines */
    return n;
}
