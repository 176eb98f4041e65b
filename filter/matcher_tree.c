/* matcher_tree.c - makes the radix tree of the drafts. Pure. */
#include "matcher_compile.h"

#include "error.h"

#include <stdlib.h>

/* The drafts for which a node stands: they agree in their first `depth` bytes. */
struct range {
    uint32_t first, end;
    uint32_t depth;
};

/* Fills in the node of a range, and makes a range for each of its children. */
static void build_node(struct compiler *compiler, struct range *ranges, size_t index)
{
    const struct draft *drafts = compiler->drafts;
    struct range range = ranges[index];
    const struct draft *first = &drafts[range.first], *last = &drafts[range.end - 1];
    struct image_node *node = &compiler->nodes[index];
    uint32_t depth = range.depth;

    /* What the first and the last of the sorted drafts share, all share. The root has no label. */
    if (index > 0)
        while (depth < first->length && depth < last->length &&
               first->skeleton[depth] == last->skeleton[depth])
            depth++;
    *node = (struct image_node){
        .label = first->at + range.depth,
        .label_length = depth - range.depth,
        .entry = range.first,
        .child = (uint32_t)compiler->node_count,
    };
    uint32_t next = range.first;
    while (next < range.end && drafts[next].length == depth)
        next++;
    node->entry_count = next - range.first;
    while (next < range.end) {
        uint8_t byte = drafts[next].skeleton[depth];
        uint32_t begin = next;
        while (next < range.end && drafts[next].skeleton[depth] == byte)
            next++;
        compiler->firsts[compiler->node_count] = byte;
        ranges[compiler->node_count++] =
            (struct range){.first = begin, .end = next, .depth = depth + 1};
        node->child_count++;
    }
}

static int build_nodes(struct compiler *compiler)
{
    /* Each draft adds at most a node of its own and one where it parts from the others. */
    size_t capacity = 2 * compiler->draft_count + 2;
    struct range *ranges = calloc(capacity, sizeof *ranges);

    compiler->nodes = calloc(capacity, sizeof *compiler->nodes);
    compiler->firsts = calloc(capacity, 1);
    if (!ranges || !compiler->nodes || !compiler->firsts) {
        free(ranges);
        return -ERR_MEMORY;
    }
    compiler->node_count = 1;
    if (compiler->draft_count > 0) {
        ranges[0] = (struct range){.end = (uint32_t)compiler->draft_count};
        for (size_t index = 0; index < compiler->node_count; index++)
            build_node(compiler, ranges, index);
    }
    free(ranges);
    return 0;
}

/* By byte of a text: how many bytes from there on are the same as at its beginning. A stretch that
 * is known to repeat the beginning tells this of the places in it.
 * Source: the Z algorithm; Gusfield: Algorithms on Strings, Trees, and Sequences, 1997. */
static void find_repeats(const uint8_t *text, uint32_t length, uint32_t *repeats)
{
    uint32_t from = 0, end = 0; /* the stretch that reaches the furthest */

    repeats[0] = length;
    for (uint32_t at = 1; at < length; at++) {
        uint32_t same = 0;
        if (at < end)
            same = repeats[at - from] < end - at ? repeats[at - from] : end - at;
        while (at + same < length && text[same] == text[at + same])
            same++;
        repeats[at] = same;
        if (at + same > end) {
            from = at;
            end = at + same;
        }
    }
}

static int build_trails(struct compiler *compiler)
{
    size_t count = 0, bytes = 0;

    for (size_t i = 0; i < compiler->node_count; i++) {
        bool is_long = compiler->nodes[i].label_length >= LONG_LABEL;
        count += is_long;
        bytes += is_long ? compiler->nodes[i].label_length : 0;
    }
    compiler->trails = calloc(count + 1, sizeof *compiler->trails);
    compiler->repeats = calloc(bytes + 1, sizeof *compiler->repeats);
    if (!compiler->trails || !compiler->repeats)
        return -ERR_MEMORY;
    for (size_t i = 0; i < compiler->node_count; i++) {
        const struct image_node *node = &compiler->nodes[i];
        if (node->label_length < LONG_LABEL)
            continue;
        compiler->trails[compiler->header.trail_count++] = (struct image_trail){
            .node = (uint32_t)i,
            .repeats = (uint32_t)compiler->repeat_count,
        };
        find_repeats(compiler->texts.bytes + node->label, node->label_length,
                     compiler->repeats + compiler->repeat_count);
        compiler->repeat_count += node->label_length;
    }
    return 0;
}

int matcher_tree_build(struct compiler *compiler)
{
    int error = build_nodes(compiler);

    return error ? error : build_trails(compiler);
}
