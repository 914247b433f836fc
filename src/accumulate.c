/*-------------------------------------------------------------------------
 *
 * accumulate.c
 *	  Rows of derived tables that any number of transactions add to at once,
 *	  without waiting for one another.
 *
 * The state of a key - the counter of (item, event), the affinity of (user,
 * item) - is the sum of all rows that carry the key.  Normally that is one
 * row.  Who adds to a key
 *
 *	1. looks at the rows of the key through the primary key index, newest
 *	   first, with SnapshotDirty: the newest committed state, one's own changes
 *	   and, to be left alone, what other transactions are writing;
 *	2. tries to take a row nobody is at work on, without waiting, and if that
 *	   succeeds updates it in place;
 *	3. else inserts another row of the same key.
 *
 * Normally the key has one row and nobody is at work on it.  Then the update
 * itself is tried, which fails if the row seen is not the newest any more or
 * somebody has it.  Else, and always before rows are merged, they are locked
 * first, with LockWaitSkip.
 *
 * Locking rules:
 *
 *	- Adding never waits for a row: TM_Ok is the only answer acted on, and any
 *	  other (locked, updated, deleted meanwhile) means "someone
 *	  else is there" at every isolation level.  So adding cannot deadlock, and
 *	  cannot fail to serialize: dirty and self snapshots take no SIREAD locks.
 *	- The primary key ends in an id that is unique by construction (see
 *	  acc_fresh_id), so an insert never waits for another inserter either.
 *	- Taking away does not wait either: see pair.c.
 *
 * A transaction with one snapshot (REPEATABLE READ, SERIALIZABLE) leaves rows
 * alone that were committed after it: of a row it replaced it would see its
 * own version and, beside it, the one its snapshot shows, and add up both.  To
 * such a transaction these rows are in use, and it inserts one of its own.
 *
 * Folding: whoever finds several rows of a key and nobody at work on any of
 * them merges them into one.  Under contention some row is nearly always in
 * use, so rows are not merged and split in turn; when it calms down the next
 * writer, or interact_compact(), merges what is left.
 *
 * A backend that met others at work on a key keeps to the row it wrote then
 * (see acc_remember()): under contention each backend comes to have a row of its
 * own, which it finds without looking.  Every OWN_ROW_USES times it looks
 * again, so that the rows are folded when the others have gone.
 *
 * The look-up is bounded: it passes over at most LOOK_DEAD_FIRST index entries
 * that lead to no live row, not counting those that are dead to everybody and
 * those that this transaction left behind, and notes at most LOOK_ROWS rows.
 * (How many of its own is earned by writing, so a call costs the same however
 * many there are.  They must not cut a look-up off as long as that can be had:
 * it makes levels far too high, and those of a bulk load would stay so.)
 * Versions that an open snapshot keeps from
 * being pruned mostly lie behind the newest ones in the order of the scan, so
 * they do not make recording slower and slower; if no live row is met in time a
 * new one is inserted.  A backend that finds others at work, or did not see all
 * rows, prefers the row it wrote last, seen or not: backends that take each
 * other's rows instead would insert new ones for ever when dead versions hide
 * the others.  Within one transaction, whose own old versions cannot be pruned
 * either, the row last written for a key is always remembered, and so is the
 * one written before the last savepoint.
 *
 * counter.c and pair.c say what a row's values are and how they add up.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include "access/heapam.h"
#include "access/relscan.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/*
 * Entries without a live row passed over per look-up when adding: before the
 * first row that may be had, and once one is found.
 */
#define LOOK_DEAD_FIRST		64
#define LOOK_DEAD			8

/* Entries passed over per look-up because nobody needs them any more. */
#define LOOK_MOST_ENTRIES	1000

/*
 * Entries of this transaction's own old versions passed over at first, and how
 * many more it may pass over for each time it writes to the key.
 */
#define LOOK_OWN			64
#define LOOK_OWN_EARNED		128

/* Free space on a page of counters below which a look-up prunes it. */
#define COUNTER_MIN_FREE	(BLCKSZ / 4)

/* Times a backend uses a row of its own before it looks at the key again. */
#define OWN_ROW_USES		16

/* Rows of a table remembered at most, 9 MB; then it starts over. */
#define REMEMBER_MAX		100000

/* Rows of a table remembered from one transaction to the next at most. */
#define REMEMBER_KEEP		1000

