/*-------------------------------------------------------------------------
 *
 * leaf.c
 *	  Short ranges of the two indexes of interact_affinity, and of the primary
 *	  key of interact_counter, read from the leaf pages of the b-tree.
 *
 * A walk asks for some thousand ranges of a few dozen entries.  For each of
 * them the index access method would make a search key, compare by calling
 * functions, evaluate the conditions once more for every entry of the page, and
 * copy entries that nobody asks for one by one; that was half of a walk.  Here
 * a range is found by comparing integers where they lie, and the entries of one
 * key on a page are copied in one go.
 *
 * What a scan of the access method promises holds here, in the same way (see
 * nbtree/README):
 * - A page is read under a share lock.  Then the lock is released and the pin
 *	 stays until all its entries were looked at: VACUUM, which has to wait for
 *	 the pin, cannot remove and give away the heap rows they point to before.
 * - To the right goes the link that was read together with the entries: what a
 *	 split of the page moves there later was read before it.  To the left, splits
 *	 of the neighbour are followed until the page is met from which we came; that
 *	 one cannot be deleted while it is pinned.
 * - Serializable transactions lock the pages they read, or the index if empty.
 * - Entries whose row the heap says is dead to all are marked, for others to
 *	 pass over, unless the page has changed since; on a standby such marks are
 *	 neither made nor believed.
 *
 * Most pages a walk comes to were not used for so long that the processor has to
 * wait for every part of them, and before that for the parts of the table of
 * buffers that say where they are.  So
 * - the backend remembers in which buffers it found pages, see pagehint.c.
 * - Who knows which key comes next says so, see leaf_ahead().  Its page is found
 *	 then, and fetched into the cache while the key before it is at work.  Until
 *	 it is read it may be split or even deleted; its right links still lead to
 *	 the key, as they do for any scan that was on its way to a page.  It cannot
 *	 become another page while there is a snapshot that was taken before.
 *
 * The indexes contain no nulls.  Posting lists there may be in the primary key
 * only: b-trees with INCLUDE columns do not deduplicate.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/nbtree.h"
#include "access/xlog.h"
#include "catalog/pg_am.h"
#include "pgstat.h"
#include "miscadmin.h"
#include "storage/buf_internals.h"
#include "storage/bufmgr.h"
#include "storage/predicate.h"
#include "utils/rel.h"

#include "interact.h"

/* Columns of the indexes of interact_affinity, in index order. */
enum
{
	Anum_leaf_key = 1,
	Anum_leaf_at,
	Anum_leaf_other,
	Anum_leaf_signals,
	Anum_leaf_rating,
	Anum_leaf_user_items,
	Natts_leaf = Anum_leaf_user_items
};

/* The columns of an entry of the primary key of interact_counter. */
typedef struct CounterRow
{
	int64		item;
	int16		event;
	int64		id;
} CounterRow;

/* Bytes the processor fetches at a time, at least. */
#define CACHE_LINE			64

/* Cache lines that the item identifiers of a full page take. */
#define ITEM_ID_LINES \
	((SizeOfPageHeaderData + sizeof(ItemIdData) * LEAF_ROWS) / CACHE_LINE + 1)

/* Rows of a page that are fetched ahead, as they lie there in any order. */
#define PREFETCH_ROWS		8

/* Has the processor fetch memory that will be needed soon. */
#ifdef __GNUC__
#define prefetch(address)	__builtin_prefetch(address)
#else
#define prefetch(address)	((void) (address))
#endif

/* The columns of an index entry as they lie on the page. */
static inline const LeafRow *
leaf_row(IndexTuple itup)
{
	Assert(!IndexTupleHasNulls(itup));
	return (const LeafRow *) ((const char *) itup +
							  MAXALIGN(sizeof(IndexTupleData)));
}

static inline IndexTuple
leaf_tuple(Page page, OffsetNumber offset)
{
	return (IndexTuple) PageGetItem(page, PageGetItemId(page, offset));
}

/*
 * Raises an error unless rel is a b-tree with columns of these lengths, in the
 * order this file compares by: nkeys key columns, the first one ascending, and
 * the second one as said.
 */
