/*-------------------------------------------------------------------------
 *
 * memory.c
 *	  The walk of recommend() over arrays in memory: what is left to gain.
 *
 *	  memory PAIRS CALLS NOW
 *
 * PAIRS is a file of one line per pair of interact_affinity: user, item, time
 * in microseconds, weight; CALLS one of one user per line.  NOW is the time of
 * the calls, in microseconds.  Ids are small positive numbers.  All calls are
 * made twice; of the second time one line per call is printed: user,
 * microseconds, the best ten items in order.
 *
 * The formula and the defaults are those of src/walk.c, which explains them.
 * Everything a database does is left out: pairs lie in two sorted arrays, a
 * user's or an item's side by side, ids are array indexes, numbers of items
 * and of users are exact and at hand, and nobody else changes anything.
 *
 *-------------------------------------------------------------------------
 */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PROFILE_SCAN		1000
#define PROFILE_ITEMS		100
#define HOP1_BUDGET			4000
#define HOP2_BUDGET			10000
#define NEIGHBOURS			200
#define WINDOW_ROWS			60
#define POSITION_EXPONENT	0.5
#define ITEM_EXPONENT		0.4
#define ITEM_DEGREE_CAP		200
#define USER_EXPONENT		0.4
#define POPULARITY_EXPONENT	0.1
#define GAP_EXPONENT		0.4
#define BEFORE_FACTOR		0.6
#define RECENCY_FLOOR		0.3
#define RECENCY_HALF_LIFE	(90 * 86400.0 * 1000000.0)
#define MIN_SHARE			8
#define MAX_ITEMS			10
#define DAMPED_ITEMS		(4 * MAX_ITEMS + 20)

/* One direction of a pair. */
typedef struct Row
{
	int64_t		at;				/* microseconds */
	int32_t		other;			/* item, or user */
	float		weight;
} Row;

/* A pair as it comes from the file. */
typedef struct Pair
{
	int64_t		at;
	int32_t		user;
	int32_t		item;
	float		weight;
} Pair;

typedef struct ProfileItem
{
	double		weight;
	int32_t		item;
	int32_t		read;			/* rows read so far */
} ProfileItem;

typedef struct Neighbour
{
	double		sum;
	double		anchor_weight;
	double		anchor_edge;
	int64_t		anchor_at;
	int32_t		user;
	int32_t		anchor;			/* index of profile[] */
} Neighbour;

typedef struct Posting
{
	int64_t		at;
	int32_t		neighbour;
	int32_t		profile;
	float		weight;
} Posting;

/* What a walk knows of an item; of this walk if stamp says so. */
typedef struct Item
{
	double		score;
	int32_t		stamp;
	int32_t		profile;		/* index of profile[], -1 = none */
	bool		barred;
} Item;

typedef struct Ranked
{
	double		score;
	int32_t		id;
	int32_t		index;
} Ranked;

static int32_t nusers;			/* greatest id + 1 */
static int32_t nitems;
static int64_t *user_start;		/* first of user_rows[] of a user */
static int64_t *item_start;
static Row *user_rows;			/* newest first, then by item */
static Row *item_rows;			/* newest first, then by user */
static double *user_factor;		/* (items of the user)^-USER_EXPONENT */
static double *item_factor;		/* (users of the item)^-POPULARITY_EXPONENT */

static int32_t stamp;
static int32_t *user_stamp;		/* stamp of the walk that met the user */
static int32_t *user_index;		/* its index of neighbours[] */
static Item *items;
static int32_t *met;			/* items with a score */
static int	nmet;
static ProfileItem profile[PROFILE_ITEMS];
static int	nprofile;
static Neighbour neighbours[HOP1_BUDGET + PROFILE_ITEMS];
static int	nneighbours;
static Posting postings[HOP1_BUDGET + PROFILE_ITEMS];
static int	npostings;
static double gaps[WINDOW_ROWS];


static void *
allocate(size_t n, size_t size)
{
	void	   *p = calloc(n, size);

	if (p == NULL)
	{
		fprintf(stderr, "memory: out of memory\n");
		exit(1);
	}
	return p;
}

static FILE *
open_file(const char *name)
{
	FILE	   *file = fopen(name, "r");

	if (file == NULL)
	{
		perror(name);
		exit(1);
	}
	return file;
}

static int
compare_rows(const void *a, const void *b)
{
	const Row  *x = a;
	const Row  *y = b;

	if (x->at != y->at)
		return x->at > y->at ? -1 : 1;
	return x->other < y->other ? -1 : x->other > y->other ? 1 : 0;
}