/* What this backend wrote last for a key. */
typedef struct Remembered
{
	AccKey		key;
	ItemPointerData tid;		/* the version written */
	ItemPointerData outer;		/* the one last written before subid began */
	SubTransactionId subid;		/* that wrote tid */
	LocalTransactionId lxid;	/* the transaction that wrote it */
	int			uses;			/* of the row since the last look-up */
	int			own_left;		/* own old versions to be passed over yet */
	bool		alone;			/* no other row of the key was seen, nor may be */
	bool		contended;		/* others were at work on the key */
	AccLimits	limits;			/* how far it may grow without a look-up */
} Remembered;

/* The place of nothing. */
static const ItemPointerData no_tuple = {{0xFFFF, 0xFFFF}, InvalidOffsetNumber};

static HTAB *remembered[NUM_DERIVED_TABLES];
static Oid	remembered_file[NUM_DERIVED_TABLES];	/* their relfilenode */
static LocalTransactionId remembered_lxid = InvalidLocalTransactionId;

/*
 * An id for a new row of a key: unique among the rows of the key, and larger
 * than that of older rows, so that a backward scan meets the newest first.
 *
 * Microseconds since 2000 in the upper bits (good until 2071) and the number
 * of this backend among those running in the lower.  A backend never uses a
 * microsecond twice.  No sequence: it would write WAL and be one more thing
 * that all sessions share.
 */
int64
acc_fresh_id(void)
{
	static int64 last = 0;
	int64		now = GetCurrentTimestamp();

	if (now <= last)
		now = last + 1;
	last = now;
	return (now << 12) | (interact_proc_number() & 0xFFF);
}

/* ---------- open and close ---------- */

/* A pass over a derived table, which is looked up by its primary key. */
Accumulator *
accumulator_open(DerivedTable table)
{
	static const struct
	{
		InteractRel rel;
		InteractRel pkey;
	}			rels[NUM_DERIVED_TABLES] =
	{
		[DERIVED_AFFINITY] = {REL_AFFINITY, REL_AFFINITY_PKEY},
		[DERIVED_COUNTER] = {REL_COUNTER, REL_COUNTER_PKEY},
		[DERIVED_CATALOGUE] = {REL_CATALOGUE, REL_CATALOGUE_PKEY},
	};
	Accumulator *acc = palloc0(sizeof(Accumulator));

	acc->table = table;
	acc->counter = (table != DERIVED_AFFINITY);
	acc->rel = table_open(interact_relid(rels[table].rel), RowExclusiveLock);
	acc->pkey = index_open(interact_relid(rels[table].pkey), RowExclusiveLock);
	InitDirtySnapshot(acc->dirty);
	acc->scan = interact_index_beginscan(acc->rel, acc->pkey, &acc->dirty, 2);
	acc->look = table_slot_create(acc->rel, NULL);
	acc->row = table_slot_create(acc->rel, NULL);
	acc->single = table_slot_create(acc->rel, NULL);
	acc->write = MakeSingleTupleTableSlot(RelationGetDescr(acc->rel),
										  &TTSOpsVirtual);
	acc->maxfound = 8;
	acc->found = palloc(sizeof(FoundRow) * acc->maxfound);
	return acc;
}

/* End the pass; locks are kept until the transaction ends. */
void
accumulator_close(Accumulator *acc)
{
	index_endscan(acc->scan);
	if (acc->users)
	{
		leaf_close(acc->users);
		table_index_fetch_end(acc->usersfetch);
		index_close(acc->useridx, NoLock);
		ExecDropSingleTupleTableSlot(acc->newest);
	}
	acc_close_indexes(acc);
	ExecDropSingleTupleTableSlot(acc->look);
	ExecDropSingleTupleTableSlot(acc->row);
	ExecDropSingleTupleTableSlot(acc->single);
	ExecDropSingleTupleTableSlot(acc->write);
	index_close(acc->pkey, NoLock);
	table_close(acc->rel, NoLock);
	pfree(acc->found);
	pfree(acc);
}

/* ---------- writing ---------- */

/* Start a version to be written: the row locked, or a row without values. */
void
acc_start_version(Accumulator *acc, bool from_row)
{
	TupleTableSlot *slot = acc->write;

	ExecClearTuple(slot);
	if (from_row)
	{
		slot_getallattrs(acc->row);
		memcpy(slot->tts_values, acc->row->tts_values,
			   sizeof(Datum) * slot->tts_tupleDescriptor->natts);
	}
	memset(slot->tts_isnull, 0, sizeof(bool) * slot->tts_tupleDescriptor->natts);
}

