/* Decides, before the editor writes: who uses which contents, where they are held, and how they are aligned. */
#include "format/romfs_bytes.h"
#include "format/romfs_edit_inner.h"

#define PLAIN_ALIGN 4u /* of a file that no board says anything about */

static void add_user(struct edit_blob *blob, struct edit_node *file)
{
	file->next_user = NULL;
	*(blob->last_user ? &blob->last_user->next_user : &blob->users) = file;
	blob->last_user = file;
}

static void gather_users(struct romfs_edit *edit)
{
	for (size_t i = 0; i < edit->blob_count; i++) {
		struct edit_blob *blob = edit->blobs[i];
		blob->users = blob->last_user = NULL;
		blob->modulus = 1;
		blob->residue = 0;
	}
	for (struct edit_node *n = edit->root.first; n; n = edit_after(edit, n))
		if (n->kind == EDIT_FILE)
			add_user(n->blob, n);
}

/* Adds "start is residue modulo modulus"; false, and nothing added, where that contradicts what is there. */
static bool constrain(struct edit_blob *blob, uint32_t modulus, uint32_t residue)
{
	uint32_t both = modulus < blob->modulus ? modulus : blob->modulus;
	if ((residue ^ blob->residue) & (both - 1))
		return false;
	if (modulus > blob->modulus) {
		blob->modulus = modulus;
		blob->residue = residue & (modulus - 1);
	}
	return true;
}

/* "The file's contents start at a multiple of align." */
static bool align_file(struct edit_blob *blob, const struct edit_node *file, uint32_t align)
{
	return constrain(blob, align, 0u - file->delta);
}

/* A file that cannot be aligned where it shares gets a copy of its contents.  The caller takes it off the users. */
static bool detach(struct romfs_edit *edit, struct edit_node *file, uint32_t align, struct err *e)
{
	struct edit_blob *from = file->blob;
	struct edit_blob *own = edit_blob_new(edit, span_of(from->bytes.data + file->delta, file->size), e);
	if (!own)
		return false;
	if (from->holder == file)
		from->holder = NULL;
	own->holder = file;
	own->modulus = align;
	own->residue = 0;
	file->blob = own;
	file->delta = 0;
	add_user(own, file);
	return true;
}

/* What must hold: the alignment that each file had, and that of a board's models. */
static bool place_users(struct romfs_edit *edit, struct edit_blob *blob, const struct board *board, struct err *e)
{
	struct edit_node *next, *all = blob->users;
	for (struct edit_node *f = all; f; f = f->next_user)
		if (f->had)
			align_file(blob, f, f->had);
	blob->users = blob->last_user = NULL;
	for (struct edit_node *f = all; f; f = next) {
		bool model = false;
		uint32_t want = board ? board_alignment(board, f->name, &model) : 1;
		next = f->next_user;
		if (!model || align_file(blob, f, want))
			add_user(blob, f);
		else if (!detach(edit, f, want, e))
			return false;
	}
	return true;
}

/* What should hold, as far as the rest leaves it open: the board's table for other files, and that contents lie as they
 * did, so that moving them does not raise their alignment by chance. */
static void place_rest(struct edit_blob *blob, const struct board *board)
{
	for (struct edit_node *f = blob->users; f; f = f->next_user)
		if (board || f->delta == 0)
			align_file(blob, f, board ? board_alignment(board, f->name, NULL) : PLAIN_ALIGN);
	if (!blob->has_old)
		return;
	for (struct edit_node *f = blob->users; f; f = f->next_user)
		if (f->had && f->had < ROMFS_MAX_ALIGN)
			constrain(blob, 2 * f->had, blob->old);
}

/* Who lost its holder moves into its first user, where that uses all of it. */
static void choose_holder(struct edit_blob *blob)
{
	struct edit_node *first = blob->users;
	if (!blob->holder && first && first->delta == 0 && first->size == blob->bytes.size)
		blob->holder = first;
}

bool edit_place(struct romfs_edit *edit, const struct board *board, struct err *e)
{
	gather_users(edit);
	size_t count = edit->blob_count; /* what is detached on the way is placed already */
	for (size_t i = 0; i < count; i++)
		if (!place_users(edit, edit->blobs[i], board, e))
			return false;
	for (size_t i = 0; i < edit->blob_count; i++) {
		struct edit_blob *blob = edit->blobs[i];
		if (blob->holder && blob->holder->kind == EDIT_POOL && !blob->users)
			constrain(blob, blob->holder->had, 0);
		place_rest(blob, board);
		choose_holder(blob);
	}
	return true;
}