static void
check_layout(Relation rel, const int16 *lengths, int natts, int nkeys,
			 bool descending)
{
	TupleDesc	desc = RelationGetDescr(rel);
	bool		same = rel->rd_rel->relam == BTREE_AM_OID &&
		desc->natts == natts &&
		IndexRelationGetNumberOfKeyAttributes(rel) == nkeys &&
		(rel->rd_indoption[0] & INDOPTION_DESC) == 0 &&
		((rel->rd_indoption[1] & INDOPTION_DESC) != 0) == descending;

	for (int i = 0; same && i < natts; i++)
		same = TupleDescAttr(desc, i)->attlen == lengths[i];
	if (!same)
		elog(ERROR, "index \"%s\" does not have the expected columns",
			 RelationGetRelationName(rel));
}

/*
 * Allocates a scan with room for so many entries of a page.
 */
static LeafScan *
scan_create(PageHints which, Relation heap, Relation index, Snapshot snapshot,
			int maxrows)
{
	LeafScan   *scan = palloc(offsetof(LeafScan, rows) +
							  sizeof(LeafEntry) * maxrows);

	scan->heap = heap;
	scan->index = index;
	scan->snapshot = snapshot;
	scan->counters = (which == HINTS_COUNTER_PKEY);
	scan->use_dead = !TransactionStartedDuringRecovery();
	scan->root = InvalidBlockNumber;
	scan->hints = which;
	for (int i = 0; i < LEAF_AHEAD; i++)
		scan->ahead[i].block = InvalidBlockNumber;
	scan->buffer = InvalidBuffer;
	scan->nrows = 0;
	scan->ndead = 0;
	scan->maxrows = maxrows;
	return scan;
}

/*
 * Begins to read an index of interact_affinity, the heap, under a snapshot, all
 * of which the caller keeps; allocated in the current memory context.
 */
LeafScan *
leaf_open(PageHints which, Relation heap, Relation index, Snapshot snapshot)
{
	static const int16 lengths[Natts_leaf] = {8, 8, 8, 4, 2, 2};

	check_layout(index, lengths, Natts_leaf, Anum_leaf_other, true);
	return scan_create(which, heap, index, snapshot, LEAF_ROWS);
}

/*
 * The same for the primary key of interact_counter.  The key is the item, and
 * "other" of an entry the event; the rest of it is not told.
 */
LeafScan *
leaf_open_counters(Relation heap, Relation pkey, Snapshot snapshot)
{
	static const int16 lengths[] = {8, 2, 8};

	check_layout(pkey, lengths, lengthof(lengths), lengthof(lengths), false);
	return scan_create(HINTS_COUNTER_PKEY, heap, pkey, snapshot, MaxTIDsPerBTreePage);
}

/*
 * Marks the entries of the page that leaf_dead() was told of, and unpins it.
 */
static void
leave_page(LeafScan *scan)
{
	if (!BufferIsValid(scan->buffer))
		return;
	if (scan->ndead > 0)
	{
		_bt_lockbuf(scan->index, scan->buffer, BT_READ);
		if (BufferGetLSNAtomic(scan->buffer) == scan->lsn)
		{
			Page		page = BufferGetPage(scan->buffer);

			for (int i = 0; i < scan->ndead; i++)
			{
				LeafEntry  *entry = &scan->rows[scan->dead[i]];
				ItemId		iid = PageGetItemId(page, entry->offset);

				/* not so for posting lists, all of which would have to be dead */
				if (ItemPointerEquals(&((IndexTuple) PageGetItem(page, iid))->t_tid,
									  &entry->tid))
					ItemIdMarkDead(iid);
			}
			BTPageGetOpaque(page)->btpo_flags |= BTP_HAS_GARBAGE;
			MarkBufferDirtyHint(scan->buffer, true);
		}
		_bt_unlockbuf(scan->index, scan->buffer);
		scan->ndead = 0;
	}
	ReleaseBuffer(scan->buffer);
	scan->buffer = InvalidBuffer;
	scan->nrows = 0;
}

/*
 * Has the processor fetch what is looked at first on a page: header, item
 * identifiers, special space.
 */
static inline void
prefetch_page(const char *page)
{
	prefetch(page + BLCKSZ - sizeof(BTPageOpaqueData));
	for (int i = 0; i < (int) ITEM_ID_LINES; i++)
		prefetch(page + i * CACHE_LINE);
}

