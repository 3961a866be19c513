// The npm packages that parse filters and apply PATCH, measured like everything else in
// this run: the best of many short rounds, after the compiler is done.
// Usage: node peers.mjs INPUTS NODE_MODULES_PARENT; one JSON object a line on stdout.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [inputsFile, packages] = process.argv.slice(2);
const inputs = JSON.parse(readFileSync(inputsFile, "utf8"));
const require = createRequire(`${packages}/package.json`);

const WARM_UP_MS = 500;
const ROUNDS = 300;
const ROUND_MS = 3;

// How many microseconds a pass takes when passes are made for some time.
function round(pass, milliseconds) {
  const started = process.hrtime.bigint();
  let passes = 0;
  let elapsed;
  do {
    for (let i = 0; i < 8; i++) pass();
    passes += 8;
    elapsed = Number(process.hrtime.bigint() - started);
  } while (elapsed < milliseconds * 1e6);
  return elapsed / 1000 / passes;
}

function micros(pass, perPass) {
  round(pass, WARM_UP_MS);
  let best = Infinity;
  for (let i = 0; i < ROUNDS; i++) best = Math.min(best, round(pass, ROUND_MS));
  return best / perPass;
}

function works(run) {
  try {
    run();
    return true;
  } catch {
    return false;
  }
}

function report(task, peer, figures) {
  console.log(JSON.stringify({ task, peer, ...figures }));
}

function parsing(peer, parse) {
  const taken = inputs.filters.filter((text) => works(() => parse(text)));
  const pass = () => taken.forEach((text) => parse(text));
  report("parse", peer, { micros: micros(pass, taken.length), taken: taken.length });
}

function group() {
  const members = [];
  for (let i = 0; i < inputs.members; i++) {
    members.push({ value: `019aa3c0-3a51-7c1e-9c51-${String(i).padStart(12, "0")}`, type: "User" });
  }
  return {
    schemas: ["urn:ietf:params:scim:schemas:core:2.0:Group"],
    id: "019aa3c0-3a51-7c1e-9c51-aaaaaaaaaaaa",
    displayName: "Staff",
    members,
  };
}

function patching(peer, apply) {
  for (const [task, requests] of Object.entries(inputs.patches)) {
    let resource = task.startsWith("group") ? group() : structuredClone(inputs.user);
    const pass = () => {
      for (const operations of requests) resource = apply(resource, operations);
    };
    if (works(pass)) report(task, peer, { micros: micros(pass, requests.length) });
  }
}

const { parse } = require("scim2-parse-filter");
parsing("scim2-parse-filter (npm)", parse);

const SCIMMY = require("scimmy").default ?? require("scimmy");
parsing("scimmy (npm)", (text) => new SCIMMY.Types.Filter(text));

const { scimPatch } = require("scim-patch");
patching("scim-patch (npm), in place", (resource, operations) => {
  scimPatch(resource, operations);
  return resource;
});
const onACopy = { mutateDocument: false, treatMissingAsAdd: true };
patching("scim-patch (npm), on a copy", (resource, operations) =>
  scimPatch(resource, operations, onACopy),
);