/* Insert the version in acc->write. */
void
acc_insert_version(Accumulator *acc)
{
	ExecStoreVirtualTuple(acc->write);
	table_tuple_insert(acc->rel, acc->write, GetCurrentCommandId(true), 0, NULL);
	acc_insert_index_entries(acc, false);
}

/*
 * Put the version in acc->write in place of the row in acc->row.  If that is not
 * locked but only seen, somebody else may have it: then the result is false.
 */
bool
acc_update_version(Accumulator *acc, bool locked)
{
	INTERACT_UPDATE_INDEXES update_indexes;
	LockTupleMode lockmode;
	TM_FailureData tmfd;
	TM_Result	result;

#ifdef USE_ASSERT_CHECKING

	/*
	 * heap_update() does return when it shall not wait for somebody else, but
	 * asserts that it is never asked to, because it then takes any lock for
	 * one that conflicts.  That is fine with us, but not with its assertion.
	 */
	if (!locked)
	{
		ItemPointerData tid = acc->row->tts_tid;

		result = table_tuple_lock(acc->rel, &tid, SnapshotSelf, acc->look,
								  GetCurrentCommandId(false), LockTupleExclusive,
								  LockWaitSkip, 0, &tmfd);
		ExecClearTuple(acc->look);
		if (result != TM_Ok)
			return false;
		locked = true;
	}
#endif

	ExecStoreVirtualTuple(acc->write);
	result = interact_tuple_update(acc->rel, &acc->row->tts_tid, acc->write,
								   SnapshotSelf, locked, &tmfd, &lockmode,
								   &update_indexes);
	if (result != TM_Ok && locked)
		elog(ERROR, "could not update a row this transaction has locked: %d",
			 result);
	if (result != TM_Ok)
	{
		ExecClearTuple(acc->write);
		return false;
	}
	if (interact_needs_indexes(update_indexes))
		acc_insert_index_entries(acc, true);
	return true;
}

/* Delete the row locked in slot. */
void
acc_delete_row(Accumulator *acc, TupleTableSlot *slot)
{
	TM_FailureData tmfd;
	TM_Result	result;

	result = interact_tuple_delete(acc->rel, &slot->tts_tid, SnapshotSelf,
								   &tmfd);
	if (result != TM_Ok)
		elog(ERROR, "could not delete a row this transaction has locked: %d",
			 result);
}

/* Is the row in slot one of the key? */
static bool
has_key(Accumulator *acc, TupleTableSlot *slot, const AccKey *key)
{
	if (acc->counter)
		return DatumGetInt64(acc_column(slot, Anum_counter_item_id)) == key->first &&
			DatumGetInt16(acc_column(slot, Anum_counter_event)) == key->second;
	return DatumGetInt64(acc_column(slot, Anum_affinity_user_id)) == key->first &&
		DatumGetInt64(acc_column(slot, Anum_affinity_item_id)) == key->second;
}

/*
 * Lock the row of the key at tid and fetch it into slot.  TM_Ok if it is ours
 * now, anything else is "someone else is there".  That includes that the row
 * was replaced and pruned since it was seen, and its place is another's.
 */
TM_Result
acc_lock_row(Accumulator *acc, const AccKey *key, ItemPointer tid,
			 TupleTableSlot *slot)
{
	TM_FailureData tmfd;
	TM_Result	result;

	result = table_tuple_lock(acc->rel, tid, SnapshotSelf, slot,
							  GetCurrentCommandId(false), LockTupleExclusive,
							  LockWaitSkip, 0, &tmfd);
	if (result == TM_Ok && !has_key(acc, slot, key))
		result = TM_Deleted;
	return result;
}

/* ---------- remembering ---------- */

/*
 * The entry of a key, or NULL; an entry to be filled in if create is true.
 * The tables live as long as the backend, what is no longer of use is dropped
 * with them when they have grown.
 */