/*
 * Like _bt_relandgetbuf(), and _bt_getbuf() if there is no buffer to be
 * released; to read.
 */
static Buffer
get_page(LeafScan *scan, Buffer release, BlockNumber block)
{
	Buffer		buffer;

	if (BufferIsValid(release))
		_bt_relbuf(scan->index, release);
	buffer = hinted_read(scan->hints, scan->index, block);
	prefetch_page(BufferGetPage(buffer));
	_bt_lockbuf(scan->index, buffer, BT_READ);
	_bt_checkpage(scan->index, buffer);
	return buffer;
}

/*
 * Whether an entry or a key of an inner page comes before the target.  Columns
 * that such a key lacks are less than any value.
 */
static inline bool
before_target(const LeafTarget *target, IndexTuple itup, int natts)
{
	const LeafRow *row = leaf_row(itup);

	if (natts < Anum_leaf_key)
		return true;
	if (row->key != target->key)
		return row->key < target->key;
	if (!target->by_time)
		return false;
	if (natts < Anum_leaf_at)
		return true;
	return row->at >= target->at;
}

/*
 * Number of key columns a key of an inner page has, or a high key.
 */
static inline int
pivot_natts(Relation index, IndexTuple itup)
{
	int			natts = BTreeTupleGetNAtts(itup, index);

	return Min(natts, Anum_leaf_other);
}

/*
 * The root, locked, or InvalidBuffer if the index is empty.  The page that was
 * the root last may be used, as _bt_getroot() does, while it has no neighbours.
 */
static Buffer
get_root(LeafScan *scan)
{
	Buffer		buffer;
	BTPageOpaque opaque;

	if (scan->root != InvalidBlockNumber)
	{
		buffer = get_page(scan, InvalidBuffer, scan->root);
		opaque = BTPageGetOpaque(BufferGetPage(buffer));
		if (!P_IGNORE(opaque) && opaque->btpo_level == scan->rootlevel &&
			P_LEFTMOST(opaque) && P_RIGHTMOST(opaque))
			return buffer;
		_bt_relbuf(scan->index, buffer);
	}
	buffer = interact_bt_getroot(scan->index, scan->heap);
	if (BufferIsValid(buffer))
	{
		opaque = BTPageGetOpaque(BufferGetPage(buffer));
		scan->root = BufferGetBlockNumber(buffer);
		scan->rootlevel = opaque->btpo_level;
	}
	return buffer;
}

/*
 * Follows the links to the right from a locked page to the one of its level
 * where the target is or would be.  The page may have been split since its
 * number was read, or deleted.
 */
static Buffer
move_right(LeafScan *scan, Buffer buffer, const LeafTarget *target)
{
	for (;;)
	{
		Page		page = BufferGetPage(buffer);
		BTPageOpaque opaque = BTPageGetOpaque(page);

		if (P_RIGHTMOST(opaque))
		{
			if (P_IGNORE(opaque))
				elog(ERROR, "fell off the end of index \"%s\"",
					 RelationGetRelationName(scan->index));
			return buffer;
		}
		if (!P_IGNORE(opaque))
		{
			IndexTuple	high_key = leaf_tuple(page, P_HIKEY);

			if (!before_target(target, high_key,
							   pivot_natts(scan->index, high_key)))
				return buffer;
		}
		buffer = get_page(scan, buffer, opaque->btpo_next);
	}
}

/*
 * On a locked page above the leaves, the child where the target is or would be:
 * the last one whose key comes before.  The first one always does.
 */
static BlockNumber
find_child(LeafScan *scan, Page page, const LeafTarget *target)
{
	OffsetNumber low = P_FIRSTDATAKEY(BTPageGetOpaque(page));
	OffsetNumber high = PageGetMaxOffsetNumber(page);

	while (low < high)
	{
		OffsetNumber middle = low + (high - low + 1) / 2;
		IndexTuple	itup = leaf_tuple(page, middle);

		if (before_target(target, itup, pivot_natts(scan->index, itup)))
			low = middle;
		else
			high = middle - 1;
	}
	return BTreeTupleGetDownLink(leaf_tuple(page, low));
}

