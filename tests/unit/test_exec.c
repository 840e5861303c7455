/* SPDX-License-Identifier: BSD-2-Clause */
/* What execve(2) believes of a file: ELF headers and the first line of scripts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/proc/elf.h"
#include "kernel/proc/script.h"

#define TOP 0x00007ffffffff000ULL

static struct elf_header header(uint16_t type, uint16_t n)
{
    struct elf_header h = {.ident = {0x7f, 'E', 'L', 'F', 2, 1, 1}, .type = type, .machine = EM_X86_64,
                           .entry = 0x401000, .phoff = 64, .phentsize = sizeof(struct elf_segment),
                           .phnum = n};

    return h;
}

static struct elf_segment load(uint64_t vaddr, uint64_t offset, uint64_t filesz, uint64_t memsz)
{
    return (struct elf_segment){.type = PT_LOAD, .flags = PF_R, .offset = offset, .vaddr = vaddr,
                                .filesz = filesz, .memsz = memsz};
}

static void test_layout_is_the_systems(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct elf_header), sizeof(Elf64_Ehdr));
    assert_int_equal(sizeof(struct elf_segment), sizeof(Elf64_Phdr));
    assert_int_equal(offsetof(struct elf_header, phnum), offsetof(Elf64_Ehdr, e_phnum));
    assert_int_equal(offsetof(struct elf_segment, memsz), offsetof(Elf64_Phdr, p_memsz));
    assert_int_equal(ELF_PT_GNU_STACK, PT_GNU_STACK);
}

static void test_good_program(void **state)
{
    struct elf_header h = header(ET_EXEC, 4);
    struct elf_segment s[4] = {load(0x400000, 0, 0x500, 0x500), load(0x401000, 0x1000, 0x100, 0x100),
                               load(0x403e10, 0x2e10, 0x200, 0x3000), {.type = PT_GNU_STACK, .flags = PF_R | PF_W}};
    struct elf_plan plan;

    (void)state;
    assert_true(elf_header_is_valid(&h));
    assert_true(elf_make_plan(&h, s, TOP, &plan));
    assert_int_equal(plan.start, 0x400000);
    assert_int_equal(plan.end, 0x407000);
    assert_int_equal(plan.end_of_data, 0x406e10);
    assert_int_equal(plan.phdrs, 0x400040);
    assert_false(plan.has_executable_stack);
    assert_int_equal(plan.interp_length, 0);
}

static void test_bad_headers(void **state)
{
    struct elf_header h;

    (void)state;
    for (unsigned i = 0; i < 7; i++) {
        h = header(ET_EXEC, 1);
        h.ident[i] ^= 1;
        assert_false(elf_header_is_valid(&h));
    }
    h = header(ET_REL, 1);
    assert_false(elf_header_is_valid(&h));
    h = header(ET_EXEC, 0);
    assert_false(elf_header_is_valid(&h));
    h = header(ET_EXEC, ELF_SEGMENTS_MAX + 1);
    assert_false(elf_header_is_valid(&h));
    h = header(ET_EXEC, 1);
    h.machine = EM_386;
    assert_false(elf_header_is_valid(&h));
    h = header(ET_EXEC, 1);
    h.phentsize = 55;
    assert_false(elf_header_is_valid(&h));
}

static void test_bad_segments(void **state)
{
    static const struct elf_segment bad[] = {
        {PT_LOAD, PF_R, 0, 0x400000, 0, 0x200, 0x100, 0},                /* more in the file than in memory */
        {PT_LOAD, PF_R, 0, 0xfffffffffffff000, 0, 0x100, 0x2000, 0},     /* wraps around */
        {PT_LOAD, PF_R, 0, 0x7fffffffe000, 0, 0x100, 0x2000, 0},         /* ends above user space */
        {PT_LOAD, PF_R, 0, 0xffffffff80000000, 0, 0x100, 0x100, 0},      /* in the kernel */
        {PT_LOAD, PF_R, 0x10, 0x400000, 0, 0x100, 0x100, 0},             /* offset and address do not agree */
        {PT_LOAD, PF_R, 0xfffffffffffff000, 0x400000, 0, 0x2000, 0x2000, 0},
        {PT_LOAD, PF_R, 0x7ffffffffffff000, 0x400000, 0, 0x100, 0x100, 0},
    };
    struct elf_header h = header(ET_EXEC, 1);
    struct elf_plan plan;

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(elf_make_plan(&h, &bad[i], TOP, &plan));
    h.entry = TOP;
    struct elf_segment good = load(0x400000, 0, 0x100, 0x100);
    assert_false(elf_make_plan(&h, &good, TOP, &plan));
}

