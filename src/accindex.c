/*-------------------------------------------------------------------------
 *
 * accindex.c
 *	  Index entries of the rows that accumulate.c writes.
 *
 * Derived tables have the indexes they come with, which are simple: no
 * expressions, one predicate that is known.  They may have others: those that
 * somebody adds for reports, and while an index is built anew (REINDEX
 * CONCURRENTLY) the new one beside the old.  These get their entries in the
 * executor's way.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include "access/genam.h"
#include "catalog/index.h"
#include "executor/executor.h"

/* Open the indexes of the table, for writing. */
static void
open_indexes(Accumulator *acc)
{
	List	   *oids = RelationGetIndexList(acc->rel);
	ListCell   *lc;

	acc->indexes = palloc(sizeof(Relation) * list_length(oids));
	acc->infos = palloc(sizeof(IndexInfo *) * list_length(oids));
	foreach(lc, oids)
	{
		Relation	index = index_open(lfirst_oid(lc), RowExclusiveLock);

		acc->indexes[acc->nindexes] = index;
		acc->infos[acc->nindexes++] = BuildIndexInfo(index);
	}
	list_free(oids);
}

/*
 * Does the index hold the version in acc->write?  Sets acc->estate if the index
 * needs one: none of ours does.
 */
static bool
in_index(Accumulator *acc, Relation index, IndexInfo *info)
{
	ExprContext *econtext;

	if (!info->ii_ReadyForInserts)
		return false;
	if (info->ii_Predicate == NIL && info->ii_Expressions == NIL)
		return true;
	/* the only partial index of ours holds the event rating */
	if (RelationGetRelid(index) == interact_relid(REL_COUNTER_RATING))
		return DatumGetInt16(ACC_WRITE(acc, Anum_counter_event)) == EVENT_RATING;

	if (acc->estate == NULL)
		acc->estate = CreateExecutorState();
	econtext = GetPerTupleExprContext(acc->estate);
	econtext->ecxt_scantuple = acc->write;
	if (info->ii_Predicate == NIL)
		return true;
	if (info->ii_PredicateState == NULL)
		info->ii_PredicateState = ExecPrepareQual(info->ii_Predicate, acc->estate);
	return ExecQual(info->ii_PredicateState, econtext);
}

/*
 * Enter the version in acc->write into the indexes: ours, those that somebody
 * has added, and those that are just being built beside them (REINDEX
 * CONCURRENTLY).  After an update the primary key's values are those of the
 * version before, which nbtree likes to know (it then looks for versions to
 * delete before it splits a page), and which are as unique as before: looking
 * would mean to visit every version of the row that cannot be pruned yet, all
 * those of this transaction at least.
 */
void
acc_insert_index_entries(Accumulator *acc, bool update)
{
	Datum		values[INDEX_MAX_KEYS];
	bool		isnull[INDEX_MAX_KEYS];

	if (acc->nindexes == 0)
		open_indexes(acc);

	for (int i = 0; i < acc->nindexes; i++)
	{
		Relation	index = acc->indexes[i];
		IndexInfo  *info = acc->infos[i];
		bool		same_key = update &&
			RelationGetRelid(index) == RelationGetRelid(acc->pkey);

		if (!in_index(acc, index, info))
			continue;
		FormIndexDatum(info, acc->write, acc->estate, values, isnull);
		index_insert(index, values, isnull, &acc->write->tts_tid, acc->rel,
					 info->ii_Unique && !same_key ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO,
					 same_key, info);
	}
	if (acc->estate != NULL)
		ResetPerTupleExprContext(acc->estate);
}

/* Close the indexes, if they were opened. */
void
acc_close_indexes(Accumulator *acc)
{
	for (int i = 0; i < acc->nindexes; i++)
		index_close(acc->indexes[i], NoLock);
	if (acc->estate != NULL)
		FreeExecutorState(acc->estate);
}
