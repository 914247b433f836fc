/*-------------------------------------------------------------------------
 *
 * tune.c
 *	  interact_tune(): which settings of recommend() suit the data?
 *
 * Two samples of users are drawn, with nobody in both.  On the first, the
 * settings in force, the presets, and then steps from the best of them along
 * one setting at a time are evaluated (evaluate.c; NDCG decides).  Whoever
 * tries often enough finds something that is better by chance, so the best is
 * compared with the settings in force once more, on the second sample, which
 * nothing was chosen by.  It wins if it is better there by MIN_GAIN and by
 * more than the standard error of the difference.
 *
 * What a call may read (profile_scan, profile_items, hop1_budget, neighbours,
 * hop2_budget), how much friends count and how varied a list is are decisions
 * of the owner, not a matter of accuracy: they stay as they are.
 *
 * Everything is evaluated under the active snapshot by settings that are passed
 * to the walk; nothing is written but, if asked, the winner at the end.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "funcapi.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "interact.h"

/* The winner is better by this share on the second sample. */
#define MIN_GAIN			0.03

/* A step is kept if it is better by this share on the first sample. */
#define STEP_GAIN			0.005

/* Most steps in one direction at a time. */
#define MAX_STRIDE			3

/* Share of the time for the settings in force on the first sample. */
#define FIRST_SHARE			0.1

/* Times the slowest candidate that is set aside for the second sample. */
#define CONFIRM_RESERVE		2.5

#define MAX_SECONDS			86400
#define MAX_STEPS			1000

/* A setting that is tuned, and how. */
typedef struct Dial
{
	const char *name;
	bool		factor;			/* a step multiplies or divides, else adds */
	double		step;
	double		min;			/* not below, intervals in microseconds */
	double		max;			/* not above */
	bool		window;			/* says nothing while latest_rows is not 0 */
} Dial;

#define DAYS(n)		((double) (n) * USECS_PER_DAY)

/* In the order in which steps are tried. */
static const Dial dials[] = {
	{"item_exponent", false, 0.1, 0, 1.5, false},
	{"user_exponent", false, 0.1, 0, 1.5, false},
	{"position_exponent", false, 0.25, 0, 2, false},
	{"popularity_exponent", false, 0.1, -0.5, 1, false},
	{"strength_exponent", false, 0.3, 0.1, 3, false},
	{"gap_exponent", false, 0.2, 0, 2, true},
	{"before_factor", true, 1.5, 0.05, 4, true},
	{"window_rows", true, 2, 8, 240, true},
	{"latest_rows", true, 2, 0, 400, false},
	{"recency_half_life", true, 3, DAYS(1), DAYS(1000), false},
	{"recency_floor", false, 0.2, 0, 1, false},
	{"rerank_weight", false, 0.15, 0, 0.9, false},
};

#define NUM_DIALS	((int) lengthof(dials))

/* Most settings that a preset changes. */
#define PRESET_CHANGES		4

/* Known combinations; what they do not name is at its default. */
typedef struct Preset
{
	const char *name;
	struct
	{
		const char *name;		/* NULL ends the list */
		double		value;		/* intervals in microseconds */
	}			changes[PRESET_CHANGES];
} Preset;

static const Preset presets[] = {
	{"default", {{NULL, 0}}},
	/* repeat orders, wholesale, restaurants */
	{"latest", {{"latest_rows", 100}, {"position_exponent", 0.25},
				{"recency_half_life", DAYS(30)}}},
	/* popular items crowd the list */
	{"niche", {{"item_exponent", 0.5}, {"user_exponent", 0.5},
			   {"popularity_exponent", 0.3}}},
	/* dense ratings */
	{"dense", {{"item_exponent", 0.7}, {"user_exponent", 0.7},
			   {"strength_exponent", 1.3}}},
	/* short sessions */
	{"session", {{"item_exponent", 0.5}, {"position_exponent", 1},
				 {"gap_exponent", 0.75}}},
	/* very sparse data of many events */
	{"broad", {{"item_exponent", 0.2}, {"popularity_exponent", 0.05}}},
	/* tastes that do not depend on order */
	{"taste", {{"item_exponent", 0.5}, {"user_exponent", 0.5},
			   {"rerank_weight", 0.3}}},
};

/* Columns of interact_tune(). */
enum
{
	Anum_tune_candidate = 1,
	Anum_tune_settings,
	Anum_tune_evaluated,
	Anum_tune_hit_rate,
	Anum_tune_mrr,
	Anum_tune_ndcg,
	Anum_tune_gain,
	Anum_tune_ms_per_call,
	Anum_tune_confirmed_ndcg,
	Anum_tune_confirmed_gain,
	Anum_tune_result,
	Natts_tune = Anum_tune_result
};

