#include "deep_stack.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

/* AddressSanitizer wants to know on which stack it is. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#define switch_begins __sanitizer_start_switch_fiber
#define switch_ended  __sanitizer_finish_switch_fiber
#else
#define switch_begins(save, bottom, size) ((void)(bottom), (void)(size))
#define switch_ended(save, bottom, size)  ((void)(save))
#endif

struct call {
    int (*run)(void *context, struct why *why);
    void *context;
    struct why *why;
    int result;
    bool gone; /* there */
    ucontext_t here, there;
};

/* makecontext passes nothing wider than an int. */
static void begin(unsigned high, unsigned low)
{
    struct call *call = (struct call *)(uintptr_t)((uint64_t)high << 32 | low);
    const void *bottom = NULL;
    size_t size = 0;

    switch_ended(NULL, &bottom, &size);
    call->result = call->run(call->context, call->why);
    /* To go back restores the mask of those days. */
    sigprocmask(SIG_BLOCK, NULL, &call->here.uc_sigmask);
    switch_begins(NULL, bottom, size);
}

/* Not by swapcontext, which AddressSanitizer complains of. */
static int switch_to(struct call *call, void *stack, size_t bytes)
{
    uint64_t address = (uintptr_t)call;
    void *saved = NULL;

    if (getcontext(&call->there))
        return -1;
    call->there.uc_stack.ss_sp = stack;
    call->there.uc_stack.ss_size = bytes;
    call->there.uc_link = &call->here;
    makecontext(&call->there, (void (*)(void))begin, 2, (unsigned)(address >> 32),
                (unsigned)address);
    /* Returns now, and again when the function has returned. */
    if (getcontext(&call->here))
        return -1;
    if (!call->gone) {
        call->gone = true;
        switch_begins(&saved, stack, bytes);
        return setcontext(&call->there);
    }
    switch_ended(saved, NULL, NULL);
    return 0;
}

int deep_stack_run(int (*run)(void *context, struct why *why), void *context, struct why *why)
{
    struct call call = {.run = run, .context = context, .why = why};
    size_t guard = (size_t)sysconf(_SC_PAGESIZE);
    char *memory = mmap(NULL, guard + DEEP_STACK_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);

    if (memory == MAP_FAILED)
        return error_set(why, ERR_MEMORY, "no memory for a stack of %zu MiB: %s",
                         DEEP_STACK_BYTES >> 20, strerror(errno));
    /* Without the guard it works as well. */
    (void)mprotect(memory, guard, PROT_NONE);
    if (switch_to(&call, memory + guard, DEEP_STACK_BYTES))
        call.result = error_set(why, ERR_SYSTEM, "cannot change the stack: %s", strerror(errno));
    munmap(memory, guard + DEEP_STACK_BYTES);
    return call.result;
}
