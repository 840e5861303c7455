/* SPDX-License-Identifier: BSD-2-Clause */
/* The 8259 pair; see pic.h. Commands: "8259A Programmable Interrupt Controller". */
#include "pic.h"

#include "platform.h"

#define ICW1_INIT     0x10
#define ICW1_ICW4     0x01
#define OCW3_SELECT   0x08
#define OCW3_POLL     0x04
#define OCW3_READ     0x02
#define OCW3_SET_MASK 0x40

#define CASCADE 2

/* ELCR bits that may be level: not 0, 1, 2, 8 and 13. */
static const uint8_t elcr_masks[2] = {0xf8, 0xde};

/* Highest-priority bit as a distance from the chip's current top; 8: none. */
static unsigned int find_priority(const struct kvm_pic_state *chip, uint8_t mask)
{
    unsigned int priority = 0;

    if (mask == 0)
        return 8;
    while (!(mask & (1 << ((priority + chip->priority_add) & 7))))
        priority++;
    return priority;
}

/* The request that would go out now, or -1. */
static int find_request(const struct pic *pic, unsigned int which)
{
    const struct kvm_pic_state *chip = &pic->chip[which];
    unsigned int priority = find_priority(chip, chip->irr & (uint8_t)~chip->imr);
    uint8_t in_service = chip->isr;

    if (priority == 8)
        return -1;
    if (chip->special_mask)
        in_service &= (uint8_t)~chip->imr;
    if (chip->special_fully_nested_mode && which == 0)
        in_service &= (uint8_t) ~(1 << CASCADE);
    if (priority >= find_priority(chip, in_service))
        return -1;
    return (int)((priority + chip->priority_add) & 7);
}

static int set_input(struct kvm_pic_state *chip, unsigned int irq, bool level)
{
    uint8_t bit = (uint8_t)(1 << irq);
    int result = 1;

    if (chip->elcr & bit) {
        if (level) {
            result = !(chip->irr & bit);
            chip->irr |= bit;
            chip->last_irr |= bit;
        } else {
            chip->irr &= (uint8_t)~bit;
            chip->last_irr &= (uint8_t)~bit;
        }
    } else if (level) {
        if (!(chip->last_irr & bit)) {
            result = !(chip->irr & bit);
            chip->irr |= bit;
        }
        chip->last_irr |= bit;
    } else {
        chip->last_irr &= (uint8_t)~bit;
    }
    return chip->imr & bit ? -1 : result;
}

static void update(struct pic *pic)
{
    (void)set_input(&pic->chip[0], CASCADE, find_request(pic, 1) >= 0);
    pic->output = find_request(pic, 0) >= 0;
}

void pic_init(struct pic *pic)
{
    memset(pic, 0, sizeof(*pic));
    pic->chip[0].elcr_mask = elcr_masks[0];
    pic->chip[1].elcr_mask = elcr_masks[1];
}

int pic_set_line(struct pic *pic, unsigned int irq, bool level)
{
    int result = set_input(&pic->chip[irq >> 3], irq & 7, level);

    update(pic);
    return result;
}

static void end_service(struct pic *pic, unsigned int which, unsigned int irq)
{
    pic->chip[which].isr &= (uint8_t) ~(1 << irq);
    pic->ended |= (uint16_t)(1 << (which * 8 + irq));
}

static void acknowledge(struct pic *pic, unsigned int which, unsigned int irq)
{
    struct kvm_pic_state *chip = &pic->chip[which];
    uint8_t bit = (uint8_t)(1 << irq);

    if (chip->auto_eoi) {
        if (chip->rotate_on_auto_eoi)
            chip->priority_add = (irq + 1) & 7;
        end_service(pic, which, irq);
    } else {
        chip->isr |= bit;
    }
    if (!(chip->elcr & bit))
        chip->irr &= (uint8_t)~bit;
}

uint8_t pic_acknowledge(struct pic *pic)
{
    int irq = find_request(pic, 0);
    unsigned int which = 0;

    if (irq < 0) {
        irq = 7; /* spurious */
    } else {
        acknowledge(pic, 0, (unsigned int)irq);
        if (irq == CASCADE) {
            which = 1;
            irq = find_request(pic, 1);
            if (irq >= 0)
                acknowledge(pic, 1, (unsigned int)irq);
            else
                irq = 7;
        }
    }
    update(pic);
    return (uint8_t)(pic->chip[which].irq_base + irq);
}

