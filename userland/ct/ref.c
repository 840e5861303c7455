/* SPDX-License-Identifier: BSD-2-Clause */
/* Image references, by the grammar of the distribution project. */
#include "ref.h"

#include "../lib/ident.h"

#include <stdio.h>
#include <string.h>

static bool is_lower_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_word(char c)
{
    return is_lower_alnum(c) || (c >= 'A' && c <= 'Z') || c == '_';
}

/* [a-z0-9]+ joined by one '.', one or two '_', or any number of '-'. */
static bool is_component(const char *s, size_t len)
{
    size_t i = 0;

    while (i < len) {
        size_t start = i, joint;

        while (i < len && is_lower_alnum(s[i]))
            i++;
        if (i == start)
            return false;
        if (i == len)
            return true;
        joint = i;
        while (i < len && !is_lower_alnum(s[i]))
            i++;
        if (i == len)
            return false;
        for (size_t k = joint; k < i; k++) {
            if (s[k] != s[joint])
                return false;
        }
        if (s[joint] != '-' && !(s[joint] == '.' && i - joint == 1) &&
            !(s[joint] == '_' && i - joint <= 2))
            return false;
    }
    return false;
}

static bool is_path(const char *s, size_t len)
{
    while (len > 0) {
        const char *slash = memchr(s, '/', len);
        size_t n = slash == NULL ? len : (size_t)(slash - s);

        if (!is_component(s, n))
            return false;
        if (slash == NULL)
            return true;
        s += n + 1;
        len -= n + 1;
    }
    return false;
}

/* Whether what stands before the first slash is a host and not part of a name. */
static bool is_host(const char *s, size_t len)
{
    bool marked = len == 9 && memcmp(s, "localhost", 9) == 0;

    for (size_t i = 0; i < len; i++) {
        if (s[i] == '.' || s[i] == ':')
            marked = true;
        else if (!is_word(s[i]) && s[i] != '-')
            return false;
    }
    return marked;
}

static bool is_tag(const char *s, size_t len)
{
    if (len == 0 || len > 128 || !is_word(s[0]))
        return false;
    for (size_t i = 1; i < len; i++) {
        if (!is_word(s[i]) && s[i] != '.' && s[i] != '-')
            return false;
    }
    return true;
}

static bool is_prefix(const char *s, size_t len, const char *prefix)
{
    return len > strlen(prefix) && strncmp(s, prefix, strlen(prefix)) == 0;
}

int ref_parse(const char *text, char ref[REF_MAX], struct err *e)
{
    static const char *const defaults[] = {"docker.io/", "index.docker.io/"};
    const char *name = text, *at = strchr(text, '@'), *slash, *colon;
    size_t len = at == NULL ? strlen(text) : (size_t)(at - text);
    size_t host_len = 0, path_len;
    const char *tag = "latest", *path;
    size_t tag_len = 6;

    if (strlen(text) >= REF_MAX - 16 || len == 0)
        goto invalid;
    if (at != NULL && (strncmp(at, "@sha256:", 8) != 0 || !ident_is_id(at + 8)))
        goto invalid;
    for (size_t i = 0; i < 2; i++) {
        if (is_prefix(name, len, defaults[i])) {
            name += strlen(defaults[i]);
            len -= strlen(defaults[i]);
            if (is_prefix(name, len, "library/")) {
                name += 8;
                len -= 8;
            }
            break;
        }
    }
    slash = memchr(name, '/', len);
    if (slash != NULL && is_host(name, (size_t)(slash - name)))
        host_len = (size_t)(slash - name) + 1;
    path = name + host_len;
    path_len = len - host_len;
    colon = memrchr(path, ':', path_len);
    if (colon != NULL) {
        tag = colon + 1;
        tag_len = path_len - (size_t)(tag - path);
        path_len = (size_t)(colon - path);
    }
    if (!is_path(path, path_len) || !is_tag(tag, tag_len))
        goto invalid;
    if (at != NULL) /* a digest says more than a tag can */
        snprintf(ref, REF_MAX, "%.*s%.*s%s", (int)host_len, name, (int)path_len, path, at);
    else
        snprintf(ref, REF_MAX, "%.*s%.*s:%.*s", (int)host_len, name, (int)path_len, path,
                 (int)tag_len, tag);
    return 0;

invalid:
    return err_set(e, 125, "invalid reference format: \"%.200s\" is no image name", text);
}

int ref_repository_len(const char *ref)
{
    const char *colon = strrchr(ref, ':'), *at = strchr(ref, '@');

    if (at != NULL)
        return (int)(at - ref);
    return (int)(colon == NULL || strchr(colon, '/') != NULL ? (long)strlen(ref) : colon - ref);
}

const char *ref_digest(const char *ref)
{
    const char *at = strchr(ref, '@');

    return at == NULL ? NULL : at + strlen("@sha256:");
}

void ref_to_file(const char *ref, char file[REF_MAX])
{
    size_t n = 0;

    for (; *ref != '\0' && n < REF_MAX - 4; ref++) {
        if (*ref == '/' || *ref == '%')
            n += (size_t)sprintf(file + n, "%%%02x", (unsigned)*ref);
        else
            file[n++] = *ref;
    }
    file[n] = '\0';
}

void ref_from_file(const char *file, char ref[REF_MAX])
{
    size_t n = 0;

    for (; *file != '\0' && n < REF_MAX - 1; file++) {
        unsigned code;

        if (*file == '%' && sscanf(file + 1, "%2x", &code) == 1) {
            ref[n++] = (char)code;
            file += 2;
        } else {
            ref[n++] = *file;
        }
    }
    ref[n] = '\0';
}
