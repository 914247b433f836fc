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
 *	2. tries to lock a row nobody is at work on, with LockWaitSkip, and if that
 *	   succeeds updates it in place;
 *	3. else inserts another row of the same key.
 *
 * Locking rules:
 *
 *	- Adding never waits for a lock on a row: TM_Ok is the only answer acted
 *	  on, and any other (locked, updated, deleted meanwhile) means "someone
 *	  else is there" at every isolation level.  So adding cannot deadlock, and
 *	  cannot fail to serialize: dirty and self snapshots take no SIREAD locks.
 *	- The primary key ends in an id that is unique by construction (see
 *	  fresh_id), so an insert never waits for another inserter either.
 *	- Only affinity_rederive(), which takes signals away from a pair, waits,
 *	  and only for transactions that are writing the very same pair.
 *
 * Folding: whoever finds several rows of a key and nobody at work on any of
 * them merges them into one.  Under contention some row is nearly always in
 * use, so rows are not merged and split in turn; when it calms down the next
 * writer, or interact_compact(), merges what is left.
 *
 * The look-up visits at most LOOK_ENTRIES index entries, and those that are
 * dead to everybody once.  Versions that an open snapshot keeps from being
 * pruned mostly lie behind the newest ones in the order of the scan, so they do
 * not make recording slower and slower; if the live row is not among the first
 * entries a new one is inserted.  Within one transaction, whose own old
 * versions cannot be pruned either, the row last written for a key is
 * remembered (see remember()).
 *
 * Levels: count_level and hot_level of a row are those of the whole key as its
 * last writer saw it, uncommitted rows of others included.  Hence the largest
 * level among the rows of a key is an upper bound of the key's level, which is
 * what popular.c needs to stop early.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include <math.h>

#include "access/relscan.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* Index entries visited per look-up when adding. */
#define LOOK_ENTRIES		8

/*
 * The same including those that turn out to be dead to everybody: these are
 * marked as such and not met again.  And for a key this transaction has
 * written before, when a savepoint that was rolled back took the rows
 * remembered with it: its own old versions cannot be pruned and need not lie
 * behind the live one.
 */
#define LOOK_MOST_ENTRIES	1000

/* Rows of a table the transaction remembers at most: 8 MB; then starts over. */
#define REMEMBER_MAX		100000

/* Most indexes a derived table has. */
#define MAX_INDEXES			3

/* A row of the key, as the look-up found it. */
typedef struct FoundRow
{
	ItemPointerData tid;
	int64		id;
	int64		count;			/* counter only */
	double		hot;			/* counter only */
	bool		busy;			/* another transaction is at work on it */
	bool		foreign;		/* another transaction inserted it */
	bool		locked;			/* this transaction is going to write it */
} FoundRow;

struct Accumulator
{
	Relation	rel;			/* the derived table, RowExclusiveLock */
	Relation	pkey;			/* its primary key index */
	Relation	useridx;		/* interact_affinity_user, NULL until needed */
	IndexScanDesc scan;			/* on pkey, dirty snapshot */
	IndexScanDesc userscan;		/* on useridx, SnapshotSelf */
	SnapshotData dirty;
	TupleTableSlot *look;		/* row met by a scan */
	TupleTableSlot *row;		/* row locked */
	TupleTableSlot *newest;		/* newest row of the user last asked for */
	TupleTableSlot *write;		/* version to be written */
	int			nindexes;		/* 0 until the first index insertion */
	Relation	indexes[MAX_INDEXES];
	IndexInfo  *infos[MAX_INDEXES];
	FoundRow   *found;			/* rows of the key */
	int			nfound;
	int			maxfound;
	int			nbusy;			/* how many of them are busy */
	bool		cut_off;		/* there may be rows not found */
	bool		bulk;			/* rows written are not remembered */
	bool		counter;		/* interact_counter, else interact_affinity */
};

/* A key, in the order of the primary key. */
typedef struct AccKey
{
	int64		first;			/* item of a counter, user of an affinity */
	int64		second;			/* event of a counter, item of an affinity */
} AccKey;

/* What this transaction wrote last for a key. */
typedef struct Remembered
{
	AccKey		key;
	ItemPointerData tid;		/* the version written */
	ItemPointerData outer;		/* the one last written before subid began */
	SubTransactionId subid;		/* that wrote tid */
	int64		count;			/* of the key's other rows when looked at */
	double		hot;			/* of the key's other rows when looked at */
} Remembered;

static HTAB *remembered[2] = {NULL, NULL};	/* affinities, counters */
static Oid	remembered_file[2] = {InvalidOid, InvalidOid};	/* their relfilenode */
static LocalTransactionId remembered_lxid = InvalidLocalTransactionId;

