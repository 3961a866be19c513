// Makes calls of the package and prints their outcomes: a JSON list of
// `[method, ...arguments]` comes on standard input, a JSON text for each goes out in a list.
import { readFileSync } from "node:fs";
import { Scim } from "scim-web";

const scim = new Scim();
const calls = JSON.parse(readFileSync(0, "utf8"));
const outcomes = calls.map(([method, ...rest]) => JSON.stringify(scim[method](...rest)));
process.stdout.write(JSON.stringify(outcomes));
