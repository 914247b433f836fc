// Sequelize: models on the tables, bulkCreate, upsert, instances, transactions.

const { Sequelize, DataTypes } = require('sequelize');
const { ok, is, run } = require('./check');

run(async () => {
	const sequelize = new Sequelize(process.env.PGDATABASE, process.env.PGUSER, null,
		{ host: process.env.PGHOST, dialect: 'postgres', logging: false });
	const columns = (own) => ({
		id: { type: DataTypes.BIGINT, primaryKey: true, autoIncrement: true },
		user_id: { type: DataTypes.BIGINT, allowNull: false },
		item_id: { type: DataTypes.BIGINT, allowNull: false },
		...own,
	});
	const model = (name, own, options) => sequelize.define(name, columns(own), { tableName: name, timestamps: false, ...options });
	const View = model('interact_view', { viewed_at: DataTypes.DATE, context: DataTypes.JSONB });
	const Favorite = model('interact_favorite', { list: DataTypes.TEXT, created_at: DataTypes.DATE });
	// updated_at is kept by the ORM
	const Review = model('interact_review', { rating: DataTypes.SMALLINT, title: DataTypes.TEXT, comment: DataTypes.TEXT },
		{ timestamps: true, createdAt: 'created_at', updatedAt: 'updated_at' });

	try {
		const view = await View.create({ user_id: 3001, item_id: 21, context: { from: 'sequelize' }, viewed_at: new Date() });
		ok(Number(view.id) > 0, 'create returns the id');
		await View.bulkCreate([
			{ user_id: 3001, item_id: 22 }, { user_id: 3002, item_id: 21 }, { user_id: 3002, item_id: 22 },
			{ user_id: 3002, item_id: 23 }].map((v) => ({ ...v, viewed_at: new Date() })));
		is(await View.count({ where: { user_id: 3002 } }), 3, 'bulkCreate');

		const now = new Date();
		const favorite = await Favorite.create({ user_id: 3001, item_id: 21, list: 'wishlist', created_at: now });
		favorite.list = 'birthday';
		await favorite.save();
		await Favorite.create({ user_id: 3001, item_id: 22, list: 'wishlist', created_at: now });
		is(await Favorite.destroy({ where: { item_id: 22 } }), 1, 'destroy');
		const [, made] = await Favorite.findOrCreate({ where: { user_id: 3001, item_id: 21, list: 'birthday' }, defaults: { created_at: now } });
		is(made, false, 'findOrCreate finds');

		const review = await Review.create({ user_id: 3002, item_id: 21, rating: 1 });
		await review.update({ rating: 4 });
		await review.increment('rating');
		is((await review.reload()).rating, 5, 'an instance is changed');
		await sequelize.transaction(async (transaction) => {
			await Review.destroy({ where: { user_id: 3002 }, transaction });
			throw new Error('no');
		}).catch(() => {});
		is(await Review.count({ where: { user_id: 3002 } }), 1, 'rolled back');

		const Stats = sequelize.define('interact_item_stats', {
			item_id: { type: DataTypes.BIGINT, primaryKey: true },
			views: DataTypes.BIGINT, favorites: DataTypes.BIGINT, rating_avg: DataTypes.DECIMAL,
		}, { tableName: 'interact_item_stats', timestamps: false });
		is(await Stats.findByPk(21), { item_id: '21', views: '2', favorites: '1', rating_avg: '5.00' }, 'a model on the view of numbers');

		const rows = await sequelize.query('SELECT * FROM recommend(:user, max_items => :n)',
			{ replacements: { user: 3001, n: 5 }, type: Sequelize.QueryTypes.SELECT });
		ok(rows.some((r) => r.item_id === '23'), 'recommends what a similar user has');
		const bound = await sequelize.query('SELECT * FROM recommend_for_items($items, max_items => $n)',
			{ bind: { items: [21], n: 5 }, type: Sequelize.QueryTypes.SELECT });
		ok(bound.some((r) => r.item_id === '23'), 'an array as a bound parameter');
	} finally {
		await sequelize.close();
	}
});