/* ---------- numbers ---------- */

int
interact_count_level(int64 count)
{
	if (count <= 0)
		return -1;
	return (int) floor(LEVELS_PER_OCTAVE * log2((double) count));
}

int
interact_hot_level(double hot)
{
	double		level = floor(LEVELS_PER_OCTAVE * hot);

	/* -infinity, a row without any decayed event, gets the least level */
	if (!(level > PG_INT32_MIN))
		return PG_INT32_MIN;
	if (level > PG_INT32_MAX)
		return PG_INT32_MAX;
	return (int) level;
}

double
interact_log2_add(double a, double b)
{
	if (a < b)
	{
		double		t = a;

		a = b;
		b = t;
	}
	if (isinf(b))
		return a;
	return a + log2(1.0 + exp2(b - a));
}

/* a + b, where NULL stands for zero; palloc'd or one of the two. */
Numeric
interact_numeric_add(Numeric a, Numeric b)
{
	if (a == NULL)
		return b;
	if (b == NULL)
		return a;
	return DatumGetNumeric(DirectFunctionCall2(numeric_add, NumericGetDatum(a),
											   NumericGetDatum(b)));
}

static bool
numeric_is_zero(Numeric n)
{
	return DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(n),
											NumericGetDatum(int64_to_numeric(0))));
}

double
interact_hot_of(TimestampTz at)
{
	return (double) at / interact_settings()->trending_half_life;
}

/*
 * An id for a new row of a key: unique among the rows of the key, and larger
 * than that of older rows, so that a backward scan meets the newest first.
 *
 * Microseconds since 2000 in the upper bits (good until 2071) and the number
 * of this backend among those running in the lower.  A backend never uses a
 * microsecond twice.  No sequence: it would write WAL and be one more thing
 * that all sessions share.
 */
static int64
fresh_id(void)
{
	static int64 last = 0;
	int64		now = GetCurrentTimestamp();

	if (now <= last)
		now = last + 1;
	last = now;
	return (now << 12) | (interact_proc_number() & 0xFFF);
}

/* ---------- open and close ---------- */

static Accumulator *
accumulator_open(InteractRel rel, InteractRel pkey)
{
	Accumulator *acc = palloc0(sizeof(Accumulator));

	acc->counter = (rel == REL_COUNTER);
	acc->rel = table_open(interact_relid(rel), RowExclusiveLock);
	acc->pkey = index_open(interact_relid(pkey), RowExclusiveLock);
	InitDirtySnapshot(acc->dirty);
	acc->scan = interact_index_beginscan(acc->rel, acc->pkey, &acc->dirty, 2);
	acc->look = table_slot_create(acc->rel, NULL);
	acc->row = table_slot_create(acc->rel, NULL);
	acc->write = MakeSingleTupleTableSlot(RelationGetDescr(acc->rel),
										  &TTSOpsVirtual);
	acc->maxfound = LOOK_ENTRIES;
	acc->found = palloc(sizeof(FoundRow) * acc->maxfound);
	return acc;
}

/* A pass over interact_counter. */
Accumulator *
counter_open(void)
{
	return accumulator_open(REL_COUNTER, REL_COUNTER_PKEY);
}

/* A pass over interact_affinity; bulk if very many pairs are to be written. */
Accumulator *
affinity_open(bool bulk)
{
	Accumulator *acc = accumulator_open(REL_AFFINITY, REL_AFFINITY_PKEY);

	acc->bulk = bulk;
	return acc;
}

/* End the pass; locks are kept until the transaction ends. */
void
accumulator_close(Accumulator *acc)
{
	index_endscan(acc->scan);
	if (acc->userscan)
	{
		index_endscan(acc->userscan);
		index_close(acc->useridx, NoLock);
		ExecDropSingleTupleTableSlot(acc->newest);
	}
	for (int i = 0; i < acc->nindexes; i++)
		index_close(acc->indexes[i], NoLock);
	ExecDropSingleTupleTableSlot(acc->look);
	ExecDropSingleTupleTableSlot(acc->row);
	ExecDropSingleTupleTableSlot(acc->write);
	index_close(acc->pkey, NoLock);
	table_close(acc->rel, NoLock);
	pfree(acc->found);
	pfree(acc);
}

/* ---------- columns ---------- */

/* Column of the row in slot; all columns of derived tables are NOT NULL. */
static inline Datum
column(TupleTableSlot *slot, int attnum)
{
	bool		isnull;

	return slot_getattr(slot, attnum, &isnull);
}

/* Start a version to be written: the row locked, or a row without values. */
static void
start_version(Accumulator *acc, bool from_row)
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

