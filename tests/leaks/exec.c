/* SPDX-License-Identifier: BSD-2-Clause */
/* execve() that fails, at every stage: no such file, no program, a broken program. */
#include "leaks.h"

#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "/tmp/leaks-program"

/* What is in the file when it is executed. */
static void write_program(const void *bytes, size_t len)
{
    int fd = (int)must(open(PROGRAM, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700));

    must(write(fd, bytes, len));
    must(close(fd));
}

static int try_exec(const char *path, char *const argv[], char *const env[])
{
    execve(path, argv, env);
    return errno;
}

static char *args[] = {"x", NULL};

static void *volatile bad_address = (void *)8; /* volatile: the compiler would object */

static void no_program(void)
{
    static const char text[] = "neither ELF nor script\n";
    static const char script[] = "#!/nowhere/interpreter -x\n";
    static const char self_script[] = "#!" PROGRAM "\n";
    char *bad[] = {bad_address, NULL}, **huge;

    check(try_exec("/nowhere", args, args) == ENOENT);
    check(try_exec("/tmp", args, args) == EACCES);
    check(try_exec("/etc/passwd", args, args) == EACCES);
    check(try_exec("/etc/passwd/x", args, args) == ENOTDIR);
    check(try_exec(bad_address, args, args) == EFAULT);
    write_program(text, sizeof(text));
    check(try_exec(PROGRAM, args, args) == ENOEXEC);
    check(try_exec(PROGRAM, bad, args) == EFAULT);
    check(try_exec("/bin/busybox", args, bad) == EFAULT);
    write_program(script, sizeof(script));
    check(try_exec(PROGRAM, args, args) == ENOENT);
    write_program(self_script, sizeof(self_script));
    check(try_exec(PROGRAM, args, args) == ELOOP);

    huge = calloc(200000, sizeof(*huge));
    check(huge != NULL);
    for (int i = 0; i < 199999; i++)
        huge[i] = "an argument that is forty characters long";
    check(try_exec("/bin/busybox", huge, args) == E2BIG);
    free(huge);
}

/* An ELF file of ours, with one thing wrong. */
static struct program {
    Elf64_Ehdr head;
    Elf64_Phdr segments[2];
    char interpreter[32];
    unsigned char code[16];
} program;

static void make_program(void)
{
    program = (struct program){
        .head = {.e_ident = ELFMAG,
                 .e_type = ET_EXEC,
                 .e_machine = EM_X86_64,
                 .e_version = EV_CURRENT,
                 .e_entry = 0x400000 + offsetof(struct program, code),
                 .e_phoff = offsetof(struct program, segments),
                 .e_ehsize = sizeof(Elf64_Ehdr),
                 .e_phentsize = sizeof(Elf64_Phdr),
                 .e_phnum = 1},
        .segments = {{.p_type = PT_LOAD,
                      .p_flags = PF_R | PF_X,
                      .p_vaddr = 0x400000,
                      .p_align = 0x1000,
                      .p_filesz = sizeof(program),
                      .p_memsz = sizeof(program)},
                     {.p_type = PT_INTERP,
                      .p_offset = offsetof(struct program, interpreter),
                      .p_filesz = 9,
                      .p_memsz = 9}},
        .interpreter = "/nowhere",
        .code = {0x31, 0xff, 0xb8, 0xe7, 0, 0, 0, 0x0f, 0x05}, /* exit_group(0) */
    };
    program.head.e_ident[EI_CLASS] = ELFCLASS64;
    program.head.e_ident[EI_DATA] = ELFDATA2LSB;
    program.head.e_ident[EI_VERSION] = EV_CURRENT;
}

static void exec_program(void *arg)
{
    (void)arg;
    (void)try_exec(PROGRAM, args, args);
    raise(SIGKILL); /* refused; where that is too late, the kernel sends this or SIGSEGV */
}

static void run_program(size_t len)
{
    int status;

    write_program(&program, len);
    must(waitpid(spawn(exec_program, NULL), &status, 0));
    check(WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGSEGV));
    make_program();
}

static void broken_program(void)
{
    make_program();
    write_program(&program, sizeof(program));
    wait_exited(spawn(exec_program, NULL)); /* right, so far */

    run_program(sizeof(program.head) - 1);
    run_program(offsetof(struct program, segments) + 10);
    program.head.e_machine = EM_AARCH64;
    run_program(sizeof(program));
    program.head.e_phnum = 0xffff;
    run_program(sizeof(program));
    program.head.e_phentsize = 1;
    run_program(sizeof(program));
    program.head.e_phoff = ~0ull;
    run_program(sizeof(program));
    program.segments[0].p_vaddr = 0xffff800000000000ull;
    run_program(sizeof(program));
    program.segments[0].p_memsz = 0x7fffffffffffull;
    run_program(sizeof(program));
    program.head.e_phnum = 2;
    run_program(sizeof(program)); /* no such interpreter */
    program.head.e_phnum = 2;
    strcpy(program.interpreter, "/tmp");
    program.segments[1].p_filesz = program.segments[1].p_memsz = 5;
    run_program(sizeof(program));
}

static void exec_fails(unsigned i)
{
    (void)i;
    no_program();
    broken_program();
    must(unlink(PROGRAM));
}

const struct area exec_areas[] = {
    {"exec_fails", 40, exec_fails},
    {NULL, 0, NULL},
};
