/*-------------------------------------------------------------------------
 *
 * rerank.c
 *	  A ridge regression among the best candidates, computed when asked for:
 *	  for tastes that do not depend on order.
 *
 * The walk adds up how often a candidate occurs near items of the profile.
 * Two candidates that always occur together both profit from the same items;
 * the regression explains each item of a set by the others and so counts what
 * they share once.  The set are the items of the profile (h) and the best
 * candidates (j), N <= RERANK_ITEMS in all, and what is known of it are the rows
 * of the neighbours v that hop 2 kept:
 *
 *	  G   = SUM over v of S(v) / mean S * x_v x_v'   x_v: which of the N items
 *													 lie in the rows of v read
 *	  P   = (G + lambda * mean(diag G) * I)^-1		 lambda = 1
 *	  e_j = - SUM over h other than j of P_hj / P_jj
 *	  new score of j = (1-mu) * score_j / max score + mu * e_j / max e
 *
 * mu is the setting rerank_weight; this is the closed form of EASE (Steck:
 * Embarrassingly shallow autoencoders for sparse data, 2019) on the
 * neighbourhood only.  Nothing more is read for it.
 *
 * With the profile first in the order of items, G + ... = L L' by Cholesky;
 * SUM over h of P_hj comes from one system of equations, and P_jj from the
 * candidates' corner of L alone, which is inverted: about 3 million
 * multiplications at N = 200.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include <math.h>

#include "miscadmin.h"

/* N at most. */
#define RERANK_ITEMS			200

/* How strongly the regression is held back. */
#define RERANK_LAMBDA			1.0

/* Element of a square matrix, of its lower triangle. */
#define AT(m, n, row, col)		((m)[(row) * (n) + (col)])

/*
 * Adds the rows of the kept neighbours to g, the lower triangle of an n * n
 * matrix.  place[]: of each of the walk's items, -1 if it has none.
 */
static void
add_rows(Walk *walk, const int16 *place, double *g, int n)
{
	double		mean = 0;
	int			places[RERANK_ITEMS];

	for (int32 v = 0; v < walk->nkept; v++)
		mean += walk->kept[v].strength / walk->nkept;

	for (int32 v = 0; v < walk->nkept; v++)
	{
		const KeptUser *kept = &walk->kept[v];
		double		weight = kept->strength / mean;
		int			nplaces = 0;

		CHECK_FOR_INTERRUPTS();
		for (int32 i = 0; i < kept->nitems; i++)
		{
			int			p = place[walk->kept_items[kept->start + i]];

			if (p >= 0)
				places[nplaces++] = p;
		}
		for (int a = 0; a < nplaces; a++)
		{
			for (int b = 0; b < nplaces; b++)
			{
				if (places[b] <= places[a])
					AT(g, n, places[a], places[b]) += weight;
			}
		}
	}
}

/*
 * Replaces the lower triangle of a positive definite n * n matrix by that L
 * whose product with its transpose it is.
 */
static void
cholesky(double *m, int n)
{
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (int j = 0; j <= i; j++)
		{
			double		sum = AT(m, n, i, j);

			for (int k = 0; k < j; k++)
				sum -= AT(m, n, i, k) * AT(m, n, j, k);
			AT(m, n, i, j) = i == j ? sqrt(sum) : sum / AT(m, n, j, j);
		}
	}
}

/*
 * Replaces x by the solution of L L' y = x.
 */
static void
solve(const double *l, int n, double *x)
{
	for (int i = 0; i < n; i++)
	{
		for (int k = 0; k < i; k++)
			x[i] -= AT(l, n, i, k) * x[k];
		x[i] /= AT(l, n, i, i);
	}
	for (int i = n - 1; i >= 0; i--)
	{
		for (int k = i + 1; k < n; k++)
			x[i] -= AT(l, n, k, i) * x[k];
		x[i] /= AT(l, n, i, i);
	}
}

/*
 * Element j of the diagonal of (L L')^-1: the sum of squares of column j of
 * L^-1, which depends on L from row and column j on alone.  column is scratch
 * space.
 */
static double
inverse_diagonal(const double *l, int n, int j, double *column)
{
	double		sum;

	column[j] = 1 / AT(l, n, j, j);
	sum = column[j] * column[j];
	for (int i = j + 1; i < n; i++)
	{
		double		x = 0;

		for (int k = j; k < i; k++)
			x -= AT(l, n, i, k) * column[k];
		column[i] = x / AT(l, n, i, i);
		sum += column[i] * column[i];
	}
	return sum;
}

/*
 * Gives the n best candidates of a walk new scores by the regression, and
 * sorts them.  Scores stay above 0: where some would not, all are raised.  The
 * current memory context is the walk's.
 */
void
rerank(Walk *walk, Ranked *top, int n)
{
	double		mu = walk->settings.rerank_weight;
	int			nprofile = Min(walk->nprofile, RERANK_ITEMS - n);
	int			size = nprofile;
	int			places[REARRANGED_ITEMS];
	int16	   *place;
	double	   *g;
	double	   *sums;
	double	   *column;
	double		e[REARRANGED_ITEMS];
	double		diagonal = 0;
	double		best = 0;
	double		least = HUGE_VAL;
	double		best_score;

	if (n == 0 || walk->nkept == 0)
		return;

	place = palloc(sizeof(int16) * walk->nitems);
	memset(place, -1, sizeof(int16) * walk->nitems);
	for (int i = 0; i < nprofile; i++)
		place[walk_item(walk, walk->profile[i].item)] = i;
	for (int i = 0; i < n; i++)
	{
		/* With exclude_seen off a candidate may be of the profile as well */
		if (place[top[i].index] < 0)
			place[top[i].index] = size++;
		places[i] = place[top[i].index];
	}

	g = palloc0(sizeof(double) * size * size);
	add_rows(walk, place, g, size);
	for (int i = 0; i < size; i++)
		diagonal += AT(g, size, i, i) / size;
	if (diagonal <= 0)
		return;
	for (int i = 0; i < size; i++)
		AT(g, size, i, i) += RERANK_LAMBDA * diagonal;
	cholesky(g, size);

	sums = palloc0(sizeof(double) * size);
	column = palloc(sizeof(double) * size);
	for (int i = 0; i < nprofile; i++)
		sums[i] = 1;
	solve(g, size, sums);
	for (int i = 0; i < n; i++)
	{
		int			p = places[i];

		CHECK_FOR_INTERRUPTS();
		e[i] = -sums[p] / inverse_diagonal(g, size, p, column);
		if (p < nprofile)
			e[i] += 1;			/* but for P_jj / P_jj */
		best = Max(best, e[i]);
	}

	best_score = top[0].score;
	for (int i = 0; i < n; i++)
	{
		top[i].score = (1 - mu) * top[i].score / best_score;
		if (best > 0)
			top[i].score += mu * e[i] / best;
		least = Min(least, top[i].score);
	}
	if (least <= 0)
	{
		for (int i = 0; i < n; i++)
			top[i].score += 1e-6 - least;
	}
	qsort(top, n, sizeof(Ranked), ranked_compare);
}
