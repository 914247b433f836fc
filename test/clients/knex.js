// knex: the query builder, batches, transactions, raw calls.

const { ok, is, run } = require('./check');

run(async () => {
	const knex = require('knex')({ client: 'pg', connection: { host: process.env.PGHOST, user: process.env.PGUSER, database: process.env.PGDATABASE } });

	try {
		const [{ id }] = await knex('interact_view').insert({ user_id: 2001, item_id: 11, context: { from: 'knex' } }).returning('id');
		ok(Number(id) > 0, 'insert returns the id');
		await knex.batchInsert('interact_view', [
			{ user_id: 2001, item_id: 12 }, { user_id: 2002, item_id: 11 }, { user_id: 2002, item_id: 12 },
			{ user_id: 2002, item_id: 13 }], 3);
		is(await knex('interact_view').where({ user_id: 2002 }).count({ n: '*' }), [{ n: '3' }], 'a batch');

		await knex('interact_favorite').insert([{ user_id: 2001, item_id: 11 }, { user_id: 2001, item_id: 12 }]);
		await knex('interact_favorite').insert({ user_id: 2001, item_id: 11 }).onConflict(['user_id', 'item_id', 'list']).ignore();
		is(await knex('interact_favorite').where({ user_id: 2001, item_id: 12 }).del(), 1, 'delete');

		await knex('interact_review').insert({ user_id: 2002, item_id: 11, rating: 2 })
			.onConflict(['user_id', 'item_id']).merge();
		await knex('interact_review').insert({ user_id: 2002, item_id: 11, rating: 5 })
			.onConflict(['user_id', 'item_id']).merge(['rating']);
		is(await knex('interact_review').where({ user_id: 2002 }).update({ comment: 'good', updated_at: knex.fn.now() }), 1, 'update');
		is(await knex('interact_item_stats').where('item_id', 11).first('views', 'favorites', 'rating_avg'),
			{ views: '2', favorites: '1', rating_avg: '5.00' }, 'upserts count once');

		await knex.transaction(async (trx) => {
			await trx('interact_view').insert({ user_id: 2003, item_id: 11 });
			throw new Error('no');
		}).catch(() => {});
		is(await knex('interact_view').where({ user_id: 2003 }), [], 'rolled back');

		const { rows } = await knex.raw('SELECT * FROM recommend(?, max_items => ?, exclude => ?)', [2001, 3, [12]]);
		ok(rows.some((r) => r.item_id === '13'), 'recommends what a similar user has');
		const joined = await knex('interact_review AS r').join('interact_item_stats AS s', 's.item_id', 'r.item_id')
			.where('r.user_id', 2002).select('s.ratings');
		is(joined, [{ ratings: '1' }], 'a join with the numbers of items');
	} finally {
		await knex.destroy();
	}
});
