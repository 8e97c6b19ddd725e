/* SPDX-License-Identifier: Apache-2.0 */
/* heap.c: allocation that ends the command with one clear line when there is no memory. */
#include "heap.h"

#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "status.h"

static void *must(void *memory)
{
    if (memory != NULL)
        return memory;
    static const char line[] = "certstore: memory: none left; free some and try again\n";
    ssize_t ignored = write(STDERR_FILENO, line, sizeof line - 1);
    (void)ignored;
    _exit(STATUS_FAILED);
}

void *heap_new(size_t count, size_t size)
{
    return must(calloc(count == 0 ? 1 : count, size));
}

void *heap_grow(void *array, size_t count, size_t size)
{
    if (count != 0 && (count & (count - 1)) != 0)
        return array;
    size_t room = count == 0 ? 1 : count * 2;
    return must(room > SIZE_MAX / size ? NULL : realloc(array, room * size));
}

char *heap_copy(const char *text)
{
    return must(strdup(text));
}

char *heap_copy_part(const char *text, size_t size)
{
    return must(strndup(text, size));
}

char *heap_vformat(const char *format, va_list args)
{
    char *text = NULL;
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    return must(text);
}

char *heap_format(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = heap_vformat(format, args);
    va_end(args);
    return text;
}

void text_add(struct text *text, const char *data, size_t size)
{
    if (size >= text->room - text->size || text->data == NULL) {
        if (size > SIZE_MAX / 4 || text->size > SIZE_MAX / 4)
            must(NULL);
        text->room = 2 * (text->size + size) + 32;
        text->data = must(realloc(text->data, text->room));
    }
    memcpy(text->data + text->size, data, size);
    text->size += size;
    text->data[text->size] = '\0';
}

void text_add_string(struct text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

void text_add_format(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    OWNED(owned_chars) *line = heap_vformat(format, args);
    va_end(args);
    text_add_string(text, line);
}

char *text_take(struct text *text)
{
    char *data = text->data != NULL ? text->data : heap_copy("");
    *text = (struct text){ 0 };
    return data;
}