/*
 * Finds the leaf page where the target is or would be, or to the left of it;
 * InvalidBlockNumber if the index is empty.  If that is the root, or to_leaf is
 * true, *leaf is the page, locked and the right one, else InvalidBuffer.
 */
static BlockNumber
descend(LeafScan *scan, const LeafTarget *target, bool to_leaf, Buffer *leaf)
{
	Buffer		buffer = get_root(scan);
	BlockNumber block;

	*leaf = InvalidBuffer;
	if (!BufferIsValid(buffer))
		return InvalidBlockNumber;
	for (;;)
	{
		Page		page;
		uint32		level;

		buffer = move_right(scan, buffer, target);
		page = BufferGetPage(buffer);
		level = BTPageGetOpaque(page)->btpo_level;
		if (level == 0)
		{
			*leaf = buffer;
			return BufferGetBlockNumber(buffer);
		}
		block = find_child(scan, page, target);
		if (level == 1 && !to_leaf)
			break;
		buffer = get_page(scan, buffer, block);
	}
	_bt_relbuf(scan->index, buffer);
	return block;
}

/*
 * Finds the leaf page where the target is or would be; returns it locked, or
 * InvalidBuffer if the index is empty.
 */
static Buffer
find_leaf(LeafScan *scan, const LeafTarget *target)
{
	LeafAhead  *ahead = &scan->ahead[(uint64) target->key % LEAF_AHEAD];
	Buffer		leaf;

	if (ahead->block != InvalidBlockNumber &&
		ahead->target.key == target->key &&
		ahead->target.by_time == target->by_time &&
		ahead->target.at == target->at)
		return move_right(scan, get_page(scan, InvalidBuffer, ahead->block),
						  target);
	(void) descend(scan, target, true, &leaf);
	return leaf;
}

/*
 * Raises an error unless rows[] has room for some more than n.
 */
static inline void
check_room(const LeafScan *scan, int n, int more)
{
	if (n + more > scan->maxrows)
		elog(ERROR, "too many entries on a page of index \"%s\"",
			 RelationGetRelationName(scan->index));
}

/*
 * Reads an entry of the primary key of interact_counter into rows[n], and the
 * following if it is a posting list.  Returns how many.
 */
static int
read_counter(LeafScan *scan, int n, IndexTuple itup, OffsetNumber offset)
{
	const CounterRow *row = (const CounterRow *) leaf_row(itup);
	bool		posting = BTreeTupleIsPosting(itup);
	int			ntids = posting ? BTreeTupleGetNPosting(itup) : 1;
	const ItemPointerData *tids = posting ? BTreeTupleGetPosting(itup) :
		&itup->t_tid;

	check_room(scan, n, ntids);
	for (int i = 0; i < ntids; i++)
	{
		LeafEntry  *entry = &scan->rows[n + i];

		entry->row.key = row->item;
		entry->row.other = row->event;
		entry->tid = tids[i];
		entry->offset = offset;
	}
	return ntids;
}

/*
 * Reads the entries of the key on a locked page, and unlocks it.
 */
