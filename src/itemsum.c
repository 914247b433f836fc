/*-------------------------------------------------------------------------
 *
 * itemsum.c
 *	  What interact_counter says of single items.
 *
 * The rows of an item are read through the primary key, which holds them by
 * event type, and those of one (item, event) are added up.  This is the random
 * access of toplist.c and toprated.c.
 *
 * Reads only, under the snapshot that is active when the reader is opened, and
 * which must stay active until it is closed.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include "access/table.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/snapmgr.h"

struct ItemReader
{
	Relation	heap;			/* interact_counter */
	Relation	pkey;			/* its primary key */
	Snapshot	snapshot;		/* active at open */
	LeafScan   *scan;			/* of pkey */
	IndexFetchTableData *fetch; /* of heap */
	TupleTableSlot *slot;		/* current row */
	int			event;			/* reads this event only; -1 = all */
};


/*
 * Opens the primary key of interact_counter for single items, for one event
 * type or, with event = -1, for all.  Reads the snapshot that is active now.
 */
ItemReader *
item_reader_open(int event)
{
	ItemReader *reader = palloc(sizeof(ItemReader));

	reader->heap = table_open(interact_relid(REL_COUNTER), AccessShareLock);
	reader->pkey = index_open(interact_relid(REL_COUNTER_PKEY),
							  AccessShareLock);
	reader->slot = table_slot_create(reader->heap, NULL);
	reader->snapshot = GetActiveSnapshot();
	reader->scan = leaf_open_counters(reader->heap, reader->pkey,
									  reader->snapshot);
	reader->fetch = interact_index_fetch_begin(reader->heap);
	reader->event = event;
	return reader;
}

/*
 * Tells that an item will be read before long, but not next.
 */
void
item_reader_ahead(ItemReader *reader, int64 item)
{
	leaf_ahead(reader->scan, item);
}

/*
 * Fetches the row of an entry into the slot; false if the snapshot sees none.
 */
static bool
fetch_row(ItemReader *reader, const LeafEntry *entry)
{
	ItemPointerData tid = entry->tid;
	bool		again = false;
	bool		all_dead = false;
	bool		found;

	hinted_pin_row(HINTS_COUNTER, reader->heap, reader->fetch, &tid);
	found = table_index_fetch_tuple(reader->fetch, &tid, reader->snapshot,
									reader->slot, &again, &all_dead);
	if (found)
		pgstat_count_heap_fetch(reader->pkey);
	else if (all_dead)
		leaf_dead(reader->scan, entry);
	return found;
}

/*
 * Reads the rows of an item: one KeySum per event type, by event id, in
 * sums[MAX_EVENT_TYPES].  Returns how many there are.
 */
int
item_reader_sums(ItemReader *reader, int64 item, KeySum *sums)
{
	TupleTableSlot *slot = reader->slot;
	const LeafEntry *entry;
	int			nsums = 0;

	leaf_seek(reader->scan, item);
	while ((entry = leaf_next(reader->scan, ForwardScanDirection)) != NULL)
	{
		bool		isnull;
		int			event;
		KeySum	   *sum;

		CHECK_FOR_INTERRUPTS();
		if ((reader->event >= 0 && entry->row.other != reader->event) ||
			!fetch_row(reader, entry))
			continue;

		/* No column is nullable. */
		event = DatumGetInt16(slot_getattr(slot, Anum_counter_event, &isnull));
		if (nsums == 0 || sums[nsums - 1].event != event)
		{
			if (nsums == MAX_EVENT_TYPES)
				elog(ERROR, "item " INT64_FORMAT " has counters of more than %d event types",
					 item, MAX_EVENT_TYPES);
			sum = &sums[nsums++];
			sum->event = event;
			sum->count = 0;
			sum->users = 0;
			sum->hot = -get_float8_infinity();
			sum->points = 0;
		}
		else
			sum = &sums[nsums - 1];

		sum->count += DatumGetInt64(slot_getattr(slot, Anum_counter_count,
												 &isnull));
		sum->users += DatumGetInt64(slot_getattr(slot, Anum_counter_users,
												 &isnull));
		sum->hot = interact_log2_add(sum->hot,
									 DatumGetFloat8(slot_getattr(slot,
																 Anum_counter_hot,
																 &isnull)));
		if (event == EVENT_RATING)
			sum->points += DatumGetFloat8(DirectFunctionCall1(numeric_float8,
															  slot_getattr(slot,
																		   Anum_counter_total,
																		   &isnull)));
	}

	/* Keep no page pinned between items. */
	ExecClearTuple(slot);
	table_index_fetch_reset(reader->fetch);
	leaf_leave(reader->scan);
	return nsums;
}

/*
 * Opens a reader of distinct-user numbers under the active snapshot, which
 * must stay active until users_reader_close().
 */
UsersReader *
users_reader_open(void)
{
	return item_reader_open(-1);
}

/*
 * Tells that an item will be read before long, but not next.
 */
void
users_reader_ahead(UsersReader *reader, int64 item)
{
	item_reader_ahead(reader, item);
}

/*
 * Number of distinct users of an item: the largest among its event types,
 * which is a lower bound of the number over all of them.  At least 1, so
 * that it can divide.  "without" are the event bits of a user who is not to
 * be counted, 0 for none.
 */
double
users_reader_get(UsersReader *reader, int64 item, int32 without)
{
	KeySum		sums[MAX_EVENT_TYPES];
	int			nsums = item_reader_sums(reader, item, sums);
	int64		users = 1;

	for (int i = 0; i < nsums; i++)
	{
		int			own = (without & EVENT_BIT(sums[i].event)) ? 1 : 0;

		users = Max(users, sums[i].users - own);
	}
	return (double) users;
}

/*
 * Closes the reader.
 */
void
users_reader_close(UsersReader *reader)
{
	item_reader_close(reader);
}

/*
 * Closes the reader; the locks stay until the end of the transaction.
 */
void
item_reader_close(ItemReader *reader)
{
	leaf_close(reader->scan);
	table_index_fetch_end(reader->fetch);
	ExecDropSingleTupleTableSlot(reader->slot);
	index_close(reader->pkey, NoLock);
	table_close(reader->heap, NoLock);
	pfree(reader);
}