static Remembered *
find_remembered(Accumulator *acc, const AccKey *key, bool create)
{
	HTAB	  **table = &remembered[acc->table];
	Oid		   *file = &remembered_file[acc->table];
	long		max = REMEMBER_MAX;
	Remembered *entry;
	bool		found;

	if (remembered_lxid != interact_lxid())
	{
		remembered_lxid = interact_lxid();
		max = REMEMBER_KEEP;
	}
	for (int i = 0; i < NUM_DERIVED_TABLES; i++)
	{
		if (remembered[i] != NULL && hash_get_num_entries(remembered[i]) >= max)
		{
			hash_destroy(remembered[i]);
			remembered[i] = NULL;
		}
	}

	if (*table != NULL && *file != acc->rel->rd_rel->relfilenode)
	{
		/* Truncated, rewritten or created again: TIDs mean nothing there. */
		hash_destroy(*table);
		*table = NULL;
	}
	if (*table == NULL)
	{
		HASHCTL		ctl;

		if (!create)
			return NULL;
		ctl.keysize = sizeof(AccKey);
		ctl.entrysize = sizeof(Remembered);
		ctl.hcxt = TopMemoryContext;
		*table = hash_create("interact rows written", 64, &ctl,
							 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		*file = acc->rel->rd_rel->relfilenode;
	}
	entry = hash_search(*table, key, create ? HASH_ENTER : HASH_FIND, &found);
	if (create && !found)
	{
		entry->tid = no_tuple;
		entry->outer = no_tuple;
		entry->subid = InvalidSubTransactionId;
		entry->lxid = InvalidLocalTransactionId;
		entry->uses = 0;
		entry->own_left = LOOK_OWN;
		entry->alone = true;
		entry->contended = false;
	}
	return entry;
}

/* ---------- looking ---------- */

/*
 * Was the row in slot committed after the snapshot of this transaction, if it
 * has one?
 */
bool
acc_is_newer(Accumulator *acc, TupleTableSlot *slot)
{
	bool		isnull;
	Datum		xmin;

	if (!IsolationUsesXactSnapshot())
		return false;
	xmin = slot_getsysattr(slot, MinTransactionIdAttributeNumber, &isnull);
	if (TransactionIdIsCurrentTransactionId(DatumGetTransactionId(xmin)))
		return false;
	return !table_tuple_satisfies_snapshot(acc->rel, slot,
										   GetTransactionSnapshot());
}

/*
 * Note the row in acc->look as a row of the key.  During an update by another
 * transaction both versions are met, old and new: they count once, with the
 * larger values, and the old one is the one to lock.
 */
static void
note_row(Accumulator *acc)
{
	bool		foreign = TransactionIdIsValid(acc->dirty.xmin);
	FoundRow   *row = NULL;
	int64		id;

	id = DatumGetInt64(acc_column(acc->look, acc->counter ? Anum_counter_id :
							  Anum_affinity_id));
	for (int i = 0; i < acc->nfound; i++)
	{
		if (acc->found[i].id == id)
			row = &acc->found[i];
	}
	if (row == NULL)
	{
		if (acc->nfound == acc->maxfound)
		{
			acc->maxfound *= 2;
			acc->found = repalloc(acc->found, sizeof(FoundRow) * acc->maxfound);
		}
		row = &acc->found[acc->nfound++];
		row->id = id;
		row->tid = acc->look->tts_tid;
		row->count = PG_INT64_MIN;
		row->hot = -get_float8_infinity();
		row->busy = false;
		row->foreign = true;
		row->locked = false;
	}
	if (!foreign)
	{
		row->tid = acc->look->tts_tid;
		row->foreign = false;
	}
	if ((foreign || TransactionIdIsValid(acc->dirty.xmax) ||
		 acc_is_newer(acc, acc->look)) && !row->busy)
	{
		row->busy = true;
		acc->nbusy++;
	}
	if (acc->counter)
	{
		row->count = Max(row->count,
						 DatumGetInt64(acc_column(acc->look, Anum_counter_count)));
		row->hot = Max(row->hot,
					   DatumGetFloat8(acc_column(acc->look, Anum_counter_hot)));
		acc->count_level = Max(acc->count_level,
							   DatumGetInt16(acc_column(acc->look, Anum_counter_count_level)));
		acc->hot_level = Max(acc->hot_level,
							 DatumGetInt32(acc_column(acc->look, Anum_counter_hot_level)));
	}
	else if (DatumGetInt32(acc_column(acc->look, Anum_affinity_signals)) & SIGNAL_UNSETTLED)
		acc->unsettled = true;
}

/*
 * Pin the page that the index entry leads to, and prune it if it is one of
 * counters and running out of space.
 *
 * Fetching the row would prune the page whenever less of it is free than
 * fillfactor says.  A page whose rows fill it up to there is always one update
 * short of that, so that every update would pay for a pruning.  It does not
 * prune a page that is pinned already.
 */
void
acc_pin_page(Accumulator *acc, IndexFetchTableData *fetch, ItemPointer tid)
{
	IndexFetchHeapData *pinned = (IndexFetchHeapData *) fetch;
	BlockNumber block = ItemPointerGetBlockNumber(tid);

	if (acc->rel->rd_tableam != GetHeapamTableAmRoutine())
		return;
	pinned->xs_cbuf = ReleaseAndReadBuffer(pinned->xs_cbuf, acc->rel, block);
	interact_fetch_set_block(pinned, block);

	/* without a lock on the page this is a guess, which is good enough */
	if (acc->counter &&
		PageGetHeapFreeSpace(BufferGetPage(pinned->xs_cbuf)) < COUNTER_MIN_FREE)
		interact_page_prune_opt(acc->rel, pinned);
}

/*
 * Is the entry just looked at, which led to no live row, one of a version that
 * this transaction itself has replaced or deleted?
 */
static bool
is_own_version(Accumulator *acc)
{
	ItemPointer tid = &acc->scan->xs_heaptid;
	Buffer		buffer;
	Page		page;
	ItemId		item;
	bool		own = false;

	if (acc->rel->rd_tableam != GetHeapamTableAmRoutine())
		return false;
	/* acc_pin_page() has pinned it */
	buffer = ((IndexFetchHeapData *) acc->scan->xs_heapfetch)->xs_cbuf;
	page = BufferGetPage(buffer);

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	if (ItemPointerGetOffsetNumber(tid) <= PageGetMaxOffsetNumber(page))
	{
		item = PageGetItemId(page, ItemPointerGetOffsetNumber(tid));
		if (ItemIdIsRedirected(item))
			item = PageGetItemId(page, ItemIdGetRedirect(item));
		if (ItemIdIsNormal(item))
		{
			HeapTupleHeader tuple = (HeapTupleHeader) PageGetItem(page, item);

			own = TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetUpdateXid(tuple));
		}
	}
	LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
	return own;
}