#define WRITE(acc, attnum)	((acc)->write->tts_values[(attnum) - 1])

/* ---------- writing ---------- */

/*
 * Enter the version in acc->write into the indexes.  After an update the
 * primary key's values are those of the version before, which nbtree likes to
 * know (it then looks for versions to delete before it splits a page), and
 * which makes it unique without a check; that would visit all versions the
 * transaction made, each time.
 */
static void
insert_index_entries(Accumulator *acc, bool update)
{
	Datum		values[INDEX_MAX_KEYS];
	bool		isnull[INDEX_MAX_KEYS];

	if (acc->nindexes == 0)
	{
		List	   *oids = RelationGetIndexList(acc->rel);
		ListCell   *lc;

		foreach(lc, oids)
		{
			if (acc->nindexes == MAX_INDEXES)
				elog(ERROR, "too many indexes on \"%s\"",
					 RelationGetRelationName(acc->rel));
			acc->indexes[acc->nindexes] = index_open(lfirst_oid(lc),
													 RowExclusiveLock);
			acc->infos[acc->nindexes] = BuildIndexInfo(acc->indexes[acc->nindexes]);
			acc->nindexes++;
		}
		list_free(oids);
	}

	for (int i = 0; i < acc->nindexes; i++)
	{
		Relation	index = acc->indexes[i];
		bool		pkey = RelationGetRelid(index) == RelationGetRelid(acc->pkey);

		if (!acc->infos[i]->ii_ReadyForInserts)
			continue;
		FormIndexDatum(acc->infos[i], acc->write, NULL, values, isnull);
		index_insert(index, values, isnull, &acc->write->tts_tid, acc->rel,
					 index->rd_index->indisunique && !update ?
					 UNIQUE_CHECK_YES : UNIQUE_CHECK_NO,
					 update && pkey, acc->infos[i]);
	}
}

/* Insert the version in acc->write. */
static void
insert_version(Accumulator *acc)
{
	ExecStoreVirtualTuple(acc->write);
	table_tuple_insert(acc->rel, acc->write, GetCurrentCommandId(true), 0, NULL);
	insert_index_entries(acc, false);
}

/* Put the version in acc->write in place of the row locked in acc->row. */
static void
update_version(Accumulator *acc)
{
	INTERACT_UPDATE_INDEXES update_indexes;
	LockTupleMode lockmode;
	TM_FailureData tmfd;
	TM_Result	result;

	ExecStoreVirtualTuple(acc->write);
	result = table_tuple_update(acc->rel, &acc->row->tts_tid, acc->write,
								GetCurrentCommandId(true), SnapshotSelf,
								InvalidSnapshot, true, &tmfd, &lockmode,
								&update_indexes);
	if (result != TM_Ok)
		elog(ERROR, "could not update a row this transaction has locked: %d",
			 result);
	if (interact_needs_indexes(update_indexes))
		insert_index_entries(acc, true);
}

/* Delete the row locked in slot. */
static void
delete_row(Accumulator *acc, TupleTableSlot *slot)
{
	TM_FailureData tmfd;
	TM_Result	result;

	result = table_tuple_delete(acc->rel, &slot->tts_tid,
								GetCurrentCommandId(true), SnapshotSelf,
								InvalidSnapshot, true, &tmfd, false);
	if (result != TM_Ok)
		elog(ERROR, "could not delete a row this transaction has locked: %d",
			 result);
}

/*
 * Lock the row at tid and fetch it into slot.  TM_Ok if it is ours now; with
 * wait = false anything else is "someone else is there".
 */
static TM_Result
lock_row(Accumulator *acc, ItemPointer tid, bool wait, TupleTableSlot *slot)
{
	TM_FailureData tmfd;

	return table_tuple_lock(acc->rel, tid, SnapshotSelf, slot,
							GetCurrentCommandId(false), LockTupleExclusive,
							wait ? LockWaitBlock : LockWaitSkip, 0, &tmfd);
}

