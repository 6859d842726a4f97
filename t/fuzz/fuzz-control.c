/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A muster that is not ours, on the control socket. The first byte is the
 * size of the pieces in which its frames come, the second how many
 * descriptors ride on the first of them; frames_make() says what the rest
 * is. Words that would reach files are left out: root may do such things.
 */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>

#include <glib.h>

#include "core/base/wire.h"
#include "core/control.h"
#include "t/lib/frames.h"
#include "t/lib/fuzz_store.h"
#include "core/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
nothing(void)
{
}

static void
serve(int fd)
{
	const struct control_server server = {
		fuzz_store()->store, fuzz_settings, NULL, nothing,
	};

	serve_control(&server, fd);
}

static int
make_fd(uint8_t how)
{
	(void)how;
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static bool
reaches_files(const json_t *word)
{
	const char *text = json_string_value(word);

	return text != NULL && (strchr(text, '/') != NULL ||
				strcmp(text, "backup") == 0);
}

static bool
is_harmless(const GByteArray *frames)
{
	json_t *request;
	const json_t *words;
	bool harmless = true;

	if (frames->len < 4)
		return true;
	request = json_loadb((const char *)frames->data + 4, frames->len - 4,
			     JSON_DISABLE_EOF_CHECK, NULL);
	words = json_object_get(request, "argv");
	for (size_t i = 0; i < json_array_size(words); i++)
		harmless = harmless && !reaches_files(json_array_get(words,
								     i));
	json_decref(request);
	return harmless;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GByteArray) frames = NULL;

	if (size < 2)
		return 0;
	(void)fuzz_store();
	frames = frames_make(data + 2, size - 2);
	if (is_harmless(frames))
		frames_serve(frames, data, make_fd, serve);
	return 0;
}