/*
 * Lays the pairs out by one of their ids.
 */
static void
lay_out(const Pair *pairs, int64_t npairs, bool by_user, int32_t n,
		int64_t **start, Row **rows)
{
	int64_t    *next = allocate(n + 1, sizeof(int64_t));

	*start = allocate(n + 1, sizeof(int64_t));
	*rows = allocate(npairs, sizeof(Row));
	for (int64_t i = 0; i < npairs; i++)
		(*start)[(by_user ? pairs[i].user : pairs[i].item) + 1]++;
	for (int32_t i = 0; i < n; i++)
		(*start)[i + 1] += (*start)[i];
	memcpy(next, *start, sizeof(int64_t) * (n + 1));
	for (int64_t i = 0; i < npairs; i++)
	{
		Row		   *row = &(*rows)[next[by_user ? pairs[i].user : pairs[i].item]++];

		row->at = pairs[i].at;
		row->other = by_user ? pairs[i].item : pairs[i].user;
		row->weight = pairs[i].weight;
	}
	for (int32_t i = 0; i < n; i++)
		qsort(*rows + (*start)[i], (*start)[i + 1] - (*start)[i], sizeof(Row),
			  compare_rows);
	free(next);
}

static void
load(const char *name)
{
	FILE	   *file = open_file(name);
	int64_t		max = 1 << 20;
	int64_t		npairs = 0;
	Pair	   *pairs = malloc(sizeof(Pair) * max);
	char		line[200];

	while (fgets(line, sizeof(line), file) != NULL)
	{
		Pair	   *pair;
		char	   *p;

		if (npairs == max)
			pairs = realloc(pairs, sizeof(Pair) * (max *= 2));
		if (pairs == NULL)
			allocate(max, sizeof(Pair));
		pair = &pairs[npairs++];
		pair->user = strtol(line, &p, 10);
		pair->item = strtol(p, &p, 10);
		pair->at = strtoll(p, &p, 10);
		pair->weight = strtof(p, &p);
		if (pair->user >= nusers)
			nusers = pair->user + 1;
		if (pair->item >= nitems)
			nitems = pair->item + 1;
	}
	fclose(file);

	lay_out(pairs, npairs, true, nusers, &user_start, &user_rows);
	lay_out(pairs, npairs, false, nitems, &item_start, &item_rows);
	free(pairs);

	user_factor = allocate(nusers, sizeof(double));
	for (int32_t i = 0; i < nusers; i++)
		user_factor[i] = pow(fmax(user_start[i + 1] - user_start[i], 1),
							 -USER_EXPONENT);
	item_factor = allocate(nitems, sizeof(double));
	for (int32_t i = 0; i < nitems; i++)
		item_factor[i] = pow(fmax(item_start[i + 1] - item_start[i], 1),
							 -POPULARITY_EXPONENT);
	user_stamp = allocate(nusers, sizeof(int32_t));
	user_index = allocate(nusers, sizeof(int32_t));
	items = allocate(nitems, sizeof(Item));
	met = allocate(nitems, sizeof(int32_t));
	for (int r = 0; r < WINDOW_ROWS; r++)
		gaps[r] = pow(r + 1, -GAP_EXPONENT);
}


static inline Item *
find_item(int32_t id)
{
	Item	   *item = &items[id];

	if (item->stamp != stamp)
	{
		item->stamp = stamp;
		item->score = 0;
		item->profile = -1;
		item->barred = false;
	}
	return item;
}

static inline bool
ranked_before(const Ranked *a, const Ranked *b)
{
	if (a->score != b->score)
		return a->score > b->score;
	return a->id < b->id;
}

static int
compare_ranked(const void *a, const void *b)
{
	return ranked_before(a, b) ? -1 : ranked_before(b, a) ? 1 : 0;
}

static void
sift(Ranked *heap, int n, int i)
{
	Ranked		moved = heap[i];

	for (int child; (child = 2 * i + 1) < n; i = child)
	{
		if (child + 1 < n && ranked_before(&heap[child + 1], &heap[child]))
			child++;
		if (!ranked_before(&heap[child], &moved))
			break;
		heap[i] = heap[child];
	}
	heap[i] = moved;
}

static Ranked
pop(Ranked *heap, int *n)
{
	Ranked		top = heap[0];

	heap[0] = heap[--*n];
	sift(heap, *n, 0);
	return top;
}

