/* Varuints and records: the only place that reads structure out of the image.
 *
 * Every position is an offset that is at most its container's end, and every claimed length is compared with what is
 * left by subtraction, so that no sum can wrap.  Every record is at least two bytes long: reading always advances. */
#include "record.h"

/* How many of the bytes from `pos` to `end` lie in a row where romfs_at finds the first. */
static uint32_t run(const struct romfs *fs, uint32_t pos, uint32_t end)
{
	return fs->tail && pos < fs->tail->safe && fs->tail->safe < end ? fs->tail->safe - pos : end - pos;
}

enum romfs_rule romfs_read_varuint(const struct romfs *fs, uint32_t *pos, uint32_t end, uint32_t *value)
{
	uint32_t v = 0, p = *pos;
	while (p < end) {
		const uint8_t *at = romfs_at(fs, p, 1), *stop = at + run(fs, p, end);
		for (; at < stop; at++) {
			p++;
			if (v >> 25)
				return ROMFS_RULE_VARUINT;
			v = v << 7 | (*at & 0x7Fu);
			if (!(*at & 0x80u)) {
				*pos = p;
				*value = v;
				return ROMFS_RULE_NONE;
			}
		}
	}
	return ROMFS_RULE_VARUINT;
}

enum romfs_rule romfs_read_record(const struct romfs *fs, uint32_t pos, uint32_t end, struct romfs_record *record)
{
	uint32_t length;
	record->start = pos;
	enum romfs_rule rule = romfs_read_varuint(fs, &pos, end, &record->kind);
	if (rule == ROMFS_RULE_NONE && record->kind == ROMFS_KIND_UNUSED)
		rule = ROMFS_RULE_UNUSED;
	if (rule == ROMFS_RULE_NONE)
		rule = romfs_read_varuint(fs, &pos, end, &length);
	if (rule != ROMFS_RULE_NONE)
		return rule;
	if (length > end - pos)
		return ROMFS_RULE_LENGTH;
	record->body = pos;
	record->end = pos + length;
	return ROMFS_RULE_NONE;
}

enum romfs_rule romfs_read_name(const struct romfs *fs, const struct romfs_record *record, struct romfs_node *node)
{
	uint32_t pos = record->body;
	enum romfs_rule rule = romfs_read_varuint(fs, &pos, record->end, &node->name_size);
	if (rule != ROMFS_RULE_NONE)
		return rule;
	if (node->name_size > record->end - pos)
		return ROMFS_RULE_LENGTH;
	if (!romfs_at(fs, pos, node->name_size))
		return ROMFS_RULE_NAME;
	node->type = record->kind == ROMFS_KIND_DIR ? ROMFS_DIR : ROMFS_FILE;
	node->record = record->start;
	node->name = pos;
	node->data = pos + node->name_size;
	node->data_size = record->end - node->data;
	return ROMFS_RULE_NONE;
}
