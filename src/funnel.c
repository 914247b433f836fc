/*-------------------------------------------------------------------------
 *
 * funnel.c
 *	  How far users came through the steps of a funnel.
 *
 * A Funnel is a destination for rows (user_id, item_id, time, number of the
 * step) in this order.  It counts the pairs, or users if all items are the same,
 * that came to each step, and keeps nothing but the state of the current pair.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include "catalog/pg_type.h"

/*
 * The current pair is complete: counts it.
 */
static void
funnel_end_pair(Funnel *funnel)
{
	for (int i = 0; i < funnel->pair_steps; i++)
		funnel->pairs[i]++;
	funnel->user_steps = Max(funnel->user_steps, funnel->pair_steps);
	funnel->pair_steps = 0;
}

/*
 * The current user is complete.
 */
static void
funnel_end_user(Funnel *funnel)
{
	funnel_end_pair(funnel);
	for (int i = 0; i < funnel->user_steps; i++)
		funnel->users[i]++;
	funnel->user_steps = 0;
}

/*
 * Receives a row of interact_funnel().
 *
 * Of the ways that lead a pair to a step, the one that started last leaves the
 * most time for the steps after it, so one start per step is all there is to
 * know.  Rows of one time come in the order of the steps.
 */
static bool
funnel_receive(TupleTableSlot *slot, DestReceiver *self)
{
	Funnel *funnel = (Funnel *) self;
	int64		user;
	int64		item;
	TimestampTz at;
	int			step;

	slot_getallattrs(slot);
	user = DatumGetInt64(slot->tts_values[0]);
	item = DatumGetInt64(slot->tts_values[1]);
	at = DatumGetTimestampTz(slot->tts_values[2]);
	step = DatumGetInt32(slot->tts_values[3]) - 1;

	if (funnel->started && user != funnel->user)
		funnel_end_user(funnel);
	else if (funnel->started && item != funnel->item)
		funnel_end_pair(funnel);
	funnel->started = true;
	funnel->user = user;
	funnel->item = item;

	if (step == 0)
		funnel->start[0] = at;
	else if (step <= funnel->pair_steps &&
			 at - funnel->start[step - 1] <= funnel->within)
		funnel->start[step] = funnel->start[step - 1];
	else
		return true;
	funnel->pair_steps = Max(funnel->pair_steps, step + 1);
	return true;
}

static void
funnel_startup(DestReceiver *self, int operation, TupleDesc typeinfo)
{
}

static void
funnel_shutdown(DestReceiver *self)
{
	funnel_end_user((Funnel *) self);
}

static void
funnel_destroy(DestReceiver *self)
{
}

/*
 * Begins to count, of nsteps steps each of which has to come within so many
 * microseconds of the first.
 */
void
funnel_begin(Funnel *funnel, int nsteps, int64 within)
{
	memset(funnel, 0, sizeof(*funnel));
	funnel->nsteps = nsteps;
	funnel->within = within;
	funnel->pub.receiveSlot = funnel_receive;
	funnel->pub.rStartup = funnel_startup;
	funnel->pub.rShutdown = funnel_shutdown;
	funnel->pub.rDestroy = funnel_destroy;
	funnel->pub.mydest = DestTuplestore;	/* not one that SPI knows better */
}

/*
 * The argument steps, n: 1 to FUNNEL_MAX_STEPS names of different events.
 */
Datum *
funnel_arg_steps(FunctionCallInfo fcinfo, int n, int *nsteps)
{
	ArrayType  *array;
	Datum	   *steps;

	if (PG_ARGISNULL(n))
		interact_null_error("steps");
	array = PG_GETARG_ARRAYTYPE_P(n);
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("steps must be a one-dimensional array")));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("steps must not contain null")));
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &steps, NULL,
					  nsteps);
	if (*nsteps < 1 || *nsteps > FUNNEL_MAX_STEPS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("steps must be 1 to %d events, not %d",
						FUNNEL_MAX_STEPS, *nsteps)));
	return steps;
}
