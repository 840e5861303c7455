/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel command line: words separated by spaces, "name=value" or "name".
 * The first word of a name counts. cmdline_get() hands out pointers into a copy
 * in which each word is terminated; cmdline_text() is the line as it was given.
 */
#include <kernel/boot_info.h>
#include <kernel/mm.h>
#include <kernel/string.h>

#define CMDLINE_MAX 2048

static char text[CMDLINE_MAX];  /* [I] */
static char words[CMDLINE_MAX]; /* [I] words, each with its NUL, and an empty one at the end */

void cmdline_init(void)
{
    const char *from;
    char *to = words;

    strlcpy(text, phys_to_virt(boot.cmdline), sizeof(text) - 1); /* the last word may need two NULs */
    for (from = text; *from != '\0';) {
        if (*from == ' ') {
            from++;
            continue;
        }
        while (*from != '\0' && *from != ' ')
            *to++ = *from++;
        *to++ = '\0';
    }
}

const char *cmdline_text(void)
{
    return text;
}

const char *cmdline_get(const char *name)
{
    size_t length = strlen(name);

    for (const char *w = words; *w != '\0'; w += strlen(w) + 1) {
        if (strncmp(w, name, length) != 0)
            continue;
        if (w[length] == '=')
            return w + length + 1;
        if (w[length] == '\0')
            return "";
    }
    return NULL;
}
