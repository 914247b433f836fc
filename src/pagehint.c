/*-------------------------------------------------------------------------
 *
 * pagehint.c
 *	  Where this backend found the pages of some relations last.
 *
 * To find the buffer of a page in the shared table of buffers takes a lock and
 * several accesses to memory that was not used for long; where pages are read at
 * random that is a good part of the time.  So a backend remembers, for the
 * relations that walks read, in which buffer it found a page.  That is a hint:
 * whether the buffer still has the page is told by the buffer itself.
 *
 * What is remembered takes 4 bytes per page of the relation, up to 512 kB for
 * each of them, in every backend that reads so many pages.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include "access/heapam.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* Pages of a relation that are remembered: at least, and at most. */
#define HINTS_MIN			1024
#define HINTS_MAX			131072

/*
 * One in so many pages is looked up in the shared table all the same: that tells
 * the buffer manager that the page is in use, so that it stays.
 */
#define HINTS_UNUSED		8

/*
 * The buffers by block number, InvalidBuffer where nothing is known.  Pages
 * beyond the size share places, and if a relation gets another file, its pages
 * take those of the old one.
 */
static struct
{
	int			size;			/* 0, or a power of 2 */
	uint32		asked;			/* pages read so far */
	Buffer	   *buffers;
}			hints[NUM_PAGE_HINTS];


/*
 * The buffer that may have a page, or InvalidBuffer.
 */
Buffer
hinted_buffer(PageHints which, BlockNumber block)
{
	if (hints[which].size == 0)
		return InvalidBuffer;
	return hints[which].buffers[block & (hints[which].size - 1)];
}

/*
 * Remembers the buffer of a page.
 */
static void
remember_buffer(PageHints which, BlockNumber block, Buffer buffer)
{
	int			size = hints[which].size;

	if (block >= (BlockNumber) size && size < HINTS_MAX)
	{
		Buffer	   *buffers;

		size = HINTS_MIN;
		while (size < HINTS_MAX && block >= (BlockNumber) size)
			size *= 2;
		buffers = MemoryContextAllocZero(TopMemoryContext,
										 sizeof(Buffer) * size);
		if (hints[which].size > 0)
		{
			memcpy(buffers, hints[which].buffers,
				   sizeof(Buffer) * hints[which].size);
			pfree(hints[which].buffers);
		}
		hints[which].buffers = buffers;
		hints[which].size = size;
	}
	hints[which].buffers[block & (size - 1)] = buffer;
}

/*
 * Like ReadBuffer().
 */
Buffer
hinted_read(PageHints which, Relation rel, BlockNumber block)
{
	Buffer		buffer = hinted_buffer(which, block);

	if (BufferIsValid(buffer) && ++hints[which].asked % HINTS_UNUSED != 0 &&
		interact_read_recent(rel, block, buffer))
	{
		pgstat_count_buffer_read(rel);
		pgstat_count_buffer_hit(rel);
		return buffer;
	}
	buffer = ReadBuffer(rel, block);
	remember_buffer(which, block, buffer);
	return buffer;
}

/*
 * Pins the page of a row that table_index_fetch_tuple() will be called for.
 * It then does not prune the page.
 */
void
hinted_pin_row(PageHints which, Relation rel, IndexFetchTableData *fetch,
			   ItemPointer tid)
{
	IndexFetchHeapData *pinned = (IndexFetchHeapData *) fetch;
	BlockNumber block = ItemPointerGetBlockNumber(tid);

	if (rel->rd_tableam != GetHeapamTableAmRoutine())
		return;
	if (BufferIsValid(pinned->xs_cbuf))
	{
		if (BufferGetBlockNumber(pinned->xs_cbuf) == block)
			return;
		ReleaseBuffer(pinned->xs_cbuf);
		pinned->xs_cbuf = InvalidBuffer;
	}
	pinned->xs_cbuf = hinted_read(which, rel, block);
	interact_fetch_set_block(pinned, block);
}
