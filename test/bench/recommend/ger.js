// Times recommendations of the npm package ger and recommend(), in turn for
// each user, through one and the same pool of connections.
//
//   node ger.js init              makes ger's table
//   node ger.js time USER...      prints a line per user: milliseconds of
//                                 recommend(), of ger, ger's number of items, or
//                                 "-" if statement_timeout stopped it
//
// PGHOST, PGPORT, PGUSER and PGDATABASE say where.  ger is used as its manual
// says, with its defaults (25 neighbours among those of the 100 latest events,
// 5 events of each); weights are those of interact, and items that the person
// has are left out.  Each user is asked for twice, and the second time counts.

'use strict';

const g = require('ger');

const namespace = 'ger';
const configuration = () => ({
	actions: { view: 1, purchase: 1.5 },
	filter_previous_actions: ['view', 'purchase'],
});

const knex = g.knex({
	client: 'pg',
	connection: {
		host: process.env.PGHOST,
		port: process.env.PGPORT,
		user: process.env.PGUSER,
		database: process.env.PGDATABASE,
	},
});
const ger = new g.GER(new g.PsqlESM({ knex }));

// What a promise comes to, and how many milliseconds that takes
async function timed(work) {
	const began = process.hrtime.bigint();
	const result = await work();
	return [Number(process.hrtime.bigint() - began) / 1e6, result];
}

// A call that statement_timeout ended counts as long as it took until then.
function stopped(error) {
	if (error.code !== '57014')
		throw error;
	return '-';
}

async function time(users) {
	for (const user of users) {
		for (const counts of [false, true]) {
			const [ours] = await timed(() =>
				knex.raw('SELECT * FROM recommend(?, 10)', [user]));
			const [theirs, items] = await timed(() =>
				ger.recommendations_for_person(namespace, user, configuration())
					.then((answer) => answer.recommendations.length, stopped));
			if (counts)
				console.log([ours.toFixed(3), theirs.toFixed(3), items].join('\t'));
		}
	}
}

const [what, ...users] = process.argv.slice(2);
(what === 'init' ? ger.initialize_namespace(namespace) : time(users))
	.then(() => process.exit(0), (error) => {
		console.error(String(error.stack || error));
		process.exit(1);
	});