static void test_nothing_to_load(void **state)
{
    struct elf_header h = header(ET_DYN, 2);
    struct elf_segment s[2] = {load(0, 0, 0, 0), {.type = PT_NOTE}};
    struct elf_plan plan;

    (void)state;
    assert_false(elf_make_plan(&h, s, TOP, &plan));
}

static void test_interpreter_names(void **state)
{
    struct elf_header h = header(ET_DYN, 2);
    struct elf_segment s[2] = {load(0, 0, 0x100, 0x100), {.type = PT_INTERP, .offset = 0x200, .filesz = 28}};
    struct elf_plan plan;

    (void)state;
    h.entry = 0x10;
    assert_true(elf_make_plan(&h, s, TOP, &plan));
    assert_int_equal(plan.interp_length, 28);
    s[1].filesz = 1;
    assert_false(elf_make_plan(&h, s, TOP, &plan));
    s[1].filesz = 4097;
    assert_false(elf_make_plan(&h, s, TOP, &plan));
    s[1].filesz = 28;
    s[1].offset = UINT64_MAX;
    assert_false(elf_make_plan(&h, s, TOP, &plan));
}

static void test_noise_never_makes_a_wild_plan(void **state)
{
    struct elf_segment s[4];
    struct elf_plan plan;

    (void)state;
    srandom(1);
    for (unsigned n = 0; n < 200000; n++) {
        struct elf_header h = header(ET_EXEC, 4);

        for (unsigned i = 0; i < sizeof(s); i++)
            ((uint8_t *)s)[i] = random() % 3 == 0 ? (uint8_t)random() : 0;
        for (unsigned i = 0; i < 4; i++)
            s[i].type = PT_LOAD;
        if (!elf_make_plan(&h, s, TOP, &plan))
            continue;
        assert_true(plan.start < plan.end && plan.end <= TOP + 4096);
        for (unsigned i = 0; i < 4; i++)
            assert_true(s[i].memsz == 0 || s[i].vaddr + s[i].memsz <= TOP);
    }
}

static bool parse(const char *text, size_t n, struct script_line *out)
{
    static char buf[512];

    memset(buf, 'Z', sizeof(buf));
    memcpy(buf, text, n);
    return script_parse(buf, n, out);
}

static void expect(const char *text, const char *interpreter, const char *argument)
{
    struct script_line line;

    if (interpreter == NULL) {
        assert_false(parse(text, strlen(text), &line));
        return;
    }
    assert_true(parse(text, strlen(text), &line));
    assert_string_equal(line.interpreter, interpreter);
    if (argument == NULL)
        assert_null(line.argument);
    else
        assert_string_equal(line.argument, argument);
}

static void test_script_lines(void **state)
{
    char longer[300];
    struct script_line line;

    (void)state;
    expect("#!/bin/sh\necho", "/bin/sh", NULL);
    expect("#! \t/bin/sh \t\n", "/bin/sh", NULL);
    expect("#!/bin/awk -f  x \nrest", "/bin/awk", "-f  x");
    expect("#!/bin/sh", "/bin/sh", NULL);
    expect("#!\n", NULL, NULL);
    expect("#!", NULL, NULL);
    expect("#", NULL, NULL);
    expect("", NULL, NULL);
    expect("##/bin/sh\n", NULL, NULL);
    expect("#!   \n/bin/sh", NULL, NULL);
    memset(longer, 'x', sizeof(longer));
    memcpy(longer, "#!/", 3);
    assert_false(parse(longer, 256, &line)); /* the interpreter's name is cut off */
    longer[100] = ' ';
    assert_true(parse(longer, 256, &line)); /* its argument may be */
    assert_int_equal(strlen(line.argument), 155);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout_is_the_systems), cmocka_unit_test(test_good_program),
        cmocka_unit_test(test_bad_headers), cmocka_unit_test(test_bad_segments),
        cmocka_unit_test(test_nothing_to_load), cmocka_unit_test(test_interpreter_names),
        cmocka_unit_test(test_noise_never_makes_a_wild_plan), cmocka_unit_test(test_script_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
