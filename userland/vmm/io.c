/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The main thread's loop: console input to the first UART, lines of the control
 * descriptor to the machine, and output that a slow descriptor did not take at
 * once. Everything it waits for is in one poll(); the vCPUs wake it through
 * wake_fd when that set has to change.
 */
#include "vm.h"

#include "report.h"
#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * A guest that has reported its command's status is about to power off. One that
 * cannot (it runs without ACPI and halts) is ended after this time.
 */
#define POWER_OFF_GRACE_MS 5000

/*
 * The power button is pressed again and again, as an impatient person does: a guest
 * that is just starting may have loaded its button's driver, but not what listens to it.
 */
#define PRESS_AGAIN_MS 2000
#define PRESSES        30

/* What is polled, in this order; a negative descriptor is not looked at. */
enum { POLL_WAKE, POLL_INPUT, POLL_CONSOLE, POLL_LOG, POLL_CONTROL, POLL_COUNT };

struct io {
    struct vm *vm;
    int control_fd;
    unsigned presses; /* of the power button, still to come */
    char line[128]; /* of the control descriptor, so far */
    size_t line_length;
};

/* Bytes for the second UART that do not fit into its FIFO yet. */
static void feed_log_input(struct vm *vm)
{
    size_t room = serial_room(&vm->log);
    size_t n = vm->log_input_length < room ? vm->log_input_length : room;

    serial_receive(&vm->log, (const uint8_t *)vm->log_input, n);
    vm->log_input_length -= n;
    memmove(vm->log_input, vm->log_input + n, vm->log_input_length);
}

static void send_winsize(struct vm *vm, unsigned columns, unsigned rows)
{
    size_t room = sizeof(vm->log_input) - vm->log_input_length;
    int n = snprintf(vm->log_input + vm->log_input_length, room, "winsize %u %u\n", columns, rows);

    if (n > 0 && (size_t)n < room) /* else the guest does not listen; it is not told */
        vm->log_input_length += (size_t)n;
    feed_log_input(vm);
}

static void control_line(struct io *io, const char *line)
{
    struct vm *vm = io->vm;
    unsigned columns, rows;

    pthread_mutex_lock(&vm->lock);
    if (strcmp(line, "powerbutton") == 0) {
        acpi_pm_press_power_button(&vm->acpi_pm);
        io->presses = PRESSES;
    } else if (strcmp(line, "reset") == 0) {
        vm_end_locked(vm, VM_RESTARTED, "restarted from outside");
    } else if (strcmp(line, "stop") == 0) {
        vm_end_locked(vm, VM_STOPPED, "stopped from outside");
    } else if (sscanf(line, "winsize %u %u", &columns, &rows) == 2) {
        send_winsize(vm, columns, rows);
    } else {
        warn("unknown control command: %s", line);
    }
    pthread_mutex_unlock(&vm->lock);
}

static void read_control(struct io *io)
{
    char data[256];
    ssize_t n = read(io->control_fd, data, sizeof(data));

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) {
        io->control_fd = -1;
        pthread_mutex_lock(&io->vm->lock);
        vm_end_locked(io->vm, VM_STOPPED, "its supervisor is gone");
        pthread_mutex_unlock(&io->vm->lock);
        return;
    }
    for (ssize_t i = 0; i < n; i++) {
        if (data[i] == '\n') {
            io->line[io->line_length] = '\0';
            io->line_length = 0;
            control_line(io, io->line);
        } else if (io->line_length < sizeof(io->line) - 1) {
            io->line[io->line_length++] = data[i];
        }
    }
}

/* A command's input waits until its terminal in the guest is set up for it. */
static size_t input_room(const struct vm *vm)
{
    if (vm->outside->options->command != NULL && !vm->outside->status.ready)
        return 0;
    return serial_room(&vm->console);
}

static void read_input(struct vm *vm)
{
    struct outside *outside = vm->outside;
    uint8_t data[SERIAL_FIFO_SIZE];
    size_t room = input_room(vm);
    ssize_t n;

    if (room == 0)
        return;
    n = read(outside->input_fd, data, room);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) {
        outside->input_fd = -1; /* at its end, or nobody is there any more */
        return;
    }
    serial_receive(&vm->console, data, (size_t)n);
}

/* What to wait for now. Returns whether the guest has reported its command's status. */
static bool prepare(struct io *io, struct pollfd *fds)
{
    struct vm *vm = io->vm;
    struct outside *outside = vm->outside;
    bool room, done;

    pthread_mutex_lock(&vm->lock);
    room = input_room(vm) > 0;
    vm->input_blocked = !room;
    fds[POLL_WAKE] = (struct pollfd){ .fd = outside->wake_fd, .events = POLLIN };
    fds[POLL_INPUT] = (struct pollfd){ .fd = room ? outside->input_fd : -1, .events = POLLIN };
    fds[POLL_CONSOLE] = (struct pollfd){
        .fd = sink_waiting(&outside->console) ? outside->console.fd : -1, .events = POLLOUT };
    fds[POLL_LOG] = (struct pollfd){ .fd = sink_waiting(&outside->log) ? outside->log.fd : -1,
                                     .events = POLLOUT };
    fds[POLL_CONTROL] = (struct pollfd){ .fd = io->control_fd, .events = POLLIN };
    done = outside->status.status >= 0;
    pthread_mutex_unlock(&vm->lock);
    return done;
}

/* Nothing has happened for the time that was given to poll(). */
static void time_is_over(struct io *io, bool command_done)
{
    pthread_mutex_lock(&io->vm->lock);
    if (command_done) {
        vm_end_locked(io->vm, VM_POWERED_OFF, "ended after its command");
    } else {
        acpi_pm_press_power_button(&io->vm->acpi_pm);
        io->presses--;
    }
    pthread_mutex_unlock(&io->vm->lock);
}

static void serve(struct io *io, const struct pollfd *fds)
{
    struct vm *vm = io->vm;
    struct outside *outside = vm->outside;
    uint64_t count;

    if (fds[POLL_WAKE].revents)
        (void)!read(outside->wake_fd, &count, sizeof(count)); /* only to empty it */

    pthread_mutex_lock(&vm->lock);
    if (fds[POLL_INPUT].revents)
        read_input(vm);
    if (fds[POLL_CONSOLE].revents) {
        sink_drain(&outside->console);
        serial_host_ready(&vm->console);
    }
    if (fds[POLL_LOG].revents) {
        sink_drain(&outside->log);
        serial_host_ready(&vm->log);
    }
    if (vm->log_input_length > 0)
        feed_log_input(vm);
    if (terminal_signal() != 0)
        vm_end_locked(vm, VM_STOPPED, "stopped by signal %d", terminal_signal());
    pthread_mutex_unlock(&vm->lock);

    if (fds[POLL_CONTROL].revents)
        read_control(io);
}

void io_loop(struct vm *vm)
{
    struct io io = { .vm = vm, .control_fd = vm->outside->options->control_fd };
    struct pollfd fds[POLL_COUNT];

    while (vm->end == VM_RUNNING) {
        bool done = prepare(&io, fds);
        int wait_ms = done ? POWER_OFF_GRACE_MS : io.presses > 0 ? PRESS_AGAIN_MS : -1;
        int ready = poll(fds, POLL_COUNT, wait_ms);

        if (ready > 0)
            serve(&io, fds);
        else if (ready == 0)
            time_is_over(&io, done);
    }
}
