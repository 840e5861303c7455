/* SPDX-License-Identifier: BSD-2-Clause */
/* The JSON of images: what is taken, and that anything else is refused without harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "userland/ct/oci.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define A64      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64      "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define MANIFEST "application/vnd.oci.image.manifest.v1+json"

static const char index_text[] =
    "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" MANIFEST "\",\"digest\":\"sha256:" A64
    "\",\"size\":7,\"annotations\":{\"org.opencontainers.image.ref.name\":\"one\"},"
    "\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"},\"unknown\":[1,2]},"
    "{\"mediaType\":\"" MANIFEST "\",\"digest\":\"sha256:" B64 "\",\"size\":8,"
    "\"annotations\":null,\"platform\":{\"os\":\"linux\",\"architecture\":\"arm64\"}}]}";

static const char manifest_text[] =
    "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\","
    "\"digest\":\"sha256:" A64 "\",\"size\":1},\"layers\":[{\"mediaType\":"
    "\"application/vnd.oci.image.layer.v1.tar+zstd\",\"digest\":\"sha256:" B64 "\",\"size\":2}]}";

static const char config_text[] =
    "{\"os\":\"linux\",\"architecture\":\"amd64\",\"created\":\"2024-05-18T09:33:00.5Z\","
    "\"config\":{\"User\":\"me\",\"Env\":[\"A=1\",\"B=x y\"],\"Entrypoint\":[\"/e\"],\"Cmd\":null,"
    "\"WorkingDir\":\"/w\",\"Labels\":{\"k\":\"v\"},\"StopSignal\":\"SIGINT\",\"Volumes\":{\"/"
    "d\":{}},"
    "\"OnBuild\":[]},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:" A64 "\"]}}";

static void takes_an_index(void **state)
{
    struct oci_index index;
    struct err e;

    (void)state;
    assert_int_equal(oci_parse_index("i", index_text, strlen(index_text), &index, &e), 0);
    assert_int_equal(index.count, 2);
    assert_int_equal(index.list[0].kind, OCI_MANIFEST);
    assert_string_equal(index.list[0].digest, A64);
    assert_string_equal(index.list[0].name, "one");
    assert_false(index.list[0].is_full_name);
    assert_false(index.list[0].other_platform);
    assert_true(index.list[1].other_platform);
    oci_free_index(&index);
}

static void takes_a_manifest(void **state)
{
    struct oci_manifest *m = malloc(sizeof(*m));
    struct err e;

    (void)state;
    assert_int_equal(oci_parse_manifest("m", manifest_text, strlen(manifest_text), m, &e), 0);
    assert_int_equal(m->nlayers, 1);
    assert_string_equal(m->layers[0].digest, B64);
    free(m);
}

static void takes_a_config(void **state)
{
    struct oci_config *c = malloc(sizeof(*c));
    struct record r;
    struct err e;

    (void)state;
    assert_int_equal(oci_parse_config("c", config_text, strlen(config_text), c, &e), 0);
    assert_int_equal(record_from(&r, c->record.buf, c->record.len), 0);
    assert_string_equal(record_get(&r, "user"), "me");
    assert_int_equal(record_count(&r, "env"), 2);
    assert_string_equal(record_get(&r, "entrypoint"), "/e");
    assert_null(record_get(&r, "cmd"));
    assert_string_equal(record_get(&r, "label"), "k=v");
    assert_string_equal(record_get(&r, "volume"), "/d");
    assert_string_equal(record_get(&r, "layer"), A64);
    assert_int_equal(record_num(&r, "created", 0), 1716024780500000000);
    record_free(&r);
    record_discard(&c->record);
    free(c);
}

/* Every parser, whatever it is given, and freed again if it took it. */
static int parse_all(const char *text, size_t len)
{
    struct oci_manifest *m = malloc(sizeof(*m));
    struct oci_config *c = malloc(sizeof(*c));
    struct docker_manifest docker;
    struct oci_index index;
    int taken = 0;
    struct err e;

    if (oci_parse_index("i", text, len, &index, &e) == 0) {
        taken++;
        oci_free_index(&index);
    } else {
        assert_true(strlen(e.text) > 0);
    }
    taken += oci_parse_manifest("m", text, len, m, &e) == 0;
    if (oci_parse_config("c", text, len, c, &e) == 0) {
        taken++;
        record_discard(&c->record);
    }
    if (docker_parse_manifest("d", text, len, &docker, &e) == 0) {
        taken++;
        docker_free_manifest(&docker);
    }
    taken += oci_parse_layout(text, len, &e) == 0;
    free(m);
    free(c);
    return taken;
}

