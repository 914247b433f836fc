/*-------------------------------------------------------------------------
 *
 * affinity.c
 *	  Reads of interact_affinity: index-only in both directions of the walk,
 *	  and look-ups of single pairs.
 *
 * A walk reads thousands of short ranges of two indexes; leaf.c finds them.
 * Columns are taken from the index alone, all of them are in it.
 *
 * Visibility follows nodeIndexonlyscan.c: an entry whose heap page is
 * all-visible is taken as it is, after a predicate lock on the page; any
 * other entry asks the heap.  The snapshot is the one that was active at
 * open and has to stay active until close.  Nothing is written, so all of
 * this runs on a standby as well.
 *
 * Pairs that are unsettled (see pair.c) are passed over, all rows of them.
 * Their mark is the first that is met when all entries of a key are read newest
 * first; the pairs so met are noted, and passed over in later reads of the same
 * key too.  affinity_reader_settle() looks them up in the base tables: that is
 * done for the user who asks.  As neighbours' pairs they are no edges until
 * they are settled.
 *
 * Both indexes are (key, last_at DESC, other) INCLUDE (signals, rating,
 * user_items): forward is newest first; rows of equal time come in the order
 * of "other", descending when read oldest first.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/itup.h"
#include "access/relscan.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/visibilitymap.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "storage/predicate.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "interact.h"

PG_FUNCTION_INFO_V1(interact_item_last_at);

/*
 * Visibility map pages kept pinned.  Neighbours' rows lie all over the table;
 * with one page pinned, a table of several map pages would change it at every
 * other entry.
 */
#define VM_BUFFERS			8

/* Heap blocks that one page of the visibility map tells of. */
#define VM_HEAP_BLOCKS \
	((BLCKSZ - MAXALIGN(SizeOfPageHeaderData)) * (BITS_PER_BYTE / BITS_PER_HEAPBLOCK))

/* A pair that is unsettled. */
typedef struct UnsettledPair
{
	int64		key;			/* user, or item */
	int64		other;			/* item, or user */
} UnsettledPair;

struct AffinityReader
{
	Relation	heap;			/* interact_affinity, AccessShareLock */
	Relation	index;			/* AccessShareLock */
	Snapshot	snapshot;		/* active at open */
	IndexFetchTableData *fetch; /* heap fetches; NULL until first needed */
	TupleTableSlot *slot;		/* of fetch */
	Buffer		vmbuffers[VM_BUFFERS];	/* visibility map pages, pinned */
	BlockNumber vmblocks[VM_BUFFERS];	/* which they are */
	LeafScan   *scan;
	bool		positioned;		/* whether there may be a next entry */
	ScanDirection direction;	/* of reading */
	int64		entries;		/* index entries read so far */
	IndexScanDesc keys;			/* of affinity_reader_key(); NULL until first needed */
	TupleTableSlot *keyslot;	/* heap fetches of keys */

	int64		key;			/* positioned on last */
	HTAB	   *unsettled;		/* set of UnsettledPair, NULL if empty */
	UnsettledPair *pairs;		/* the same in the order they were met */
	int32		npairs;
	int32		maxpairs;
	int32		nsettled;		/* pairs[] looked at by affinity_reader_settle() */
	PairReader *settler;		/* base tables; NULL until first needed */
};

struct AffinityProbe
{
	Relation	heap;			/* interact_affinity, AccessShareLock */
	Relation	index;			/* primary key, AccessShareLock */
	IndexScanDesc scan;			/* under the snapshot active at open */
	TupleTableSlot *slot;		/* heap fetches */
	ScanKeyData keys[2];		/* user, item */
	PairReader *settler;		/* base tables; NULL until first needed */
};


/*
 * Opens a reader of rel (REL_AFFINITY_USER or REL_AFFINITY_ITEM) under the
 * active snapshot, allocated in the current memory context.  It reads nothing
 * until it is positioned.
 */
AffinityReader *
affinity_reader_open(InteractRel rel)
{
	AffinityReader *reader = palloc0(sizeof(AffinityReader));

	Assert(rel == REL_AFFINITY_USER || rel == REL_AFFINITY_ITEM);

	reader->heap = table_open(interact_relid(REL_AFFINITY), AccessShareLock);
	reader->index = index_open(interact_relid(rel), AccessShareLock);
	reader->snapshot = GetActiveSnapshot();
	reader->scan = leaf_open(rel == REL_AFFINITY_USER ? HINTS_AFFINITY_USER :
							 HINTS_AFFINITY_ITEM,
							 reader->heap, reader->index, reader->snapshot);
	for (int i = 0; i < VM_BUFFERS; i++)
	{
		reader->vmbuffers[i] = InvalidBuffer;
		reader->vmblocks[i] = InvalidBlockNumber;
	}
	return reader;
}

