/*-------------------------------------------------------------------------
 *
 * recordfind.c
 *	  Taking back rows in serializable transactions.
 *
 * A statement that finds its row by user and item reads pages of an index, or
 * the whole of a small table, and in a serializable transaction it leaves
 * predicate locks on them.  Any two transactions that each take something
 * back and record something then conflict if their rows share a page, and one
 * of them fails, though they are about different users.
 *
 * So the row is looked up by hand.  The index is scanned without a snapshot,
 * which takes no predicate locks, and only rows of the pair are fetched with
 * the transaction's snapshot, which locks no more than those rows.  The
 * statement then names the rows by ctid, and its plan is made such that it
 * cannot be but a TID scan.
 *
 * What is lost: that there was no such row is not protected.  If two
 * serializable transactions take back what the other records, each may find
 * nothing.  That is about one fact of one user; a lock on the gap could only
 * be a lock on a page.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include "access/relscan.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"

/* Settings under which a condition on ctid is planned as a TID scan. */
static const PlanSetting tid_settings[] = {
	{"enable_tidscan", "on"},
	{"enable_seqscan", "off"},
	{"enable_indexscan", "off"},
	{"enable_bitmapscan", "off"}
};

/*
 * The rows of the table, an array of tid, which the keys find in the index and
 * the transaction's snapshot sees.
 */
static Datum
find_rows(InteractRel rel, InteractRel index_rel, ScanKey keys, int nkeys)
{
	Relation	heap = table_open(interact_relid(rel), RowExclusiveLock);
	Relation	index = index_open(interact_relid(index_rel), RowExclusiveLock);
	TupleTableSlot *slot = table_slot_create(heap, NULL);
	IndexScanDesc scan;
	ItemPointer tid;
	ItemPointer tids = palloc(sizeof(ItemPointerData) * 8);
	Datum	   *values;
	int			ntids = 0;
	int			maxtids = 8;

	/* The statement that follows sees what this transaction did so far. */
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());

	scan = interact_index_beginscan(heap, index, SnapshotAny, nkeys);
	index_rescan(scan, keys, nkeys, NULL, 0);
	while ((tid = index_getnext_tid(scan, ForwardScanDirection)) != NULL)
	{
		bool		call_again = false;

		CHECK_FOR_INTERRUPTS();
		if (!table_index_fetch_tuple(scan->xs_heapfetch, tid,
									 GetActiveSnapshot(), slot, &call_again,
									 NULL))
			continue;
		if (ntids == maxtids)
		{
			maxtids *= 2;
			tids = repalloc(tids, sizeof(ItemPointerData) * maxtids);
		}
		tids[ntids++] = slot->tts_tid;
	}
	index_endscan(scan);
	PopActiveSnapshot();

	ExecDropSingleTupleTableSlot(slot);
	index_close(index, NoLock);
	table_close(heap, NoLock);

	values = palloc(sizeof(Datum) * Max(ntids, 1));
	for (int i = 0; i < ntids; i++)
		values[i] = PointerGetDatum(&tids[i]);
	return PointerGetDatum(construct_array(values, ntids, TIDOID,
										   sizeof(ItemPointerData), false,
										   TYPALIGN_SHORT));
}

/* Keys of an index that begins with user_id, item_id. */
void
record_pair_keys(ScanKey keys, int64 user, int64 item)
{
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ,
				Int64GetDatum(user));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT8EQ,
				Int64GetDatum(item));
}

/* A key that asks for equality with a text. */
void
record_text_key(ScanKey key, AttrNumber column, Datum value)
{
	ScanKeyEntryInitialize(key, 0, column, BTEqualStrategyNumber, InvalidOid,
						   DEFAULT_COLLATION_OID, F_TEXTEQ, value);
}

/*
 * Run a statement that takes back rows of rel; returns how many.  Its first
 * parameter is an array of tid, the rows that the keys find in the index; its
 * type and value are filled in here.  Other arguments as in record_run().
 *
 * For serializable transactions only: elsewhere a row that was changed since
 * must be looked at again, which needs a condition that still holds then.
 */
uint64
record_run_found(InteractPlan *plan, const char *sql, int expected,
				 InteractRel rel, InteractRel index, ScanKey keys, int nkeys,
				 int nargs, Oid *argtypes, Datum *values, const char *nulls)
{
	uint64		rows;
	int			result;

	argtypes[0] = TIDARRAYOID;
	values[0] = find_rows(rel, index, keys, nkeys);

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	interact_plan_under(interact_generic_plan(plan, sql, nargs, argtypes),
						tid_settings, lengthof(tid_settings));
	result = SPI_execute_plan(plan->plan, values, nulls, false, 0);
	if (result != expected)
		elog(ERROR, "SPI_execute_plan returned %s for: %s",
			 SPI_result_code_string(result), sql);
	rows = SPI_processed;
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	return rows;
}
