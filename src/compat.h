/*-------------------------------------------------------------------------
 *
 * compat.h
 *	  All differences between the supported versions of PostgreSQL (15 to 18,
 *	  19 as it comes), each with the change that caused it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef INTERACT_COMPAT_H
#define INTERACT_COMPAT_H

#include "access/genam.h"
#include "access/tableam.h"
#include "storage/proc.h"

/* 16: table_tuple_update() tells summarizing indexes apart (19d8e2308bc) */
#if PG_VERSION_NUM >= 160000
#define INTERACT_UPDATE_INDEXES			TU_UpdateIndexes
#define interact_needs_indexes(u)		((u) == TU_All)
#else
#define INTERACT_UPDATE_INDEXES			bool
#define interact_needs_indexes(u)		(u)
#endif

/* 17: PGPROC.lxid moved into a struct (ab355e3a88d), MyProcNumber (024c5211178) */
#if PG_VERSION_NUM >= 170000
#define interact_lxid()					(MyProc->vxid.lxid)
#define interact_proc_number()			((uint32) MyProcNumber)
#else
#define interact_lxid()					(MyProc->lxid)
#define interact_proc_number()			((uint32) MyProc->pgprocno)
#endif

/* 18: pg_attribute_noreturn() became the prefix pg_noreturn (28f04984f0c) */
#if PG_VERSION_NUM < 180000
#define pg_noreturn						pg_attribute_noreturn()
#endif

/* 18: index_beginscan() counts searches (0fbceae841c); 19: it has options */
#if PG_VERSION_NUM >= 190000
#define interact_index_beginscan(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, NULL, nkeys, 0, SO_NONE)
#elif PG_VERSION_NUM >= 180000
#define interact_index_beginscan(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, NULL, nkeys, 0)
#else
#define interact_index_beginscan(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, nkeys, 0)
#endif

/* 16: _bt_getroot() has the table (61b313e47eb) */
#if PG_VERSION_NUM >= 160000
#define interact_bt_getroot(index, heap)	_bt_getroot(index, heap, BT_READ)
#else
#define interact_bt_getroot(index, heap)	_bt_getroot(index, BT_READ)
#endif

/* 16: relfilenodes are called relation file numbers (b0a55e43299) */
#if PG_VERSION_NUM >= 160000
#define interact_read_recent(rel, block, buffer) \
	ReadRecentBuffer((rel)->rd_locator, MAIN_FORKNUM, block, buffer)
#else
#define interact_read_recent(rel, block, buffer) \
	ReadRecentBuffer((rel)->rd_node, MAIN_FORKNUM, block, buffer)
#endif

/* 17: old_snapshot_threshold is gone (f691f5b80a8) */
#if PG_VERSION_NUM >= 170000
#define interact_test_old_snapshot(snapshot, rel, page)	((void) 0)
#else
#define interact_test_old_snapshot(snapshot, rel, page) \
	TestForOldSnapshot(snapshot, rel, page)
#endif

/* 16: what a GUC's check hook allocates lies in a memory context (3057465acfb) */
#if PG_VERSION_NUM >= 160000
#define interact_guc_malloc(size)		guc_malloc(LOG, size)
#else
#define interact_guc_malloc(size)		malloc(size)
#endif

/* 16: one function checks the privileges on all kinds of objects (c727f511bd7) */
#if PG_VERSION_NUM >= 160000
#define interact_proc_aclcheck(proc, role, mode) \
	object_aclcheck(ProcedureRelationId, proc, role, mode)
#else
#define interact_proc_aclcheck(proc, role, mode) \
	pg_proc_aclcheck(proc, role, mode)
#endif

/* 19: scans and changes of tables have options, as insertions always had */
#if PG_VERSION_NUM >= 190000
#define interact_table_beginscan(rel, snapshot) \
	table_beginscan(rel, snapshot, 0, NULL, SO_NONE)
#define interact_index_fetch_begin(rel) table_index_fetch_begin(rel, SO_NONE)
#define interact_tuple_update(rel, tid, slot, snapshot, wait, tmfd, mode, indexes) \
	table_tuple_update(rel, tid, slot, GetCurrentCommandId(true), 0, snapshot, \
					   InvalidSnapshot, wait, tmfd, mode, indexes)
#define interact_tuple_delete(rel, tid, snapshot, tmfd) \
	table_tuple_delete(rel, tid, GetCurrentCommandId(true), 0, snapshot, \
					   InvalidSnapshot, true, tmfd)
#else
#define interact_table_beginscan(rel, snapshot) \
	table_beginscan(rel, snapshot, 0, NULL)
#define interact_index_fetch_begin(rel) table_index_fetch_begin(rel)
#define interact_tuple_update(rel, tid, slot, snapshot, wait, tmfd, mode, indexes) \
	table_tuple_update(rel, tid, slot, GetCurrentCommandId(true), snapshot, \
					   InvalidSnapshot, wait, tmfd, mode, indexes)
#define interact_tuple_delete(rel, tid, snapshot, tmfd) \
	table_tuple_delete(rel, tid, GetCurrentCommandId(true), snapshot, \
					   InvalidSnapshot, true, tmfd, false)
#endif

/*
 * 19: a scan by an index remembers which block the page it has pinned is, and
 * has a page of the visibility map, which pruning may pin.
 */
#if PG_VERSION_NUM >= 190000
#define interact_fetch_set_block(fetch, block)	((fetch)->xs_blk = (block))
#define interact_page_prune_opt(rel, fetch) \
	heap_page_prune_opt(rel, (fetch)->xs_cbuf, &(fetch)->xs_vmbuffer, false)
#else
#define interact_fetch_set_block(fetch, block)	((void) 0)
#define interact_page_prune_opt(rel, fetch) \
	heap_page_prune_opt(rel, (fetch)->xs_cbuf)
#endif

#endif							/* INTERACT_COMPAT_H */
