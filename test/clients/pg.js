// node-postgres: parameters without types, arrays, jsonb, errors, transactions.

const { Client } = require('pg');
const { ok, is, run } = require('./check');

run(async () => {
	const client = new Client({ host: process.env.PGHOST });
	await client.connect();
	const query = async (text, values) => (await client.query(text, values)).rows;

	// functions
	is(await query('SELECT interact_record_view($1, $2, context => $3) AS done', [1001, 1, { page: 'home' }]),
		[{ done: true }], 'records a view with a context');
	is(await query('SELECT interact_record_view(user_id => $1, item_id => $2, dedup => $3) AS done', [1001, 1, '1 hour']),
		[{ done: false }], 'named arguments and an interval');
	is(await query('SELECT interact_record_views($1, $2) AS n', [[1001, 1002, 1002, 1002], [2, 1, 2, 3]]),
		[{ n: '4' }], 'arrays');
	is(await query('SELECT interact_record_purchase($1, $2, $3, $4) AS done', [1002, 3, 2, '19.90']),
		[{ done: true }], 'a price as text');

	// plain statements
	const rows = await query('INSERT INTO interact_favorite (user_id, item_id) VALUES ($1, $2), ($1, $3) RETURNING id, list', [1001, 1, 2]);
	ok(rows.length === 2 && Number(rows[0].id) > 0 && rows[0].list === 'favorites', 'INSERT ... RETURNING');
	is((await client.query('INSERT INTO interact_favorite (user_id, item_id) VALUES ($1, $2) ON CONFLICT DO NOTHING', [1001, 1])).rowCount,
		0, 'ON CONFLICT DO NOTHING');
	is((await client.query('DELETE FROM interact_favorite WHERE user_id = $1 AND item_id = $2', [1001, 2])).rowCount, 1, 'DELETE');
	await query('INSERT INTO interact_review (user_id, item_id, rating) VALUES ($1, $2, $3)', [1002, 1, 4]);
	is((await client.query('UPDATE interact_review SET rating = $3, updated_at = now() WHERE user_id = $1 AND item_id = $2', [1002, 1, 5])).rowCount,
		1, 'UPDATE');

	// reading, once by a prepared statement that is used again
	const recommend = { name: 'recommend', text: 'SELECT item_id, reason, because_item_id FROM recommend($1, max_items => $2)', values: [1001, 5] };
	const first = await query(recommend);
	ok(first.some((r) => r.item_id === '3' && r.reason === 'similar_users'), 'recommends what a similar user has');
	is(await query(recommend), first, 'a prepared statement, again');
	is(await query('SELECT views, favorites, rating_avg, revenue FROM interact_item_stats WHERE item_id = ANY ($1) ORDER BY item_id', [[1, 3]]),
		[{ views: '2', favorites: '1', rating_avg: '5.00', revenue: '0' },
			{ views: '1', favorites: '0', rating_avg: null, revenue: '39.80' }], 'numbers of items');
	is(await query('SELECT event, reached FROM interact_funnel($1, within => $2)', [['view', 'purchase'], '1 day']),
		[{ event: 'view', reached: '5' }, { event: 'purchase', reached: '1' }], 'a funnel');

	// errors and transactions
	await query('BEGIN');
	await query('SELECT interact_record_view(1003, 1)');
	try {
		await query('SELECT interact_record_view($1, $2)', [null, 1]);
		ok(false, 'null is an error');
	} catch (error) {
		is([error.code, error.message], ['22004', 'user_id must not be null'], 'null is an error');
	}
	await query('ROLLBACK');
	is(await query('SELECT count(*) AS n FROM interact_view WHERE user_id = 1003'), [{ n: '0' }], 'rolled back');
	try {
		await query('INSERT INTO interact_review (user_id, item_id, rating) VALUES ($1, $2, $3)', [1002, 2, 6]);
		ok(false, 'a rating out of range is an error');
	} catch (error) {
		is(error.code, '23514', 'a rating out of range is an error');
	}

	await client.end();
});