bool pic_owns_port(uint16_t port)
{
    return (port & ~0x81) == 0x20 || (port & ~1) == 0x4d0;
}

static void command_init(struct kvm_pic_state *chip, uint8_t value)
{
    chip->init4 = value & ICW1_ICW4;
    chip->last_irr = 0;
    chip->irr &= chip->elcr;
    chip->imr = 0;
    chip->isr = 0;
    chip->priority_add = 0;
    chip->special_mask = 0;
    chip->read_reg_select = 0;
    chip->poll = 0;
    if (!chip->init4) {
        chip->special_fully_nested_mode = 0;
        chip->auto_eoi = 0;
    }
    chip->init_state = 1;
}

static void command_eoi(struct pic *pic, unsigned int which, uint8_t value)
{
    struct kvm_pic_state *chip = &pic->chip[which];
    unsigned int command = value >> 5, irq = value & 7;

    switch (command) {
    case 0:
    case 4:
        chip->rotate_on_auto_eoi = (uint8_t)(command >> 2);
        break;
    case 1: /* end of the highest-priority interrupt */
    case 5:
        irq = find_priority(chip, chip->isr);
        if (irq == 8)
            break;
        irq = (irq + chip->priority_add) & 7;
        end_service(pic, which, irq);
        if (command == 5)
            chip->priority_add = (irq + 1) & 7;
        break;
    case 3: /* end of the one named */
        end_service(pic, which, irq);
        break;
    case 6:
        chip->priority_add = (irq + 1) & 7;
        break;
    case 7:
        end_service(pic, which, irq);
        chip->priority_add = (irq + 1) & 7;
        break;
    default:
        break;
    }
}

static void write_command(struct pic *pic, unsigned int which, uint8_t value)
{
    struct kvm_pic_state *chip = &pic->chip[which];

    if (value & ICW1_INIT) {
        pic->ended |= (uint16_t)(chip->isr << (which * 8));
        command_init(chip, value);
    } else if (value & OCW3_SELECT) {
        if (value & OCW3_POLL)
            chip->poll = 1;
        if (value & OCW3_READ)
            chip->read_reg_select = value & 1;
        if (value & OCW3_SET_MASK)
            chip->special_mask = (value >> 5) & 1;
    } else {
        command_eoi(pic, which, value);
    }
}

static void write_data(struct kvm_pic_state *chip, uint8_t value)
{
    switch (chip->init_state) {
    case 0:
        chip->imr = value;
        break;
    case 1:
        chip->irq_base = value & 0xf8;
        chip->init_state = 2;
        break;
    case 2: /* the cascade's wiring is fixed */
        chip->init_state = chip->init4 ? 3 : 0;
        break;
    default:
        chip->special_fully_nested_mode = (value >> 4) & 1;
        chip->auto_eoi = (value >> 1) & 1;
        chip->init_state = 0;
        break;
    }
}

void pic_write(struct pic *pic, uint16_t port, uint8_t value)
{
    if ((port & ~1) == 0x4d0) {
        struct kvm_pic_state *chip = &pic->chip[port & 1];

        chip->elcr = value & chip->elcr_mask;
    } else if (port & 1) {
        write_data(&pic->chip[port >> 7 & 1], value);
    } else {
        write_command(pic, port >> 7 & 1, value);
    }
    update(pic);
}

uint8_t pic_read(struct pic *pic, uint16_t port)
{
    unsigned int which = port >> 7 & 1;
    struct kvm_pic_state *chip = &pic->chip[which];

    if ((port & ~1) == 0x4d0)
        return pic->chip[port & 1].elcr;
    if (chip->poll) { /* reading is the acknowledge */
        int irq = find_request(pic, which);

        chip->poll = 0;
        if (irq < 0)
            return 0;
        acknowledge(pic, which, (unsigned int)irq);
        update(pic);
        return (uint8_t)(0x80 | irq);
    }
    if (port & 1)
        return chip->imr;
    return chip->read_reg_select ? chip->isr : chip->irr;
}

void pic_restore(struct pic *pic, unsigned int which, const struct kvm_pic_state *in)
{
    struct kvm_pic_state *chip = &pic->chip[which];

    *chip = *in;
    chip->elcr_mask = elcr_masks[which];
    chip->elcr &= chip->elcr_mask;
    chip->priority_add &= 7;
    chip->irq_base &= 0xf8;
    chip->init_state &= 3;
    update(pic);
}