/*
 * May the look-up pass over one more version of this transaction's own?  Not if
 * the key has rows of others: then being cut off does no harm, as levels are set
 * for many rows anyway.  *own is how many it has passed over, if nothing was
 * written to the key, or that was forgotten.
 */
static bool
may_pass_own(Accumulator *acc, const AccKey *key, int *own)
{
	Remembered *entry = find_remembered(acc, key, false);

	if (entry == NULL || entry->lxid != interact_lxid())
		return (*own)++ < LOOK_OWN;
	if (!entry->alone || entry->own_left <= 0)
		return false;
	entry->own_left--;
	return true;
}

/*
 * Find the rows of a key: all of them, or as many as adding to one of them
 * takes, which sets acc->cut_off if there may be more.  If there is just one,
 * and nobody is at work on it, acc_take_single() has it.
 */
void
acc_look_up(Accumulator *acc, const AccKey *key, bool all)
{
	ScanKeyData keys[2];
	int			entries = 0;
	int			dead = 0;
	int			own = 0;

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ,
				Int64GetDatum(key->first));
	if (acc->counter)
		ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT2EQ,
					Int16GetDatum((int16) key->second));
	else
		ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT8EQ,
					Int64GetDatum(key->second));

	ExecClearTuple(acc->single);
	acc->nfound = 0;
	acc->nbusy = 0;
	acc->unsettled = false;
	acc->count_level = -1;
	acc->hot_level = PG_INT32_MIN;
	acc->cut_off = false;
	acc->looked_up = true;
	index_rescan(acc->scan, keys, 2, NULL, 0);
	for (;;)
	{
		/* more versions of the HOT chain, or the next entry */
		if (!acc->scan->xs_heap_continue)
		{
			CHECK_FOR_INTERRUPTS();
			if (!all && (acc->nfound >= LOOK_ROWS ||
						 dead > (acc->nbusy < acc->nfound ? LOOK_DEAD : LOOK_DEAD_FIRST)))
			{
				acc->cut_off = true;
				break;
			}
			if (index_getnext_tid(acc->scan, BackwardScanDirection) == NULL)
				break;
			entries++;
			dead++;
			acc_pin_page(acc, acc->scan->xs_heapfetch, &acc->scan->xs_heaptid);
		}
		if (index_fetch_heap(acc->scan, acc->look))
		{
			int			nfound = acc->nfound;

			note_row(acc);
			if (acc->nfound > nfound)
				dead--;
			/* its page stays pinned, so its place stays its own */
			if (acc->nfound == 1 && acc->nbusy == 0)
				ExecCopySlot(acc->single, acc->look);
		}
		else if (entries >= LOOK_MOST_ENTRIES)
			;
		else if (acc->scan->kill_prior_tuple)
			dead--;				/* marked now, and not met again */
		else if (is_own_version(acc) && may_pass_own(acc, key, &own))
			dead--;
	}
	acc->scan->xs_heap_continue = false;
	ExecClearTuple(acc->look);
}