static void
read_profile(int32_t user)
{
	int64_t		n = user_start[user + 1] - user_start[user];
	int32_t		position = 0;

	if (n > PROFILE_SCAN)
		n = PROFILE_SCAN;
	nprofile = 0;
	for (int64_t i = 0; i < n; i++)
	{
		const Row  *row = &user_rows[user_start[user] + i];
		Item	   *item = find_item(row->other);

		item->barred = true;
		if (nprofile == PROFILE_ITEMS)
			continue;
		if (i > 0 && row->at != row[-1].at)
			position++;
		item->profile = nprofile;
		profile[nprofile].item = row->other;
		profile[nprofile].read = 0;
		profile[nprofile].weight = row->weight *
			pow(1.0 + position, -POSITION_EXPONENT);
		nprofile++;
	}
}

static void
hop1(void)
{
	int			left = HOP1_BUDGET;
	int			unread = nprofile;
	bool		first = true;

	npostings = nneighbours = 0;
	while (unread > 0)
	{
		int			share = left / unread;

		if (first && share == 0)
			share = 1;
		else if (!first && share < MIN_SHARE)
			break;
		for (int i = 0; i < nprofile && left > 0; i++)
		{
			ProfileItem *p = &profile[i];
			int64_t		start = item_start[p->item];
			int64_t		n = item_start[p->item + 1] - start;
			int			quota = share < left ? share : left;

			if (p->read == n)
				continue;
			for (; quota > 0 && p->read < n; quota--, left--)
			{
				const Row  *row = &item_rows[start + p->read++];
				Posting    *posting = &postings[npostings++];

				if (user_stamp[row->other] != stamp)
				{
					user_stamp[row->other] = stamp;
					user_index[row->other] = nneighbours;
					memset(&neighbours[nneighbours], 0, sizeof(Neighbour));
					neighbours[nneighbours++].user = row->other;
				}
				posting->at = row->at;
				posting->neighbour = user_index[row->other];
				posting->profile = i;
				posting->weight = row->weight;
			}
			if (p->read == n)
				unread--;
		}
		first = false;
	}

	for (int i = 0; i < nprofile; i++)
	{
		int			users = profile[i].read;

		if (users > ITEM_DEGREE_CAP)
			users = ITEM_DEGREE_CAP;
		profile[i].weight *= pow(users > 1 ? users : 1, -ITEM_EXPONENT);
	}
	for (int i = 0; i < npostings; i++)
	{
		const Posting *posting = &postings[i];
		Neighbour  *neighbour = &neighbours[posting->neighbour];
		double		weight = profile[posting->profile].weight;

		neighbour->sum += weight * posting->weight;
		if (weight > neighbour->anchor_weight ||
			(weight == neighbour->anchor_weight &&
			 posting->profile < neighbour->anchor))
		{
			neighbour->anchor_weight = weight;
			neighbour->anchor_edge = posting->weight;
			neighbour->anchor_at = posting->at;
			neighbour->anchor = posting->profile;
		}
	}
}

/*
 * Gives rows of one time the mean of their places.
 */
static void
end_time(double *gap, int from, int to, double factor)
{
	int			middle = (from + to - 1) / 2;

	for (int i = from; i < to; i++)
		gap[i] = factor * gaps[middle];
}

/*
 * Reads one side of a window, going by "step" from *row; returns the number of
 * rows noted.
 */
static int
read_side(const Row *row, const Row *end, int step, int32_t anchor,
		  double factor, int *left, const Row **rows, double *gap)
{
	int			n = 0;
	int			tied = 0;

	for (; row != end && n < WINDOW_ROWS && *left > 0; row += step, --*left)
	{
		if (row->other == anchor)
			continue;
		if (n > 0 && row->at != rows[n - 1]->at)
		{
			end_time(gap, tied, n, factor);
			tied = n;
		}
		rows[n++] = row;
	}
	end_time(gap, tied, n, factor);
	return n;
}