/*
 * Tells that the reader will be positioned on the newest entries of key before
 * long, but not next.
 */
void
affinity_reader_ahead(AffinityReader *reader, int64 key)
{
	leaf_ahead(reader->scan, key);
}

/*
 * The same of affinity_reader_before().
 */
void
affinity_reader_ahead_before(AffinityReader *reader, int64 key, TimestampTz at)
{
	leaf_ahead_time(reader->scan, key, at);
}

/*
 * Positions the reader on all entries of key, newest first.
 */
void
affinity_reader_newest(AffinityReader *reader, int64 key)
{
	leaf_seek(reader->scan, key);
	reader->positioned = true;
	reader->direction = ForwardScanDirection;
	reader->key = key;
	reader->nsettled = 0;
}

/*
 * Positions the reader on the entries of key with last_at >= at, oldest first.
 */
void
affinity_reader_from(AffinityReader *reader, int64 key, TimestampTz at)
{
	leaf_seek_time(reader->scan, key, at);
	reader->positioned = true;
	reader->direction = BackwardScanDirection;
	reader->key = key;
}

/*
 * Positions the reader on the entries of key with last_at < at, newest first.
 */
void
affinity_reader_before(AffinityReader *reader, int64 key, TimestampTz at)
{
	leaf_seek_time(reader->scan, key, at);
	reader->positioned = true;
	reader->direction = ForwardScanDirection;
	reader->key = key;
}

/*
 * VM_ALL_VISIBLE(), without a call where the map page is pinned already.
 */
static inline bool
all_visible(AffinityReader *reader, BlockNumber block)
{
	BlockNumber map_block = block / VM_HEAP_BLOCKS;
	uint32		bit = block % VM_HEAP_BLOCKS * BITS_PER_HEAPBLOCK;
	int			i = (int) (map_block % VM_BUFFERS);
	const uint8 *map;
	bool		visible;

	if (reader->vmblocks[i] == map_block)
	{
		map = (const uint8 *) PageGetContents(BufferGetPage(reader->vmbuffers[i]));
		return ((map[bit / BITS_PER_BYTE] >> (bit % BITS_PER_BYTE)) &
				VISIBILITYMAP_ALL_VISIBLE) != 0;
	}
	visible = VM_ALL_VISIBLE(reader->heap, block, &reader->vmbuffers[i]);
	reader->vmblocks[i] = BufferIsValid(reader->vmbuffers[i]) ? map_block :
		InvalidBlockNumber;
	return visible;
}

/*
 * Whether the heap has a row for an entry that the snapshot sees.
 */
static bool
heap_has_row(AffinityReader *reader, const LeafEntry *leaf)
{
	ItemPointerData tid = leaf->tid;
	bool		again = false;
	bool		all_dead = false;
	bool		found;

	if (reader->fetch == NULL)
	{
		MemoryContext oldcontext;

		oldcontext = MemoryContextSwitchTo(GetMemoryChunkContext(reader));
		reader->fetch = interact_index_fetch_begin(reader->heap);
		reader->slot = table_slot_create(reader->heap, NULL);
		MemoryContextSwitchTo(oldcontext);
	}
	found = table_index_fetch_tuple(reader->fetch, &tid, reader->snapshot,
									reader->slot, &again, &all_dead);
	if (found)
		pgstat_count_heap_fetch(reader->index);
	ExecClearTuple(reader->slot);
	if (again)
		elog(ERROR, "non-MVCC snapshots are not supported in index-only scans");
	if (all_dead)
		leaf_dead(reader->scan, leaf);
	return found;
}

/*
 * Whether the pair of the current key and "other" was noted as unsettled.
 */
static bool
is_unsettled(AffinityReader *reader, int64 other)
{
	UnsettledPair pair = {reader->key, other};

	return hash_search(reader->unsettled, &pair, HASH_FIND, NULL) != NULL;
}

/*
 * Notes the pair of the current key and "other" as unsettled.
 */