static void
read_page(LeafScan *scan, Buffer buffer)
{
	Page		page = BufferGetPage(buffer);
	BTPageOpaque opaque = BTPageGetOpaque(page);
	OffsetNumber first = P_FIRSTDATAKEY(opaque);
	OffsetNumber last = PageGetMaxOffsetNumber(page);
	OffsetNumber low = first;
	OffsetNumber high = last + 1;
	int			n = 0;

	interact_test_old_snapshot(scan->snapshot, scan->index, page);
	PredicateLockPage(scan->index, BufferGetBlockNumber(buffer), scan->snapshot);

	while (low < high)
	{
		OffsetNumber middle = low + (high - low) / 2;

		/* whichever will be looked at next */
		prefetch(leaf_row(leaf_tuple(page, low + (middle - low) / 2)));
		if (middle + 1 < high)
			prefetch(leaf_row(leaf_tuple(page, middle + 1 + (high - middle - 1) / 2)));
		if (leaf_row(leaf_tuple(page, middle))->key < scan->key)
			low = middle + 1;
		else
			high = middle;
	}
	scan->any_left = low == first && !P_LEFTMOST(opaque);
	for (; low <= last; low = OffsetNumberNext(low))
	{
		ItemId		iid = PageGetItemId(page, low);
		IndexTuple	itup = (IndexTuple) PageGetItem(page, iid);
		const LeafRow *row = leaf_row(itup);
		LeafEntry  *entry = &scan->rows[n];

		if (row->key != scan->key)
			break;
		if (low + PREFETCH_ROWS <= last)
		{
			const LeafRow *ahead = leaf_row(leaf_tuple(page, low + PREFETCH_ROWS));

			prefetch(ahead);
			prefetch((const char *) (ahead + 1) - 1);
		}
		if (ItemIdIsDead(iid) && scan->use_dead)
			continue;
		if (scan->counters)
		{
			n += read_counter(scan, n, itup, low);
			continue;
		}
		Assert(IndexTupleSize(itup) ==
			   MAXALIGN(sizeof(IndexTupleData)) + sizeof(LeafRow));
		check_room(scan, n, 1);
		entry->row = *row;
		entry->tid = itup->t_tid;
		entry->offset = low;
		n++;
	}
	scan->any_right = low > last && !P_RIGHTMOST(opaque);
	if (scan->any_right)
	{
		IndexTuple	high_key = leaf_tuple(page, P_HIKEY);

		scan->any_right = pivot_natts(scan->index, high_key) < Anum_leaf_key ||
			leaf_row(high_key)->key <= scan->key;
	}
	scan->left = opaque->btpo_prev;
	scan->right = opaque->btpo_next;
	scan->block = BufferGetBlockNumber(buffer);
	scan->lsn = BufferGetLSNAtomic(buffer);
	scan->buffer = buffer;
	scan->nrows = n;
	_bt_unlockbuf(scan->index, buffer);
}

/*
 * Goes to the page on the right; false if it cannot have entries of the key.
 */
static bool
step_right(LeafScan *scan)
{
	BlockNumber block = scan->right;
	Buffer		buffer;

	if (!scan->any_right)
		return false;
	leave_page(scan);
	buffer = get_page(scan, InvalidBuffer, block);
	for (;;)
	{
		BTPageOpaque opaque = BTPageGetOpaque(BufferGetPage(buffer));

		if (!P_IGNORE(opaque))
			break;
		if (P_RIGHTMOST(opaque))
			elog(ERROR, "fell off the end of index \"%s\"",
				 RelationGetRelationName(scan->index));
		buffer = get_page(scan, buffer, opaque->btpo_next);
	}
	read_page(scan, buffer);
	return true;
}

/*
 * Goes to the page on the left; false if it cannot have entries of the key.
 */
static bool
step_left(LeafScan *scan)
{
	/* Pages that splits may have put between the neighbour and ours */
	const int	most = 4;
	BlockNumber block = scan->left;
	BlockNumber from = scan->block;

	if (!scan->any_left)
		return false;
	while (block != P_NONE)
	{
		Buffer		buffer = get_page(scan, InvalidBuffer, block);
		BTPageOpaque opaque = BTPageGetOpaque(BufferGetPage(buffer));

		for (int i = 0; i < most; i++)
		{
			if (P_ISDELETED(opaque) || opaque->btpo_next == from ||
				P_RIGHTMOST(opaque))
				break;
			buffer = get_page(scan, buffer, opaque->btpo_next);
			opaque = BTPageGetOpaque(BufferGetPage(buffer));
		}

		if (!P_ISDELETED(opaque) && opaque->btpo_next == from)
		{
			if (!P_IGNORE(opaque))
			{
				leave_page(scan);
				read_page(scan, buffer);
				return true;
			}
			/* It is empty and about to be deleted: on to the next one. */
			from = BufferGetBlockNumber(buffer);
			block = opaque->btpo_prev;
			_bt_relbuf(scan->index, buffer);
		}
		else
		{
			/* Begin again with what is on the left of ours now. */
			_bt_relbuf(scan->index, buffer);
			CHECK_FOR_INTERRUPTS();
			_bt_lockbuf(scan->index, scan->buffer, BT_READ);
			from = scan->block;
			block = BTPageGetOpaque(BufferGetPage(scan->buffer))->btpo_prev;
			_bt_unlockbuf(scan->index, scan->buffer);
		}
	}
	return false;
}

/*
 * Positions the scan by a target; its page, if there is one, is read.
 */