static void
hop2(int32_t asking, int64_t now)
{
	static Ranked heap[HOP1_BUDGET + PROFILE_ITEMS];
	int			n = 0;
	int			left = HOP2_BUDGET;

	for (int i = 0; i < nneighbours; i++)
	{
		if (neighbours[i].user == asking)
			continue;
		heap[n].score = neighbours[i].sum * user_factor[neighbours[i].user];
		heap[n].id = neighbours[i].user;
		heap[n].index = i;
		n++;
	}
	for (int i = n / 2 - 1; i >= 0; i--)
		sift(heap, n, i);

	nmet = 0;
	for (int kept = 0; n > 0 && kept < NEIGHBOURS && left > 0; kept++)
	{
		const Neighbour *neighbour = &neighbours[pop(heap, &n).index];
		const Row  *first = user_rows + user_start[neighbour->user];
		const Row  *end = user_rows + user_start[neighbour->user + 1];
		int32_t		anchor = profile[neighbour->anchor].item;
		const Row  *rows[2 * WINDOW_ROWS];
		double		gap[2 * WINDOW_ROWS];
		const Row  *before = first;
		const Row  *high = end;
		double		sum = neighbour->anchor_weight * neighbour->anchor_edge;
		int			nrows;

		while (before < high)
		{
			const Row  *middle = before + (high - before) / 2;

			if (middle->at >= neighbour->anchor_at)
				before = middle + 1;
			else
				high = middle;
		}
		nrows = read_side(before - 1, first - 1, -1, anchor, 1.0, &left,
						  rows, gap);
		nrows += read_side(before, end, 1, anchor, BEFORE_FACTOR, &left,
						   rows + nrows, gap + nrows);

		for (int i = 0; i < nrows; i++)
		{
			const Item *item = find_item(rows[i]->other);

			if (item->profile >= 0)
				sum += profile[item->profile].weight * rows[i]->weight;
		}
		if (sum < neighbour->sum)
			sum = neighbour->sum;
		sum *= user_factor[neighbour->user];
		for (int i = 0; i < nrows; i++)
		{
			Item	   *item = &items[rows[i]->other];

			if (item->barred)
				continue;
			if (item->score == 0)
				met[nmet++] = rows[i]->other;
			item->score += sum * rows[i]->weight * gap[i] *
				(RECENCY_FLOOR + (1 - RECENCY_FLOOR) *
				 exp2(-fmax((double) (now - rows[i]->at), 0) / RECENCY_HALF_LIFE));
		}
	}
}

/*
 * The best MAX_ITEMS; returns how many there are.
 */
static int
rank(Ranked *heap, Ranked *best)
{
	int			n = nmet;
	int			nbest = 0;

	for (int i = 0; i < n; i++)
	{
		heap[i].score = items[met[i]].score;
		heap[i].id = met[i];
	}
	for (int i = n / 2 - 1; i >= 0; i--)
		sift(heap, n, i);
	while (n > 0 && nbest < DAMPED_ITEMS)
	{
		best[nbest] = pop(heap, &n);
		best[nbest].score *= item_factor[best[nbest].id];
		nbest++;
	}
	qsort(best, nbest, sizeof(Ranked), compare_ranked);
	return nbest < MAX_ITEMS ? nbest : MAX_ITEMS;
}

int
main(int argc, char **argv)
{
	int64_t		now;
	Ranked	   *heap;
	int			ncalls = 0;
	int			maxcalls = 1024;
	int32_t    *calls = malloc(sizeof(int32_t) * maxcalls);
	FILE	   *file;

	if (argc != 4)
	{
		fprintf(stderr, "usage: memory PAIRS CALLS NOW\n");
		return 1;
	}
	load(argv[1]);
	heap = allocate(nitems, sizeof(Ranked));
	now = strtoll(argv[3], NULL, 10);
	file = open_file(argv[2]);
	while (calls != NULL && fscanf(file, "%" SCNd32, &calls[ncalls]) == 1)
	{
		if (calls[ncalls] < 0 || calls[ncalls] >= nusers)
			continue;
		if (++ncalls == maxcalls)
			calls = realloc(calls, sizeof(int32_t) * (maxcalls *= 2));
	}
	fclose(file);

	for (int round = 0; round < 2; round++)
	{
		for (int i = 0; i < ncalls; i++)
		{
			struct timespec began;
			struct timespec ended;
			Ranked		best[DAMPED_ITEMS];
			int			n;

			clock_gettime(CLOCK_MONOTONIC, &began);
			stamp++;
			read_profile(calls[i]);
			hop1();
			hop2(calls[i], now);
			n = rank(heap, best);
			clock_gettime(CLOCK_MONOTONIC, &ended);
			if (round == 0)
				continue;
			printf("%" PRId32 "\t%.3f\t", calls[i],
				   (ended.tv_sec - began.tv_sec) * 1e6 +
				   (ended.tv_nsec - began.tv_nsec) / 1e3);
			for (int j = 0; j < n; j++)
				printf("%s%" PRId32, j > 0 ? "," : "{", best[j].id);
			printf("%s}\n", n > 0 ? "" : "{");
		}
	}
	return 0;
}