static void
note_unsettled(AffinityReader *reader, int64 other)
{
	UnsettledPair pair = {reader->key, other};
	MemoryContext context = GetMemoryChunkContext(reader);
	bool		found;

	if (reader->unsettled == NULL)
	{
		HASHCTL		ctl;

		ctl.keysize = sizeof(UnsettledPair);
		ctl.entrysize = sizeof(UnsettledPair);
		ctl.hcxt = context;
		reader->unsettled = hash_create("interact unsettled pairs", 64, &ctl,
										HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		reader->maxpairs = 64;
		reader->pairs = MemoryContextAlloc(context, sizeof(UnsettledPair) *
										   reader->maxpairs);
	}
	(void) hash_search(reader->unsettled, &pair, HASH_ENTER, &found);
	if (found)
		return;
	ENSURE_ROOM(reader->pairs, reader->npairs, reader->maxpairs);
	reader->pairs[reader->npairs++] = pair;
}

/*
 * Reads the next visible entry of a settled pair into *entry; false when there
 * is none left, or when the reader was never positioned.  After false it has
 * to be positioned again.
 */
bool
affinity_reader_next(AffinityReader *reader, AffinityEntry *entry)
{
	const LeafEntry *leaf;

	if (!reader->positioned)
		return false;

	while ((leaf = leaf_next(reader->scan, reader->direction)) != NULL)
	{
		const LeafRow *row = &leaf->row;
		BlockNumber block = ItemPointerGetBlockNumber(&leaf->tid);

		CHECK_FOR_INTERRUPTS();
		reader->entries++;

		if (all_visible(reader, block))
		{
			/* Does nothing at lower levels, but once per entry */
			if (IsolationIsSerializable())
				PredicateLockPage(reader->heap, block, reader->snapshot);
		}
		else if (!heap_has_row(reader, leaf))
			continue;

		if (row->signals & SIGNAL_UNSETTLED)
		{
			note_unsettled(reader, row->other);
			continue;
		}
		if (reader->unsettled != NULL && is_unsettled(reader, row->other))
			continue;
		entry->other = row->other;
		entry->at = row->at;
		entry->signals = row->signals;
		entry->rating = row->rating;
		entry->user_items = row->user_items;
		return true;
	}

	reader->positioned = false;
	return false;
}

/*
 * Finds the least key not below "from", or the greatest one, and the time of
 * its newest or, of the greatest, its oldest entry; false if there is no such
 * key.  The time is infinity if a pair of the key is unsettled.  It costs one
 * descent of the index.  The reader has to be positioned again afterwards.
 */
bool
affinity_reader_key(AffinityReader *reader, int64 from, bool greatest,
					int64 *key, TimestampTz *at)
{
	ScanDirection direction = greatest ? BackwardScanDirection : ForwardScanDirection;
	ScanKeyData from_key;
	IndexScanDesc scan;
	ItemPointer tid;

	if (reader->keys == NULL)
	{
		MemoryContext oldcontext;

		oldcontext = MemoryContextSwitchTo(GetMemoryChunkContext(reader));
		reader->keys = interact_index_beginscan(reader->heap, reader->index,
												reader->snapshot, 1);
		reader->keys->xs_want_itup = true;
		reader->keyslot = table_slot_create(reader->heap, NULL);
		MemoryContextSwitchTo(oldcontext);
	}
	scan = reader->keys;
	ScanKeyInit(&from_key, 1, BTGreaterEqualStrategyNumber, F_INT8GE,
				Int64GetDatum(from));
	index_rescan(scan, &from_key, 1, NULL, 0);
	while ((tid = index_getnext_tid(scan, direction)) != NULL)
	{
		const LeafRow *row;
		BlockNumber block = ItemPointerGetBlockNumber(tid);

		CHECK_FOR_INTERRUPTS();
		reader->entries++;
		if (all_visible(reader, block))
			PredicateLockPage(reader->heap, block, reader->snapshot);
		else
		{
			if (!index_fetch_heap(scan, reader->keyslot))
				continue;
			ExecClearTuple(reader->keyslot);
		}
		row = (const LeafRow *) ((const char *) scan->xs_itup +
								 IndexInfoFindDataOffset(scan->xs_itup->t_info));
		*key = row->key;
		*at = row->at;
		return true;
	}
	return false;
}

/*
 * Looks up in the base tables what the next unsettled pair is that was met
 * since affinity_reader_newest(); false when there is none left.  user_items of
 * *entry is 0.
 */
bool
affinity_reader_settle(AffinityReader *reader, AffinityEntry *entry)
{
	while (reader->nsettled < reader->npairs)
	{
		const UnsettledPair *pair = &reader->pairs[reader->nsettled++];
		bool		by_user = RelationGetRelid(reader->index) ==
			interact_relid(REL_AFFINITY_USER);
		AffinityDelta state;

		if (pair->key != reader->key)
			continue;
		if (reader->settler == NULL)
			reader->settler = pair_reader_open(reader->snapshot);
		if (!pair_reader_get(reader->settler, by_user ? pair->key : pair->other,
							 by_user ? pair->other : pair->key, ALL_EVENTS, &state))
			continue;
		entry->other = pair->other;
		entry->at = state.at;
		entry->signals = state.signals;
		entry->rating = state.rating;
		entry->user_items = 0;
		return true;
	}
	return false;
}

/*
 * interact_item_last_at(item_id): time of the newest row about an item in the
 * base tables, as its pairs say; null if there is none.
 */
Datum
interact_item_last_at(PG_FUNCTION_ARGS)
{
	int64		item = interact_arg_id(fcinfo, 0, "item_id");
	AffinityReader *reader = affinity_reader_open(REL_AFFINITY_ITEM);
	AffinityEntry entry;
	TimestampTz last = DT_NOBEGIN;

	affinity_reader_newest(reader, item);
	if (affinity_reader_next(reader, &entry))
		last = entry.at;
	while (affinity_reader_settle(reader, &entry))
		last = Max(last, entry.at);
	affinity_reader_close(reader);

	if (TIMESTAMP_IS_NOBEGIN(last))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(last);
}

/*
 * Number of index entries read since open, invisible ones included.
 */
int64
affinity_reader_entries(const AffinityReader *reader)
{
	return reader->entries;
}

/*
 * Ends the reader's scans and frees it.  Its locks stay until the end of the
 * transaction, like those of any query.
 */
void
affinity_reader_close(AffinityReader *reader)
{
	leaf_close(reader->scan);
	if (reader->fetch != NULL)
	{
		table_index_fetch_end(reader->fetch);
		ExecDropSingleTupleTableSlot(reader->slot);
	}
	if (reader->keys != NULL)
	{
		index_endscan(reader->keys);
		ExecDropSingleTupleTableSlot(reader->keyslot);
	}
	if (reader->settler != NULL)
		pair_reader_close(reader->settler);
	if (reader->unsettled != NULL)
	{
		hash_destroy(reader->unsettled);
		pfree(reader->pairs);
	}
	for (int i = 0; i < VM_BUFFERS; i++)
	{
		if (reader->vmbuffers[i] != InvalidBuffer)
			ReleaseBuffer(reader->vmbuffers[i]);
	}
	index_close(reader->index, NoLock);
	table_close(reader->heap, NoLock);
	pfree(reader);
}

/*
 * Opens a look-up of pairs under the active snapshot, allocated in the current
 * memory context.
 */
AffinityProbe *
affinity_probe_open(void)
{
	AffinityProbe *probe = palloc0(sizeof(AffinityProbe));

	probe->heap = table_open(interact_relid(REL_AFFINITY), AccessShareLock);
	probe->index = index_open(interact_relid(REL_AFFINITY_PKEY),
							  AccessShareLock);
	probe->slot = table_slot_create(probe->heap, NULL);
	probe->scan = interact_index_beginscan(probe->heap, probe->index,
										   GetActiveSnapshot(), 2);
	ScanKeyInit(&probe->keys[0], Anum_affinity_user_id,
				BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(0));
	ScanKeyInit(&probe->keys[1], Anum_affinity_item_id,
				BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(0));
	return probe;
}

/*
 * What the rows of a pair say together: all their signals, the latest rating
 * that is not 0, and the latest time; or what the base tables say, if the pair
 * is unsettled.  Without such a pair the first two are 0 and the time is
 * DT_NOBEGIN.  user_items is not told.
 */
void
affinity_probe_get(AffinityProbe *probe, int64 user, int64 item,
				   AffinityEntry *pair)
{
	TimestampTz rated_at = DT_NOBEGIN;

	memset(pair, 0, sizeof(*pair));
	pair->other = item;
	pair->at = DT_NOBEGIN;
	probe->keys[0].sk_argument = Int64GetDatum(user);
	probe->keys[1].sk_argument = Int64GetDatum(item);
	index_rescan(probe->scan, probe->keys, 2, NULL, 0);
	while (index_getnext_slot(probe->scan, ForwardScanDirection, probe->slot))
	{
		Datum	   *values;
		TimestampTz at;

		CHECK_FOR_INTERRUPTS();
		slot_getsomeattrs(probe->slot, Anum_affinity_rating);
		values = probe->slot->tts_values;
		at = DatumGetTimestampTz(values[Anum_affinity_last_at - 1]);
		pair->at = Max(pair->at, at);
		pair->signals |= DatumGetInt32(values[Anum_affinity_signals - 1]);
		if (DatumGetInt16(values[Anum_affinity_rating - 1]) != 0 &&
			at >= rated_at)
		{
			pair->rating = DatumGetInt16(values[Anum_affinity_rating - 1]);
			rated_at = at;
		}
	}

	if (pair->signals & SIGNAL_UNSETTLED)
	{
		AffinityDelta state;

		if (probe->settler == NULL)
			probe->settler = pair_reader_open(GetActiveSnapshot());
		pair->at = DT_NOBEGIN;
		if (pair_reader_get(probe->settler, user, item, ALL_EVENTS, &state))
			pair->at = state.at;
		pair->signals = state.signals;
		pair->rating = state.rating;
	}
}

/*
 * Ends the look-ups and frees the probe.
 */
void
affinity_probe_close(AffinityProbe *probe)
{
	if (probe->settler != NULL)
		pair_reader_close(probe->settler);
	index_endscan(probe->scan);
	ExecDropSingleTupleTableSlot(probe->slot);
	index_close(probe->index, NoLock);
	table_close(probe->heap, NoLock);
	pfree(probe);
}