/* ---------- looking ---------- */

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

	id = DatumGetInt64(column(acc->look, acc->counter ? Anum_counter_id :
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
	if ((foreign || TransactionIdIsValid(acc->dirty.xmax)) && !row->busy)
	{
		row->busy = true;
		acc->nbusy++;
	}
	if (acc->counter)
	{
		row->count = Max(row->count,
						 DatumGetInt64(column(acc->look, Anum_counter_count)));
		row->hot = Max(row->hot,
					   DatumGetFloat8(column(acc->look, Anum_counter_hot)));
	}
}

/*
 * Find the rows of a key.  At most max_entries index entries are visited, not
 * counting those nobody needs any more; 0 means all there are.
 */
static void
look_up(Accumulator *acc, const AccKey *key, int max_entries)
{
	ScanKeyData keys[2];
	int			entries = 0;
	int			dead = 0;

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ,
				Int64GetDatum(key->first));
	if (acc->counter)
		ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT2EQ,
					Int16GetDatum((int16) key->second));
	else
		ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT8EQ,
					Int64GetDatum(key->second));

	acc->nfound = 0;
	acc->nbusy = 0;
	acc->cut_off = false;
	index_rescan(acc->scan, keys, 2, NULL, 0);
	for (;;)
	{
		/* more versions of the HOT chain, or the next entry */
		if (!acc->scan->xs_heap_continue)
		{
			CHECK_FOR_INTERRUPTS();
			if (max_entries > 0 && (entries - dead == max_entries ||
									entries == LOOK_MOST_ENTRIES))
			{
				acc->cut_off = true;
				break;
			}
			if (index_getnext_tid(acc->scan, BackwardScanDirection) == NULL)
				break;
			entries++;
		}
		if (index_fetch_heap(acc->scan, acc->look))
			note_row(acc);
		else if (acc->scan->kill_prior_tuple)
			dead++;
	}
	acc->scan->xs_heap_continue = false;
	ExecClearTuple(acc->look);
}

/* ---------- remembering ---------- */