/* Settings that were tried. */
typedef struct Candidate
{
	char	   *name;
	InteractSettings settings;
	EvalScore	first;			/* on the first sample */
	EvalScore	second;			/* on the second, users = 0: not evaluated */
	const char *result;			/* what became of it */
} Candidate;

/* One interact_tune() under way. */
typedef struct Tuning
{
	Evaluation *eval;
	SampleUser *users[2];		/* the samples */
	int			nusers[2];
	TimestampTz deadline;		/* the time is over */
	TimestampTz search_until;	/* less what is set aside for the second
								 * sample */
	int64		slowest;		/* microseconds for a candidate on the first
								 * sample */
	int			steps_left;
	bool		late;			/* the search was ended by the time */
	Candidate  *candidates;		/* in force first */
	int			ncandidates;
	int			maxcandidates;
	int			best;			/* index of the best on the first sample */
} Tuning;

PG_FUNCTION_INFO_V1(interact_tune);


/*
 * Mean NDCG; 0 without users.
 */
static inline double
ndcg_of(const EvalScore *score)
{
	return score->users > 0 ? score->ndcg / score->users : 0;
}

/*
 * Draws the users and shares them out in turn.
 */
static void
draw_samples(Tuning *tuning, SampleRequest *request)
{
	int			wanted = request->users;
	SampleUser *users;
	int			n;

	request->users = 2 * wanted;
	users = sample_users(request, &n);
	for (int s = 0; s < 2; s++)
	{
		tuning->users[s] = palloc(sizeof(SampleUser) * wanted);
		tuning->nusers[s] = 0;
	}
	for (int i = 0; i < n; i++)
		tuning->users[i % 2][tuning->nusers[i % 2]++] = users[i];
	pfree(users);
}

/*
 * Evaluates settings on one of the samples, into *score; user by user into
 * ndcg[] as well, unless that is NULL.  Stops when the time "until" is over,
 * but not before the first user.  Returns the number of users done.
 */
static int
run(Tuning *tuning, const InteractSettings *settings, int sample,
	TimestampTz until, EvalScore *score, double *ndcg)
{
	memset(score, 0, sizeof(*score));
	for (int i = 0; i < tuning->nusers[sample]; i++)
	{
		double		before = score->ndcg;

		if (i > 0 && GetCurrentTimestamp() > until)
			return i;
		evaluation_ask(tuning->eval, STRATEGY_RECOMMEND, settings,
					   &tuning->users[sample][i], score);
		if (ndcg != NULL)
			ndcg[i] = score->ndcg - before;
	}
	return tuning->nusers[sample];
}

/*
 * Adds settings that were evaluated on the first sample, since "start", to the
 * candidates; the name is copied.
 */
static void
add_candidate(Tuning *tuning, const char *name,
			  const InteractSettings *settings, const EvalScore *score,
			  TimestampTz start)
{
	Candidate  *candidate;

	tuning->slowest = Max(tuning->slowest, GetCurrentTimestamp() - start);
	tuning->search_until = tuning->deadline -
		(int64) (CONFIRM_RESERVE * tuning->slowest);

	ENSURE_ROOM(tuning->candidates, tuning->ncandidates, tuning->maxcandidates);
	candidate = &tuning->candidates[tuning->ncandidates++];
	memset(candidate, 0, sizeof(*candidate));
	candidate->name = pstrdup(name);
	candidate->settings = *settings;
	candidate->first = *score;
	candidate->result = "tried";
}

/*
 * Evaluates the settings in force, the first candidate.  If that takes long,
 * the samples are cut to what there is time for.
 */
static void
try_in_force(Tuning *tuning, const InteractSettings *settings, int seconds)
{
	TimestampTz start = GetCurrentTimestamp();
	int			wanted = tuning->nusers[0];
	EvalScore	score;
	int			done;

	done = run(tuning, settings, 0,
			   start + (int64) (FIRST_SHARE * seconds * USECS_PER_SEC),
			   &score, NULL);
	if (done < wanted)
	{
		ereport(NOTICE,
				(errmsg("there is time for %d of %d users in each sample",
						done, wanted),
				 errhint("Give more seconds, or ask for fewer users.")));
		tuning->nusers[0] = done;
		tuning->nusers[1] = Min(tuning->nusers[1], done);
	}
	add_candidate(tuning, "in force", settings, &score, start);
	tuning->candidates[0].result = "in force";
}

/*
 * Evaluates settings on the first sample, unless they were before, and makes
 * them the best if they are better by the share "gain".  False if the time is
 * over.
 */