static void refuses_what_is_wrong(void **state)
{
    static const char *const cases[] = {
        "",
        "{",
        "null",
        "1",
        "\"x\"",
        "{}",
        "[1]",
        "[{}]",
        "[{\"Config\":1}]",
        "[null]",
        "[{\"Config\":\"c\",\"Layers\":[1]}]",
        "[{\"Config\":\"c\",\"RepoTags\":\"x\"}]",
        "{\"schemaVersion\":1,\"manifests\":[]}",
        "{\"schemaVersion\":\"2\",\"manifests\":[]}",
        "{\"schemaVersion\":2,\"manifests\":{}}",
        "{\"schemaVersion\":2,\"manifests\":[1]}",
        "{\"schemaVersion\":2,\"manifests\":[{}]}",
        "{\"schemaVersion\":2,\"schemaVersion\":2}",
        "{\"schemaVersion\":2,\"config\":[],\"layers\":[]}",
        "{\"imageLayoutVersion\":1}",
        "{\"os\":\"linux\",\"architecture\":\"amd64\"}",
        "{\"os\":\"windows\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\",\"diff_"
        "ids\":[]}}",
        "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":"
        "[]}}",
        "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":"
        "[\"x\"]}}",
        "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"foreign\",\"diff_"
        "ids\":[\"sha256:" A64 "\"]}}",
        "{\"os\":\"linux\",\"architecture\":\"amd64\",\"config\":{\"Env\":[1]},\"rootfs\":{"
        "\"type\":\"layers\","
        "\"diff_ids\":[\"sha256:" A64 "\"]}}",
        "{\"os\":\"linux\",\"architecture\":\"amd64\",\"config\":{\"User\":7},\"rootfs\":{\"type\":"
        "\"layers\","
        "\"diff_ids\":[\"sha256:" A64 "\"]}}",
        "{\"os\":\"linux\",\"architecture\":\"amd64\",\"config\":{\"Env\":[\"a\\u0000b\"]}}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(parse_all(cases[i], strlen(cases[i])), 0);
}

static void refuses_too_many_layers(void **state)
{
    size_t size = 300 * 80 + 300, len;
    char *text = malloc(size);

    (void)state;
    len = (size_t)snprintf(text, size,
                           "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":"
                           "{\"type\":\"layers\",\"diff_ids\":[");
    for (int i = 0; i < 300; i++)
        len += (size_t)snprintf(text + len, size - len, "%s\"sha256:" A64 "\"", i > 0 ? "," : "");
    len += (size_t)snprintf(text + len, size - len, "]}}");
    assert_int_equal(parse_all(text, len), 0);
    free(text);
}

/* Cut anywhere, or with any byte changed: no crash, no leak, no reading past the end. */
static void survives_damage(void **state)
{
    static const char *const texts[] = {index_text, manifest_text, config_text};
    static const char changes[] = {0, '"', '{', '[', '\\', '9', (char)0xff};

    (void)state;
    for (size_t t = 0; t < 3; t++) {
        size_t len = strlen(texts[t]);

        for (size_t cut = 0; cut < len; cut++) {
            char *copy = malloc(cut + 1);

            memcpy(copy, texts[t], cut);
            (void)parse_all(copy, cut);
            free(copy);
        }
        for (size_t at = 0; at < len; at++) {
            for (size_t c = 0; c < sizeof(changes); c++) {
                char *copy = malloc(len);

                memcpy(copy, texts[t], len);
                copy[at] = changes[c];
                (void)parse_all(copy, len);
                free(copy);
            }
        }
    }
}

static void times(void **state)
{
    (void)state;
    assert_int_equal(oci_parse_time("1970-01-01T00:00:01Z"), 1000000000);
    assert_int_equal(oci_parse_time("1970-01-01T01:00:01+01:00"), 1000000000);
    assert_int_equal(oci_parse_time("yesterday"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_an_index),
        cmocka_unit_test(takes_a_manifest),
        cmocka_unit_test(takes_a_config),
        cmocka_unit_test(refuses_what_is_wrong),
        cmocka_unit_test(refuses_too_many_layers),
        cmocka_unit_test(survives_damage),
        cmocka_unit_test(times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