/* The entry of a key, or NULL; an entry to be filled in if create is true. */
static Remembered *
find_remembered(Accumulator *acc, const AccKey *key, bool create)
{
	HTAB	  **table = &remembered[acc->counter ? 1 : 0];
	Oid		   *file = &remembered_file[acc->counter ? 1 : 0];
	Remembered *entry;
	bool		found;

	if (remembered_lxid != interact_lxid())
	{
		/* The tables of an earlier transaction went with its memory. */
		remembered[0] = remembered[1] = NULL;
		remembered_lxid = interact_lxid();
	}
	if (*table != NULL && *file != acc->rel->rd_rel->relfilenode)
	{
		/* Truncated, rewritten or created again: TIDs mean nothing there. */
		hash_destroy(*table);
		*table = NULL;
	}
	if (*table == NULL && !create)
		return NULL;
	if (*table != NULL && create && hash_get_num_entries(*table) >= REMEMBER_MAX)
	{
		hash_destroy(*table);
		*table = NULL;
	}
	if (*table == NULL)
	{
		HASHCTL		ctl;

		ctl.keysize = sizeof(AccKey);
		ctl.entrysize = sizeof(Remembered);
		ctl.hcxt = TopTransactionContext;
		*table = hash_create("interact rows written", 64, &ctl,
							 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		*file = acc->rel->rd_rel->relfilenode;
	}
	entry = hash_search(*table, key, create ? HASH_ENTER : HASH_FIND, &found);
	if (create && !found)
	{
		ItemPointerSetInvalid(&entry->tid);
		ItemPointerSetInvalid(&entry->outer);
		entry->subid = InvalidSubTransactionId;
	}
	return entry;
}

/* Remember the version just written, and what other rows of the key hold. */
static void
remember(Accumulator *acc, const AccKey *key, int64 count, double hot)
{
	SubTransactionId subid = GetCurrentSubTransactionId();
	Remembered *entry;

	if (acc->bulk)
		return;
	entry = find_remembered(acc, key, true);
	if (entry->subid != subid)
	{
		entry->outer = entry->tid;
		entry->subid = subid;
	}
	entry->tid = acc->write->tts_tid;
	entry->count = count;
	entry->hot = hot;
}

/* Lock the version at tid, if it is live and of the key, into acc->row. */
static bool
lock_version(Accumulator *acc, const AccKey *key, ItemPointer tid)
{
	int64		first;
	int64		second;

	if (!ItemPointerIsValid(tid) ||
		!table_tuple_fetch_row_version(acc->rel, tid, SnapshotSelf, acc->row))
		return false;
	if (acc->counter)
	{
		first = DatumGetInt64(column(acc->row, Anum_counter_item_id));
		second = DatumGetInt16(column(acc->row, Anum_counter_event));
	}
	else
	{
		first = DatumGetInt64(column(acc->row, Anum_affinity_user_id));
		second = DatumGetInt64(column(acc->row, Anum_affinity_item_id));
	}
	if (first != key->first || second != key->second)
		return false;

	return lock_row(acc, tid, false, acc->row) == TM_Ok;
}

/*
 * Lock the row this transaction wrote last for the key, into acc->row.  False
 * if there is none any more: a savepoint that was rolled back may have taken
 * it away, and its place may by now be another row's.  Then the one written
 * before that savepoint is tried.
 */
static bool
lock_remembered(Accumulator *acc, const AccKey *key, Remembered *entry)
{
	if (lock_version(acc, key, &entry->tid))
		return true;
	if (!lock_version(acc, key, &entry->outer))
		return false;
	entry->tid = entry->outer;
	return true;
}

/* ---------- counters ---------- */

/* Add the counter row in slot to sum. */
static void
sum_counter(CounterDelta *sum, TupleTableSlot *slot)
{
	Numeric		total;

	total = DatumGetNumericCopy(column(slot, Anum_counter_total));
	sum->count += DatumGetInt64(column(slot, Anum_counter_count));
	sum->users += DatumGetInt64(column(slot, Anum_counter_users));
	sum->units += DatumGetInt64(column(slot, Anum_counter_units));
	sum->hot = interact_log2_add(sum->hot,
								 DatumGetFloat8(column(slot, Anum_counter_hot)));
	sum->total = interact_numeric_add(sum->total, total);
}

/* Whether a row of this sum says nothing, except perhaps how hot it was. */
static bool
counts_nothing(const CounterDelta *sum)
{
	return sum->count == 0 && sum->users == 0 && sum->units == 0 &&
		(sum->total == NULL || numeric_is_zero(sum->total));
}

/*
 * Write sum to the counter row locked in acc->row, or to a new row.  A row
 * that counts nothing any more is deleted, unless there are others of the key:
 * what was taken away here may have been counted there, so what is hot here
 * may belong to what they count.  other_count and other_hot are what the other
 * rows of the key hold.
 */
static void
write_counter(Accumulator *acc, const CounterDelta *sum, bool locked,
			  int64 other_count, double other_hot)
{
	AccKey		key = {sum->item, sum->event};
	Numeric		total = sum->total ? sum->total : int64_to_numeric(0);
	int			slack = acc->cut_off ? LEVELS_PER_OCTAVE : 0;
	int			count_level = interact_count_level(sum->count + other_count);
	int			hot_level = interact_hot_level(interact_log2_add(sum->hot, other_hot));

	if (counts_nothing(sum))
	{
		if (!locked && isinf(sum->hot))
			return;
		if (locked && other_count == 0 && isinf(other_hot) && !acc->cut_off)
		{
			delete_row(acc, acc->row);
			return;
		}
	}

	start_version(acc, locked);
	if (!locked)
	{
		WRITE(acc, Anum_counter_item_id) = Int64GetDatum(sum->item);
		WRITE(acc, Anum_counter_id) = Int64GetDatum(fresh_id());
		WRITE(acc, Anum_counter_event) = Int16GetDatum((int16) sum->event);
	}
	WRITE(acc, Anum_counter_count) = Int64GetDatum(sum->count);
	WRITE(acc, Anum_counter_users) = Int64GetDatum(sum->users);
	WRITE(acc, Anum_counter_units) = Int64GetDatum(sum->units);
	WRITE(acc, Anum_counter_hot) = Float8GetDatum(sum->hot);
	WRITE(acc, Anum_counter_total) = NumericGetDatum(total);
	WRITE(acc, Anum_counter_count_level) =
		Int16GetDatum((int16) (count_level + slack));
	WRITE(acc, Anum_counter_hot_level) =
		Int32GetDatum(hot_level > PG_INT32_MIN ? hot_level + slack : hot_level);
	if (locked)
		update_version(acc);
	else
		insert_version(acc);
	remember(acc, &key, other_count, other_hot);
}

/*
 * Lock the rows of the key found by look_up() that can be had, sum them up in
 * *sum and leave the one to be written in acc->row; the others are deleted.
 * One row only, unless nobody is at work on any of several: then all.  Returns
 * the number of rows locked.
 */
static int
lock_counters(Accumulator *acc, CounterDelta *sum)
{
	bool		fold = acc->nbusy == 0;
	int			nlocked = 0;

	for (int i = 0; i < acc->nfound && (fold || nlocked == 0); i++)
	{
		TupleTableSlot *slot = nlocked == 0 ? acc->row : acc->look;

		if (acc->found[i].busy)
			continue;
		if (lock_row(acc, &acc->found[i].tid, false, slot) != TM_Ok)
		{
			fold = false;
			continue;
		}
		sum_counter(sum, slot);
		acc->found[i].locked = true;
		if (nlocked++ > 0)
			delete_row(acc, slot);
	}
	ExecClearTuple(acc->look);
	return nlocked;
}

/*
 * Count and hot of the rows found that are not ours, into *count and *hot.
 * Ours are those locked and the one with the id own_id.
 */
static void
sum_others(Accumulator *acc, int64 own_id, int64 *count, double *hot)
{
	*count = 0;
	*hot = -get_float8_infinity();
	for (int i = 0; i < acc->nfound; i++)
	{
		if (acc->found[i].locked || acc->found[i].id == own_id)
			continue;
		*count += acc->found[i].count;
		*hot = interact_log2_add(*hot, acc->found[i].hot);
	}
}

/* Add delta to the counter of its item and event; never waits. */
void
counter_add(Accumulator *acc, const CounterDelta *delta)
{
	AccKey		key = {delta->item, delta->event};
	CounterDelta sum = *delta;
	Remembered *entry;
	int64		count;
	double		hot;
	bool		locked;

	entry = find_remembered(acc, &key, false);
	if (entry != NULL && lock_remembered(acc, &key, entry))
	{
		acc->cut_off = false;
		sum_counter(&sum, acc->row);
		count = entry->count;
		hot = entry->hot;
		locked = true;

		/*
		 * A level that rises has to be that of the whole key as it is now,
		 * and a row may only go if it is the last.
		 */
		if (counts_nothing(&sum) ||
			interact_count_level(sum.count + count) >
			DatumGetInt16(column(acc->row, Anum_counter_count_level)) ||
			interact_hot_level(interact_log2_add(sum.hot, hot)) >
			DatumGetInt32(column(acc->row, Anum_counter_hot_level)))
		{
			look_up(acc, &key,
					counts_nothing(&sum) ? LOOK_MOST_ENTRIES : LOOK_ENTRIES);
			sum_others(acc, DatumGetInt64(column(acc->row, Anum_counter_id)),
					   &count, &hot);
		}
	}
	else
	{
		look_up(acc, &key, entry ? LOOK_MOST_ENTRIES : LOOK_ENTRIES);
		locked = lock_counters(acc, &sum) > 0;
		sum_others(acc, 0, &count, &hot);
	}

	write_counter(acc, &sum, locked, count, hot);
	ExecClearTuple(acc->row);
	ExecClearTuple(acc->write);
}

/*
 * Replace the part "from" of the key's hot by "to": what a recomputation under
 * some snapshot found stored and expected.  What was added since stays.
 */
void
counter_set_hot(Accumulator *acc, int64 item, int event, double from, double to)
{
	AccKey		key = {item, event};
	CounterDelta sum;
	double		hot;
	int64		count;
	double		since;

	look_up(acc, &key, 0);
	memset(&sum, 0, sizeof(sum));
	sum.item = item;
	sum.event = event;
	sum.hot = -get_float8_infinity();
	if (lock_counters(acc, &sum) == 0)
		return;					/* someone else is there; try again later */

	sum_others(acc, 0, &count, &hot);
	since = exp2(sum.hot - to) - exp2(from - to);
	if (since < 1e-9 || isnan(since))
		sum.hot = to;
	else
		sum.hot = to + log2(1.0 + since);
	write_counter(acc, &sum, true, count, hot);
	ExecClearTuple(acc->row);
	ExecClearTuple(acc->write);
}

/*
 * Merge the rows of a key nobody is at work on; returns how many rows fewer
 * there are.
 */
int
counter_fold(Accumulator *acc, int64 item, int event)
{
	AccKey		key = {item, event};
	CounterDelta sum;
	int64		count;
	double		hot;
	int			nlocked;
	int			removed = 0;

	look_up(acc, &key, 0);
	if (acc->nfound < 2 || acc->nbusy > 0)
		return 0;
	memset(&sum, 0, sizeof(sum));
	sum.item = item;
	sum.event = event;
	sum.hot = -get_float8_infinity();
	nlocked = lock_counters(acc, &sum);
	if (nlocked > 1)
	{
		sum_others(acc, 0, &count, &hot);
		write_counter(acc, &sum, true, count, hot);
		removed = TTS_EMPTY(acc->write) ? nlocked : nlocked - 1;
	}
	ExecClearTuple(acc->row);
	ExecClearTuple(acc->write);
	return removed;
}

/* ---------- affinities ---------- */

/*
 * Add the signals of a row (sign = 1) to the distinct users of their events,
 * or take them away (sign = -1).
 */
static void
count_users(AffinityChange *change, int32 signals, int sign)
{
	change->signals |= signals;
	for (int id = 0; id < MAX_EVENT_TYPES && (signals >> id) != 0; id++)
	{
		if (signals & EVENT_BIT(id))
			change->users[id] += sign;
	}
}

/* Merge the affinity row in slot into state. */
static void
sum_affinity(AffinityDelta *state, TupleTableSlot *slot)
{
	TimestampTz at = DatumGetTimestampTz(column(slot, Anum_affinity_last_at));
	int16		rating = DatumGetInt16(column(slot, Anum_affinity_rating));

	state->at = Max(state->at, at);
	state->signals |= DatumGetInt32(column(slot, Anum_affinity_signals));
	if (state->rating == 0)
		state->rating = rating;
}

/*
 * Lock the rows of the pair found by look_up(); the first is left in acc->row,
 * the others are deleted, all are merged into *state if it is not NULL, and
 * their signals taken from the users in *change.  With wait = false as in
 * lock_counters().  With wait = true all rows are locked, whoever has them;
 * *again is then set when one of them changed, so that the caller has to look
 * again.  Returns the number of rows locked.
 */
static int
lock_affinities(Accumulator *acc, bool wait, AffinityDelta *state,
				AffinityChange *change, bool *again)
{
	bool		fold = acc->nbusy == 0;
	int			nlocked = 0;

	if (wait)
	{
		/* Lock all before any is written: the caller may have to start over. */
		for (int i = 0; i < acc->nfound; i++)
		{
			TM_Result	result = lock_row(acc, &acc->found[i].tid, true, acc->look);

			if (result != TM_Ok)
				*again = true;
		}
		ExecClearTuple(acc->look);
		if (*again)
			return 0;
		fold = true;
	}

	for (int i = 0; i < acc->nfound && (fold || nlocked == 0); i++)
	{
		TupleTableSlot *slot = nlocked == 0 ? acc->row : acc->look;

		if (!wait && acc->found[i].busy)
			continue;
		if (lock_row(acc, &acc->found[i].tid, false, slot) != TM_Ok)
		{
			fold = false;
			continue;
		}
		count_users(change, DatumGetInt32(column(slot, Anum_affinity_signals)), -1);
		if (state != NULL)
			sum_affinity(state, slot);
		if (nlocked++ > 0)
			delete_row(acc, slot);
	}
	ExecClearTuple(acc->look);
	return nlocked;
}

/*
 * Write state to the affinity row locked in acc->row, or to a new row;
 * user_items is how many items the user has.
 */
static void
write_affinity(Accumulator *acc, const AffinityDelta *state, int user_items,
			   bool locked, AffinityChange *change)
{
	AccKey		key = {state->user, state->item};

	count_users(change, state->signals, 1);

	start_version(acc, locked);
	if (!locked)
	{
		WRITE(acc, Anum_affinity_user_id) = Int64GetDatum(state->user);
		WRITE(acc, Anum_affinity_item_id) = Int64GetDatum(state->item);
		WRITE(acc, Anum_affinity_id) = Int64GetDatum(fresh_id());
	}
	else if (DatumGetTimestampTz(WRITE(acc, Anum_affinity_last_at)) == state->at &&
			 DatumGetInt32(WRITE(acc, Anum_affinity_signals)) == state->signals &&
			 DatumGetInt16(WRITE(acc, Anum_affinity_rating)) == state->rating)
		return;					/* nothing new; the lock tells removers */

	WRITE(acc, Anum_affinity_last_at) = TimestampTzGetDatum(state->at);
	WRITE(acc, Anum_affinity_signals) = Int32GetDatum(state->signals);
	WRITE(acc, Anum_affinity_rating) = Int16GetDatum(state->rating);
	WRITE(acc, Anum_affinity_user_items) =
		Int16GetDatum((int16) Min(user_items, PG_INT16_MAX));
	if (locked)
		update_version(acc);
	else
		insert_version(acc);
	remember(acc, &key, 0, 0);
}

/*
 * Add what delta knows of its pair; never waits.  user_items is how many items
 * the user has without this one if it is new.  *change receives what it means
 * for the counters.
 */
void
affinity_add(Accumulator *acc, const AffinityDelta *delta, int user_items,
			 AffinityChange *change)
{
	AccKey		key = {delta->user, delta->item};
	AffinityDelta state = *delta;
	Remembered *entry;
	int			nlocked;

	memset(change, 0, sizeof(*change));

	entry = find_remembered(acc, &key, false);
	if (entry != NULL && lock_remembered(acc, &key, entry))
	{
		count_users(change, DatumGetInt32(column(acc->row, Anum_affinity_signals)), -1);
		sum_affinity(&state, acc->row);
		nlocked = 1;
	}
	else
	{
		look_up(acc, &key, entry ? LOOK_MOST_ENTRIES : LOOK_ENTRIES);
		change->items = acc->nfound == 0 ? 1 : 0;
		nlocked = lock_affinities(acc, false, &state, change, NULL);
	}

	write_affinity(acc, &state, user_items + change->items, nlocked > 0, change);
	ExecClearTuple(acc->row);
	ExecClearTuple(acc->write);
}

/*
 * Make the rows of a pair say what the base tables say now.  Waits for
 * transactions that are writing rows of this pair.  maybe are signals that may
 * hold besides those stored.  *change receives what it means for the counters.
 */
void
affinity_rederive(Accumulator *acc, PairReader *reader, int64 user, int64 item,
				  int32 maybe, int user_items, AffinityChange *change)
{
	AccKey		key = {user, item};
	AffinityDelta state;
	int			nlocked;
	bool		exists;

	for (;;)
	{
		bool		again = false;

		CHECK_FOR_INTERRUPTS();
		memset(change, 0, sizeof(*change));
		look_up(acc, &key, 0);

		/* Rows others have inserted and not committed are theirs. */
		for (int i = 0; i < acc->nfound; i++)
		{
			if (acc->found[i].foreign)
				acc->found[i--] = acc->found[--acc->nfound];
		}

		nlocked = lock_affinities(acc, true, NULL, change, &again);
		if (!again)
			break;
	}

	/* All rows of the pair are ours: look at the base tables only now. */
	exists = pair_reader_get(reader, user, item, maybe | change->signals, &state);
	if (exists)
	{
		change->items = nlocked == 0 ? 1 : 0;
		write_affinity(acc, &state, user_items + change->items, nlocked > 0, change);
	}
	else if (nlocked > 0)
	{
		change->items = -1;
		delete_row(acc, acc->row);
	}
	ExecClearTuple(acc->row);
	ExecClearTuple(acc->write);
}

/*
 * Merge the rows of a pair nobody is at work on; returns how many rows fewer
 * there are.
 */
int
affinity_fold(Accumulator *acc, int64 user, int64 item, AffinityChange *change)
{
	AccKey		key = {user, item};
	AffinityDelta state;
	int			nlocked;

	memset(change, 0, sizeof(*change));
	look_up(acc, &key, 0);
	if (acc->nfound < 2 || acc->nbusy > 0)
		return 0;
	memset(&state, 0, sizeof(state));
	state.user = user;
	state.item = item;
	state.at = DT_NOBEGIN;
	nlocked = lock_affinities(acc, false, &state, change, NULL);
	if (nlocked > 0)
		write_affinity(acc, &state,
					   DatumGetInt16(column(acc->row, Anum_affinity_user_items)),
					   true, change);
	ExecClearTuple(acc->row);
	ExecClearTuple(acc->write);
	return nlocked > 1 ? nlocked - 1 : 0;
}

/*
 * How many items the user has, according to the user's newest row, and when
 * that was written for (DT_NOBEGIN if the user has none).
 */
int
affinity_user_items(Accumulator *acc, int64 user, TimestampTz *newest)
{
	ScanKeyData key;

	if (acc->userscan == NULL)
	{
		acc->useridx = index_open(interact_relid(REL_AFFINITY_USER),
								  RowExclusiveLock);
		acc->userscan = interact_index_beginscan(acc->rel, acc->useridx,
												 SnapshotSelf, 1);
		acc->newest = table_slot_create(acc->rel, NULL);
	}

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(user));
	index_rescan(acc->userscan, &key, 1, NULL, 0);
	if (!index_getnext_slot(acc->userscan, ForwardScanDirection, acc->newest))
	{
		ExecClearTuple(acc->newest);
		*newest = DT_NOBEGIN;
		return 0;
	}
	*newest = DatumGetTimestampTz(column(acc->newest, Anum_affinity_last_at));
	return DatumGetInt16(column(acc->newest, Anum_affinity_user_items));
}

/*
 * Write user_items into the newest row of the user last asked for, so that it
 * goes on to tell how many items the user has although rows older than it were
 * added or rows removed.  Does nothing if someone else is there.
 */
void
affinity_set_user_items(Accumulator *acc, int user_items)
{
	AccKey		key;

	if (TTS_EMPTY(acc->newest) ||
		lock_row(acc, &acc->newest->tts_tid, false, acc->row) != TM_Ok)
		return;
	start_version(acc, true);
	WRITE(acc, Anum_affinity_user_items) =
		Int16GetDatum((int16) Max(1, Min(user_items, PG_INT16_MAX)));
	key.first = DatumGetInt64(WRITE(acc, Anum_affinity_user_id));
	key.second = DatumGetInt64(WRITE(acc, Anum_affinity_item_id));
	update_version(acc);
	remember(acc, &key, 0, 0);
	ExecClearTuple(acc->row);
	ExecClearTuple(acc->write);
	ExecClearTuple(acc->newest);
}
