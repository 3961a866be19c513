// What JavaScript can hand over that no server would be sent: nothing of it throws, traps
// or reaches a prototype.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Scim } from "scim-web";

const scim = new Scim();
const NAMES = [
  "__proto__", "constructor", "prototype", "toString", "valueOf", "hasOwnProperty",
  "__defineGetter__", "__lookupSetter__", "then", "toJSON",
];

/** Every call that takes what `value` is, in every place where it can stand. */
function calls(value) {
  const user = { userName: "ada" };
  const patch = { Operations: [{ op: "replace", path: "title", value: "x" }] };
  return [
    scim.validate("User", value),
    scim.validate("User", value, { firstOnly: true }),
    scim.validate("User", user, value),
    scim.validate(value, user),
    scim.parseFilter("User", value),
    scim.parseFilter(value, "title pr"),
    scim.explainFilter("User", value),
    scim.explainFilter(value, "title pr"),
    scim.evaluateFilter("User", "title pr", value),
    scim.evaluateFilter("User", value, user),
    scim.evaluateFilter(value, "title pr", user),
    scim.applyPatch("User", value, patch),
    scim.applyPatch("User", user, value),
    scim.applyPatch(value, user, patch),
    scim.project("User", value),
    scim.project("User", user, value),
    scim.project("User", user, { attributes: value, excludedAttributes: value }),
    scim.project(value, user),
    ...compiled(value),
    ...compiled({ schemas: value, resource_types: value }),
    ...compiled({ schemas: [value] }),
  ];
}

/** The outcome of compiling documents, where there are none: what compiles is no JSON. */
function compiled(documents) {
  const outcome = Scim.compile(documents);
  assert.deepEqual(Object.keys(outcome), ["ok", outcome.ok ? "value" : "error"]);
  if (!outcome.ok) return [outcome];
  outcome.value.free();
  return [];
}

/** An outcome is plain JSON, and an error has the one shape. */
function sound(outcome) {
  plain(outcome);
  if (outcome.ok) {
    assert.deepEqual(Object.keys(outcome), ["ok", "value"]);
    return;
  }
  assert.deepEqual(Object.keys(outcome), ["ok", "error"]);
  const { status, scimType, detail, ...more } = outcome.error;
  assert.equal(typeof status, "number");
  assert.ok(scimType === null || typeof scimType === "string");
  assert.equal(typeof detail, "string");
  for (const key of Object.keys(more)) {
    assert.ok(["attribute", "position", "pointer"].includes(key), key);
  }
}

function plain(value) {
  if (Array.isArray(value)) {
    assert.equal(Object.getPrototypeOf(value), Array.prototype);
    value.forEach(plain);
  } else if (value !== null && typeof value === "object") {
    assert.equal(Object.getPrototypeOf(value), Object.prototype);
    for (const key of Object.keys(value)) {
      assert.ok(!NAMES.includes(key), `${key} came back`);
      plain(value[key]);
    }
  } else {
    assert.ok(["boolean", "number", "string"].includes(typeof value) || value === null);
  }
}

/** Runs `body` and finds the built-in prototypes as they were. */
function harmless(body) {
  const prototypes = [Object.prototype, Array.prototype, Function.prototype, String.prototype];
  const before = prototypes.map((prototype) => Reflect.ownKeys(prototype).length);
  body();
  assert.deepEqual(prototypes.map((prototype) => Reflect.ownKeys(prototype).length), before);
  assert.equal({}.polluted, undefined);
  assert.equal({}.userName, undefined);
}

test("names of prototypes as keys, at every level and in every argument", () => {
  harmless(() => {
    for (const name of NAMES) {
      const inner = `{"polluted":true,"userName":"eve","value":"x"}`;
      const texts = [
        `{"${name}":${inner},"userName":"ada"}`,
        `{"userName":"ada","name":{"${name}":${inner},"givenName":"A"}}`,
        `{"userName":"ada","emails":[{"${name}":${inner},"value":"a@b.example"}]}`,
        `{"userName":"ada","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"${name}":${inner},"department":"D"}}`,
        `{"Operations":[{"op":"add","value":{"${name}":${inner}}}]}`,
        `{"Operations":[{"op":"add","path":"${name}","value":${inner}}]}`,
        `{"Operations":[{"op":"add","path":"${name}.polluted","value":true}]}`,
        `{"Operations":[{"op":"replace","path":"emails[${name} eq \\"x\\"].value","value":"y"}]}`,
        `{"Operations":[{"${name}":"add","op":"add","path":"title","value":"T"}]}`,
        `{"attributes":"${name}","excludedAttributes":["${name}","${name}.polluted"]}`,
      ];
      for (const text of texts) {
        calls(text).forEach(sound);
        calls(JSON.parse(text)).forEach(sound);
      }
      calls(name).forEach(sound);
      calls(`${name} eq "x"`).forEach(sound);
      calls(`emails[${name} pr]`).forEach(sound);
    }
  });
});