static bool
try_settings(Tuning *tuning, const char *name,
			 const InteractSettings *settings, double gain, bool *better)
{
	TimestampTz start = GetCurrentTimestamp();
	const Candidate *best = &tuning->candidates[tuning->best];
	EvalScore	score;

	*better = false;

	for (int i = 0; i < tuning->ncandidates; i++)
	{
		if (interact_settings_equal(settings, &tuning->candidates[i].settings))
			return true;
	}

	if (start > tuning->search_until ||
		run(tuning, settings, 0, tuning->search_until, &score,
			NULL) < tuning->nusers[0])
	{
		tuning->late = true;
		return false;
	}
	*better = ndcg_of(&score) > ndcg_of(&best->first) * (1 + gain);
	add_candidate(tuning, name, settings, &score, start);
	if (*better)
		tuning->best = tuning->ncandidates - 1;
	return true;
}

/*
 * Tries the presets.  False if the time is over.
 */
static bool
try_presets(Tuning *tuning)
{
	InteractSettings defaults;

	interact_settings_default(&defaults);
	for (int i = 0; i < (int) lengthof(presets); i++)
	{
		InteractSettings settings = tuning->candidates[0].settings;
		bool		better;

		for (int d = 0; d < NUM_DIALS; d++)
			interact_setting_put(&settings, dials[d].name,
								 interact_setting_get(&defaults, dials[d].name));
		for (int c = 0; c < PRESET_CHANGES; c++)
		{
			if (presets[i].changes[c].name != NULL)
				interact_setting_put(&settings, presets[i].changes[c].name,
									 presets[i].changes[c].value);
		}
		if (!try_settings(tuning, presets[i].name, &settings, 0, &better))
			return false;
	}
	return true;
}

/*
 * Turns a dial up or down by one step from the best settings.  False if it is
 * at its end.
 */
static bool
turn(const Dial *dial, bool up, InteractSettings *settings)
{
	double		value = interact_setting_get(settings, dial->name);
	double		turned;

	if (dial->factor)
		turned = up ? value * dial->step : value / dial->step;
	else
		turned = up ? value + dial->step : value - dial->step;

	/* Three digits, or whole hours: values a person would choose */
	if (dial->max < USECS_PER_DAY)
		turned = rint(turned * 1000) / 1000;
	else
		turned = rint(turned / USECS_PER_HOUR) * USECS_PER_HOUR;
	turned = Max(Min(turned, dial->max), dial->min);

	/* Not back from a value that an owner has set beyond the ends */
	if (up ? turned <= value : turned >= value)
		return false;
	interact_setting_put(settings, dial->name, turned);
	return interact_setting_get(settings, dial->name) != value;
}

/*
 * Goes from the best settings along one dial as long as it gets better, first
 * up and, if that does not help, down.  *moved is set if it helped.  False if
 * the time or the steps are over.
 */
static bool
try_dial(Tuning *tuning, const Dial *dial, bool *moved)
{
	for (int down = 0; down < 2; down++)
	{
		bool		better = true;
		bool		helped = false;

		for (int stride = 0; better && stride < MAX_STRIDE; stride++)
		{
			InteractSettings settings = tuning->candidates[tuning->best].settings;
			char	   *name;

			if (!turn(dial, !down, &settings))
				break;
			if (tuning->steps_left-- <= 0)
				return false;
			name = psprintf("%s %s", dial->name, down ? "down" : "up");
			if (!try_settings(tuning, name, &settings, STEP_GAIN, &better))
				return false;
			helped |= better;
		}
		*moved |= helped;
		if (helped)
			break;
	}
	return true;
}

/*
 * Goes along each dial in turn until none helps, or the time or the steps are
 * over.
 */
static void
try_steps(Tuning *tuning)
{
	bool		moved;

	do
	{
		moved = false;
		for (int d = 0; d < NUM_DIALS; d++)
		{
			const InteractSettings *best =
				&tuning->candidates[tuning->best].settings;

			if (dials[d].window &&
				interact_setting_get(best, "latest_rows") > 0)
				continue;
			if (!try_dial(tuning, &dials[d], &moved))
				return;
		}
	} while (moved);
}

/*
 * Compares the best candidate with the settings in force on the second sample.
 * True if it wins.
 */