/*
 * If the look-up found one row only and nobody at work on it, which is the
 * rule, put it into acc->row.  It is not locked, only seen.
 */
bool
acc_take_single(Accumulator *acc)
{
	TupleTableSlot *slot = acc->row;

	if (acc->nfound != 1 || acc->nbusy > 0 || acc->cut_off)
		return false;
	acc->row = acc->single;
	acc->single = slot;
	return true;
}

/* ---------- what was written ---------- */

/*
 * Remember the version just written, and how far it may grow.  looked: the key
 * was looked up for it, and found to be contended or not.
 */
void
acc_remember(Accumulator *acc, const AccKey *key, bool looked, bool contended,
			 const AccLimits *limits)
{
	Remembered *entry = find_remembered(acc, key, true);
	LocalTransactionId lxid = interact_lxid();
	SubTransactionId subid = GetCurrentSubTransactionId();

	if (entry->lxid != lxid)
	{
		entry->outer = no_tuple;
		entry->own_left = LOOK_OWN;
		entry->alone = true;
	}
	else if (entry->subid != subid)
		entry->outer = entry->tid;
	if (entry->own_left < LOOK_MOST_ENTRIES)
		entry->own_left += LOOK_OWN_EARNED;
	if (acc->looked_up)
		entry->alone = acc->nfound <= 1 && !acc->cut_off;
	entry->tid = acc->write->tts_tid;
	entry->subid = subid;
	entry->lxid = lxid;
	entry->limits = *limits;
	if (looked)
	{
		entry->uses = 0;
		entry->contended = contended;
	}
}

/* Fetch the version at tid, if it is live and of the key, into acc->row. */
static bool
fetch_version(Accumulator *acc, const AccKey *key, ItemPointer tid)
{
	return ItemPointerIsValid(tid) &&
		table_tuple_fetch_row_version(acc->rel, tid, SnapshotSelf, acc->row) &&
		has_key(acc, acc->row, key) && !acc_is_newer(acc, acc->row);
}

/*
 * Fetch the row this backend wrote last for the key into acc->row, if it wrote
 * it in this transaction or is to keep to it, or in any case if any is true;
 * *limits receives how far it may grow.  False if there is no such row: a
 * rollback, a fold or a vacuum may have taken it away, and its place may by now
 * be another row's.  After a rollback to a savepoint the row written before
 * that is tried.
 */
bool
acc_fetch_remembered(Accumulator *acc, const AccKey *key, bool any,
					 AccLimits *limits)
{
	Remembered *entry = find_remembered(acc, key, false);

	if (!any)
		acc->looked_up = false;
	if (entry == NULL)
		return false;
	if (entry->lxid != interact_lxid())
	{
		if (!any && (!entry->contended || ++entry->uses > OWN_ROW_USES))
			return false;
		if (ItemPointerGetBlockNumber(&entry->tid) >=
			RelationGetNumberOfBlocks(acc->rel))
			return false;
		entry->outer = no_tuple;
	}
	*limits = entry->limits;
	if (fetch_version(acc, key, &entry->tid))
		return true;

	/* the limits are those of a version that was taken back */
	limits->count = PG_INT64_MIN;
	limits->hot = -get_float8_infinity();
	if (!fetch_version(acc, key, &entry->outer))
		return false;
	entry->tid = entry->outer;
	return true;
}
