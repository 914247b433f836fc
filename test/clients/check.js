// What the clients in JavaScript share: telling what holds.

let failed = 0;

// Tell whether it holds.
function ok(condition, name) {
	console.log(`${condition ? 'ok' : 'not ok'} - ${name}`);
	if (!condition)
		failed++;
}

// Tell whether two values are the same as JSON, and if not, what they are.
function is(actual, expected, name) {
	const a = JSON.stringify(actual), e = JSON.stringify(expected);

	ok(a === e, name);
	if (a !== e)
		console.log(`# got ${a}, expected ${e}`);
}

// Run a client to its end.
function run(client) {
	client().catch((error) => {
		console.log(`not ok - ${error.stack || error}`);
		failed++;
	}).finally(() => {
		process.exitCode = failed ? 1 : 0;
	});
}

module.exports = { ok, is, run };