static bool
confirm(Tuning *tuning)
{
	Candidate  *current = &tuning->candidates[0];
	Candidate  *best = &tuning->candidates[tuning->best];
	int			n = tuning->nusers[1];
	double	   *before = palloc(sizeof(double) * Max(n, 1));
	double	   *after = palloc(sizeof(double) * Max(n, 1));
	double		mean;
	double		squares = 0;

	(void) run(tuning, &current->settings, 1, DT_NOEND, &current->second, before);
	(void) run(tuning, &best->settings, 1, DT_NOEND, &best->second, after);
	best->result = "not confirmed";
	if (n < 2)
		return false;

	mean = ndcg_of(&best->second) - ndcg_of(&current->second);
	for (int i = 0; i < n; i++)
	{
		double		difference = after[i] - before[i] - mean;

		squares += difference * difference;
	}
	if (mean <= 0 ||
		ndcg_of(&best->second) < ndcg_of(&current->second) * (1 + MIN_GAIN) ||
		mean <= sqrt(squares / (n - 1) / n) * (1 + 1e-9))
		return false;
	best->result = "confirmed";
	return true;
}

/*
 * Sets column number attnum to how much better score is than base, as a share
 * of base; null if that is 0.
 */
static void
put_gain(Datum *values, bool *nulls, int attnum, const EvalScore *score,
		 const EvalScore *base)
{
	if (score->users == 0 || ndcg_of(base) <= 0)
		return;
	row_set(values, nulls, attnum,
			Float8GetDatum(ndcg_of(score) / ndcg_of(base) - 1));
}

/*
 * Returns the row of a candidate.
 */
static void
put_candidate(ReturnSetInfo *rsinfo, const Candidate *candidate,
			  const Candidate *current)
{
	Datum		values[Natts_tune];
	bool		nulls[Natts_tune];
	const EvalScore *first = &candidate->first;
	Jsonb	   *changes;

	memset(nulls, true, sizeof(nulls));
	row_set(values, nulls, Anum_tune_candidate,
			CStringGetTextDatum(candidate->name));
	changes = interact_settings_to_json(&current->settings,
										&candidate->settings);
	row_set(values, nulls, Anum_tune_settings, JsonbPGetDatum(changes));
	row_set(values, nulls, Anum_tune_evaluated, Int32GetDatum(first->users));
	row_set(values, nulls, Anum_tune_result,
			CStringGetTextDatum(candidate->result));
	if (first->users > 0)
	{
		row_set(values, nulls, Anum_tune_hit_rate,
				Float8GetDatum(first->hits / first->users));
		row_set(values, nulls, Anum_tune_mrr,
				Float8GetDatum(first->mrr / first->users));
		row_set(values, nulls, Anum_tune_ndcg, Float8GetDatum(ndcg_of(first)));
		row_set(values, nulls, Anum_tune_ms_per_call,
				Float8GetDatum(first->ms / first->calls));
	}
	if (candidate->second.users > 0)
		row_set(values, nulls, Anum_tune_confirmed_ndcg,
				Float8GetDatum(ndcg_of(&candidate->second)));
	put_gain(values, nulls, Anum_tune_gain, first, &current->first);
	put_gain(values, nulls, Anum_tune_confirmed_gain, &candidate->second,
			 &current->second);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * interact_tune(seconds, apply, users, max_items, events, since, seed,
 * max_steps): one row per candidate, in the order they were tried.
 */
Datum
interact_tune(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	InteractSettings settings = *interact_settings();
	SampleRequest request = {0};
	Tuning		tuning = {0};
	int			seconds = interact_arg_between(fcinfo, 0, "seconds",
											   1, MAX_SECONDS);
	bool		apply = interact_arg_bool(fcinfo, 1, "apply");
	int			max_items = evaluate_args(fcinfo, 2, &request);

	tuning.steps_left = interact_arg_between(fcinfo, 7, "max_steps",
											 0, MAX_STEPS);
	if (apply)
		PreventCommandIfReadOnly("interact_tune(apply => true)");

	InitMaterializedSRF(fcinfo, 0);
	tuning.deadline = GetCurrentTimestamp() + seconds * USECS_PER_SEC;
	tuning.maxcandidates = 16;
	tuning.candidates = palloc(sizeof(Candidate) * tuning.maxcandidates);
	request.settings = &settings;
	draw_samples(&tuning, &request);

	tuning.eval = evaluation_begin(max_items);
	try_in_force(&tuning, &settings, seconds);
	if (tuning.nusers[0] > 0 && try_presets(&tuning))
		try_steps(&tuning);
	if (tuning.best > 0 && confirm(&tuning) && apply)
	{
		interact_settings_store(&tuning.candidates[tuning.best].settings);
		tuning.candidates[tuning.best].result = "stored";
	}
	evaluation_end(tuning.eval);

	if (tuning.late)
		ereport(NOTICE,
				(errmsg("stopped after %d candidates because the time was over",
						tuning.ncandidates),
				 errhint("Give more seconds, or ask for fewer users.")));
	for (int i = 0; i < tuning.ncandidates; i++)
		put_candidate(rsinfo, &tuning.candidates[i], &tuning.candidates[0]);
	return (Datum) 0;
}