test("the resource is understood without the hostile keys", () => {
  const outcome = scim.validate("User", JSON.parse('{"__proto__":{"polluted":1},"userName":"ada"}'));
  assert.deepEqual(outcome.value.problems, []);
  assert.deepEqual(outcome.value.resource, {
    schemas: ["urn:ietf:params:scim:schemas:core:2.0:User"],
    userName: "ada",
  });
});

test("values that are no JSON", () => {
  const cyclic = { userName: "ada" };
  cyclic.name = cyclic;
  const values = [
    undefined, null, true, 0, NaN, -0, 1n, Symbol("s"), () => {}, [], new Date(NaN), /x/,
    new Map([["userName", "x"]]), new String("title pr"), Object.create(null), cyclic,
    { userName: 1n }, { get userName() { throw new Error("getter"); } },
    { toJSON() { throw null; } }, { toJSON: () => undefined }, new Proxy({}, {}),
    new Proxy({}, { ownKeys() { throw new Error("trap"); } }),
    new Uint8Array(8), new Error("e"), globalThis, scim,
  ];
  for (const value of values) {
    calls(value).forEach(sound);
  }
});

test("characters that are hard to carry", () => {
  for (const text of ["\u0000", "\ud800", "\udc00\ud800", "\uffff", "\u{10ffff}", "\u2028", "\u202e", "\ufffd"]) {
    calls(text).forEach(sound);
    calls(`userName eq "${text}"`).forEach(sound);
    calls({ userName: text, [text]: text }).forEach(sound);
  }
  const half = scim.parseFilter("User", 'userName eq "\ud800"');
  assert.equal(half.error.scimType, "invalidSyntax");
  const whole = scim.evaluateFilter("User", 'userName eq "\ufffd\u{10ffff}"', { userName: "\ufffd\u{10ffff}" });
  assert.deepEqual(whole, { ok: true, value: true });
  const first = (userName) => scim.validate("User", { userName }).value.problems[0];
  assert.equal(first("a\u0000b").attribute, "userName");
  assert.equal(first("\ud800").scimType, "invalidSyntax");
});

test("what is very deep", () => {
  for (const depth of [101, 10_000, 1_000_000]) {
    for (const text of ["[".repeat(depth) + "]".repeat(depth), '{"a":'.repeat(depth) + "1" + "}".repeat(depth)]) {
      calls(text).forEach(sound);
      assert.equal(scim.validate("User", text).value.problems[0].scimType, "invalidSyntax");
    }
    calls("(".repeat(depth)).forEach(sound);
    calls(`emails${"[".repeat(depth)}`).forEach(sound);
    let nested = [];
    for (let at = 0; at < depth; at += 1) nested = [nested];
    calls({ userName: nested }).forEach(sound);
    const { ok, value } = scim.validate("User", { userName: nested });
    assert.ok(!ok || value.problems.length > 0);
  }
});

test("what is very large", () => {
  const long = "x".repeat(9_000_000);
  calls(long).forEach(sound);
  assert.equal(scim.validate("User", { userName: long }).error.status, 413);
  const wide = { userName: "ada", emails: Array.from({ length: 50_000 }, (_, n) => n) };
  assert.equal(scim.validate("User", wide).value.problems.length, 100);
  const chain = Array.from({ length: 100_000 }, () => "title pr").join(" or ");
  assert.equal(scim.parseFilter("User", chain).error.scimType, "invalidFilter");
  const operations = Array.from({ length: 1_001 }, () => ({ op: "remove", path: "title" }));
  assert.equal(scim.applyPatch("User", { userName: "ada" }, { Operations: operations }).ok, false);
});

test("a call inside a call", () => {
  const outcome = scim.validate("User", {
    toJSON: () => ({ userName: scim.parseFilter("User", "TITLE  pr").value }),
  });
  assert.equal(outcome.value.resource.userName, "TITLE pr");
});

test("schemas of one's own", () => {
  const attribute = (name) => ({
    schemas: [{ id: "urn:example:1.0:Own", name: "Own", attributes: [{ name }] }],
    resource_types: [{ name: "User", schemaExtensions: [{ schema: "urn:example:1.0:Own" }] }],
  });
  harmless(() => {
    for (const name of NAMES) compiled(attribute(name)).forEach(sound);
    assert.equal(Scim.compile(attribute("__proto__")).ok, false);
    const own = Scim.compile(attribute("badge")).value;
    const { resource } = own.validate("User", { userName: "ada", badge: "7" }).value;
    assert.equal(resource["urn:example:1.0:Own"].badge, "7");
    own.free();
  });
});

test("the module works on after all that", () => {
  assert.deepEqual(scim.parseFilter("User", "not(title pr)"), { ok: true, value: "not (title pr)" });
  scim.free();
});