static void
seek(LeafScan *scan, const LeafTarget *target)
{
	Buffer		buffer;

	leave_page(scan);
	scan->key = target->key;
	pgstat_count_index_scan(scan->index);
	buffer = find_leaf(scan, target);
	if (BufferIsValid(buffer))
		read_page(scan, buffer);
	else
	{
		PredicateLockRelation(scan->index, scan->snapshot);
		scan->any_left = scan->any_right = false;
	}
}

/*
 * Finds the page of a target that is not the next one, and has the processor
 * fetch it.
 */
static void
look_ahead(LeafScan *scan, const LeafTarget *target)
{
	LeafAhead  *ahead = &scan->ahead[(uint64) target->key % LEAF_AHEAD];
	Buffer		buffer;

	ahead->target = *target;
	ahead->block = descend(scan, target, false, &buffer);
	if (BufferIsValid(buffer))
	{
		/* the index has one page */
		_bt_relbuf(scan->index, buffer);
		return;
	}
	buffer = ahead->block != InvalidBlockNumber ?
		hinted_buffer(scan->hints, ahead->block) : InvalidBuffer;
	if (BufferIsValid(buffer))
	{
		prefetch(GetBufferDescriptor(buffer - 1));
		prefetch_page(BufferGetPage(buffer));
	}
}

/*
 * Tells that leaf_seek() will probably be called for a key before long, but not
 * next.
 */
void
leaf_ahead(LeafScan *scan, int64 key)
{
	LeafTarget	target = {key, 0, false};

	look_ahead(scan, &target);
}

/*
 * The same of leaf_seek_time().
 */
void
leaf_ahead_time(LeafScan *scan, int64 key, TimestampTz at)
{
	LeafTarget	target = {key, at, true};

	look_ahead(scan, &target);
}

/*
 * Positions the scan before the first entry of key, the newest of a user or an
 * item; leaf_next() goes on with
 * ForwardScanDirection.
 */
void
leaf_seek(LeafScan *scan, int64 key)
{
	LeafTarget	target = {key, 0, false};

	seek(scan, &target);
	scan->next = 0;
}

/*
 * Positions the scan between the entries of key at or after a time and those
 * before it: leaf_next() goes on with either direction, and forward is older.
 */
void
leaf_seek_time(LeafScan *scan, int64 key, TimestampTz at)
{
	LeafTarget	target = {key, at, true};
	int			low = 0;
	int			high;

	/* Both sides of a moment are often wanted, one after the other. */
	if (!(BufferIsValid(scan->buffer) && scan->key == key &&
		  scan->nrows > 0 && scan->rows[0].row.at >= at &&
		  scan->rows[scan->nrows - 1].row.at < at))
		seek(scan, &target);
	high = scan->nrows;
	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (scan->rows[middle].row.at >= at)
			low = middle + 1;
		else
			high = middle;
	}
	scan->next = low;
}

/*
 * The next entry in a direction, or NULL when there is none left.  Its page
 * stays pinned and its memory valid until the next call.
 */
const LeafEntry *
leaf_next(LeafScan *scan, ScanDirection direction)
{
	if (ScanDirectionIsForward(direction))
	{
		while (scan->next >= scan->nrows)
		{
			if (!step_right(scan))
				return NULL;
			scan->next = 0;
		}
		pgstat_count_index_tuples(scan->index, 1);
		return &scan->rows[scan->next++];
	}

	while (scan->next <= 0)
	{
		if (!step_left(scan))
			return NULL;
		scan->next = scan->nrows;
	}
	pgstat_count_index_tuples(scan->index, 1);
	return &scan->rows[--scan->next];
}

/*
 * Tells that the row of the entry returned last is dead to every transaction.
 */
void
leaf_dead(LeafScan *scan, const LeafEntry *entry)
{
	if (scan->use_dead && scan->ndead < LEAF_DEAD)
		scan->dead[scan->ndead++] = (int16) (entry - scan->rows);
}

/*
 * Unpins the page the scan is on; it has to be positioned again.
 */
void
leaf_leave(LeafScan *scan)
{
	leave_page(scan);
	scan->any_left = scan->any_right = false;
}

/*
 * Ends the scan and frees it.
 */
void
leaf_close(LeafScan *scan)
{
	leave_page(scan);
	pfree(scan);
}
